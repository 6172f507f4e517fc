"""The profile for macOS: what its text decides, by the rule that the last match wins. It was not
run on a Mac.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from git_orch import errors
from git_orch.sandbox.network.proxy import Lists, Proxy
from git_orch.sandbox.walls import seatbelt
from git_orch.sandbox.walls.view import GitView, View

HOME = Path("/Users/ada")
REPOSITORY = HOME / "project"
WORKTREE = HOME / ".local/state/git-orch/worktrees/1/plan"
TEMPORARY = Path("/private/var/folders/zz/T/git-orch-1")
LINKED = View(
    worktree=WORKTREE, home=HOME, path="/usr/bin:/bin", git=GitView(REPOSITORY / ".git", b"")
)
MAIN = LINKED._replace(worktree=REPOSITORY)
RULE = re.compile(r"^\((allow|deny) (\S+?)((?: \([\w-]+ (?:\"[^\"]*\"|same-sandbox)\))*)\)$")
FILTER = re.compile(r"\(([\w-]+) (?:\"([^\"]*)\"|(same-sandbox))\)")


def allowed(operation: str, subject: str | Path, view: View = LINKED) -> bool:
    """What the profile says to an operation on a path, a service or, without a subject, anything."""
    verdict = "deny"
    for line in seatbelt.profile(view, TEMPORARY).splitlines()[1:]:
        rule = RULE.match(line)
        assert rule is not None, line
        fits = [
            _fits(kind, value or word, str(subject))
            for kind, value, word in FILTER.findall(rule[3])
        ]
        if _covers(rule[2], operation) and (any(fits) or not fits):
            verdict = rule[1]
    return verdict == "allow"


def _covers(rule: str, operation: str) -> bool:
    return rule in {operation, "default"} or (
        rule.endswith("*") and operation.startswith(rule[:-1])
    )


def _fits(kind: str, value: str, subject: str) -> bool:
    return Path(subject).is_relative_to(value) if kind == "subpath" else subject == value


def test_the_profile_is_a_list_of_rules_that_allow_what_they_do_not_name() -> None:
    lines = seatbelt.profile(LINKED, TEMPORARY).splitlines()
    assert lines[:2] == ["(version 1)", "(allow default)"]
    assert all(RULE.match(line) for line in lines[1:])


@pytest.mark.parametrize("view", [LINKED, MAIN], ids=["linked worktree", "main checkout"])
def test_only_the_worktree_and_a_temporary_directory_can_be_written(view: View) -> None:
    writable = [view.worktree / "src/a.py", TEMPORARY / "x", Path("/dev/null")]
    assert [path for path in writable if not allowed("file-write-create", path, view)] == []
    kept = [
        HOME / ".zshrc",
        HOME / "other/file",
        Path("/etc/hosts"),
        Path("/private/tmp/x"),
        TEMPORARY.parent / "x",
    ]
    assert [path for path in kept if allowed("file-write-create", path, view)] == []


@pytest.mark.parametrize("view", [LINKED, MAIN], ids=["linked worktree", "main checkout"])
@pytest.mark.parametrize("name", [".git", ".git/config", ".git/hooks/pre-commit"])
def test_git_control_data_cannot_be_written(name: str, view: View) -> None:
    assert not allowed("file-write-data", REPOSITORY / name, view)
    assert not allowed("file-write-data", view.worktree / name, view)
    assert allowed("file-read-data", REPOSITORY / name, view)


def test_a_worktree_may_be_shown_only() -> None:
    assert not allowed("file-write-data", WORKTREE / "a", LINKED._replace(worktree_writable=False))


def test_a_directory_of_ours_inside_the_repository_can_be_given() -> None:
    given = REPOSITORY / ".git/orch/snapshots/1"
    view = MAIN._replace(writable=(given,))
    assert allowed("file-write-create", given / "index", view)
    assert allowed("file-read-data", given / "index", view)
    assert not allowed("file-write-create", given.parent / "2", view)


@pytest.mark.parametrize(
    "path",
    [
        REPOSITORY / ".git",
        REPOSITORY,
        HOME,
        WORKTREE,
        WORKTREE.parent,
        HOME / ".ssh",
        Path("/"),
        HOME / "Library/Keychains",
    ],
)
def test_what_rules_name_and_what_that_lies_in_cannot_be_renamed(path: Path) -> None:
    assert not allowed("file-write-unlink", path)


def test_in_a_main_checkout_the_way_to_git_cannot_be_renamed_but_all_else() -> None:
    assert not allowed("file-write-unlink", REPOSITORY / ".git", MAIN)
    assert not allowed("file-write-unlink", REPOSITORY, MAIN)
    assert allowed("file-write-unlink", REPOSITORY / "src", MAIN)


CREDENTIALS = [".ssh/id_rsa", ".aws/credentials", ".netrc", ".npmrc", ".config/gh/hosts.yml", ".git-credentials",
               ".bash_history", ".gnupg/x", "Library/Keychains/login.keychain-db"]  # fmt: skip


@pytest.mark.parametrize("name", [*CREDENTIALS, "Documents/letter", ""])
def test_the_home_directory_is_hidden(name: str) -> None:
    """A09."""
    assert not allowed("file-read-data", HOME / name)


@pytest.mark.parametrize("name", CREDENTIALS)
def test_credentials_stay_hidden_in_what_the_user_shows(name: str) -> None:
    assert not allowed("file-read-data", HOME / name, LINKED._replace(readable=(HOME,)))
    assert not allowed("file-read-data", HOME / name, LINKED._replace(worktree=HOME))


def test_what_the_user_shows_by_its_own_name_is_shown() -> None:
    view = LINKED._replace(readable=(HOME / ".npmrc", HOME / "data"))
    assert allowed("file-read-data", HOME / ".npmrc", view)
    assert allowed("file-read-data", HOME / "data/x", view)
    assert not allowed("file-write-data", HOME / "data/x", view)


def test_toolchains_and_the_way_to_what_is_shown_are_readable() -> None:
    view = LINKED._replace(path=f"/usr/bin:{HOME}/tools/bin:{HOME}:/Users:/")
    assert allowed("file-read-data", HOME / ".cargo/bin/x", view)
    assert allowed("file-read-data", HOME / "tools/bin/x", view)
    assert allowed("file-read-data", WORKTREE / "a", view)
    assert allowed("file-read-metadata", WORKTREE.parent, view)
    assert not allowed("file-read-data", WORKTREE.parent, view)
    assert not allowed("file-read-data", HOME / "Documents/letter", view)


@pytest.mark.parametrize("view", [LINKED, MAIN], ids=["linked worktree", "main checkout"])
def test_local_files_of_git_orch_are_hidden(view: View) -> None:
    assert not allowed("file-read-data", REPOSITORY / ".git/orch/traces/1", view)


@pytest.mark.parametrize(
    "path",
    ["/private/tmp/x", "/Library/Keychains/System.keychain", str(TEMPORARY.parent / "other")],
)
def test_what_all_programs_share_is_hidden(path: str) -> None:
    assert not allowed("file-read-data", path)


def test_the_system_can_be_read() -> None:
    assert allowed("file-read-data", "/usr/lib/libSystem.dylib")


@pytest.mark.parametrize("operation", ["network-outbound", "network-bind", "network-inbound"])
def test_the_network_needs_a_grant(operation: str) -> None:
    """A11."""
    assert not allowed(operation, "")
    assert allowed(operation, "", LINKED._replace(network=True))


@pytest.mark.parametrize(
    "service",
    ["com.apple.SecurityServer", "com.apple.securityd", "com.apple.coreservices.launchservicesd",
     "com.apple.coreservices.appleevents"],
)  # fmt: skip
def test_no_service_acts_for_a_command(service: str) -> None:
    assert not allowed("mach-lookup", service, LINKED._replace(network=True))
    assert allowed("mach-lookup", "com.apple.system.logger")


def test_names_are_looked_up_with_the_network_only() -> None:
    assert not allowed("mach-lookup", "com.apple.dnssd.service")
    assert allowed("mach-lookup", "com.apple.dnssd.service", LINKED._replace(network=True))


@pytest.mark.parametrize("operation", ["process-info-pidinfo", "signal", "mach-priv-task-port"])
def test_other_processes_are_out_of_reach(operation: str) -> None:
    assert not allowed(operation, "others")
    assert allowed(operation, "same-sandbox")


@pytest.mark.parametrize("operation", ["appleevent-send", "job-creation"])
def test_nothing_is_started_outside(operation: str) -> None:
    assert not allowed(operation, "")


def test_the_environment_of_other_processes_is_not_told() -> None:
    """A10."""
    assert not allowed("sysctl-read", "kern.procargs2")
    assert allowed("sysctl-read", "hw.ncpu")


@pytest.mark.parametrize(
    "name",
    ['a"b', "a\\b", "a\nb", 'x")(allow default)(deny foo (literal "', "a\x7fb", "a\udcffb", "a\0b"],
)
def test_a_name_that_could_end_its_string_is_refused(name: str) -> None:
    with pytest.raises(errors.Refused, match="quote, a backslash"):
        seatbelt._quote(name)


def test_a_hostile_worktree_name_is_refused() -> None:
    with pytest.raises(errors.Refused) as refused:
        seatbelt.profile(LINKED._replace(worktree=Path('/Users/ada/x") (subpath "/')), TEMPORARY)
    assert "rename" in refused.value.hint


@pytest.mark.parametrize("name", ["with space", "\u00e4\u6f22", "a'b", "a(b);c"])
def test_ordinary_names_are_named(name: str) -> None:
    view = LINKED._replace(worktree=HOME / name)
    assert f'(subpath "/Users/ada/{name}")' in seatbelt.profile(view, TEMPORARY)


def test_paths_are_named_after_all_links_too(tmp_path: Path) -> None:
    """On a Mac /tmp is /private/tmp, and the kernel knows files by that name."""
    (tmp_path / "real/.git").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    view = LINKED._replace(worktree=tmp_path / "link", git=GitView(tmp_path / "link/.git", b""))
    real = tmp_path.resolve() / "real"
    assert allowed("file-write-create", real / "a", view)
    assert not allowed("file-write-create", real / ".git/config", view)
    assert not allowed("file-write-unlink", tmp_path.resolve(), view)


def test_a_command_gets_a_temporary_directory_that_goes_with_it() -> None:
    with seatbelt.Seatbelt().confine(["make", "test"], LINKED) as ready:
        program, option, text, env, temporary, *command = ready.argv
        place = Path(temporary.removeprefix("TMPDIR="))
        assert place.is_dir()
        assert (program, option, env, command) == (
            "/usr/bin/sandbox-exec",
            "-p",
            "/usr/bin/env",
            ["make", "test"],
        )
        assert text == seatbelt.profile(LINKED, place)
        (place / "left").write_text("x")
    assert not place.exists()


def test_there_is_no_seatbelt_without_its_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "sandbox-exec"
    monkeypatch.setattr(seatbelt, "PROGRAM", str(program))
    assert seatbelt.find() is None
    program.touch(0o755)
    assert seatbelt.find() is not None


def test_a_list_of_hosts_is_refused_where_there_are_no_network_namespaces(tmp_path: Path) -> None:
    view = View(tmp_path, tmp_path, "/usr/bin", proxy=Proxy(Lists.of(("a.example",))))
    with (
        pytest.raises(errors.Refused, match="cannot hold a command to a list"),
        seatbelt.Seatbelt().confine(("true",), view),
    ):
        pass
