"""The table of git's settings, and who may set what leads anywhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import places
import pytest
from conftest import Repo

from git_orch.repo import git_settings
from git_orch.repo.git_settings import TABLE, Care, Kind
from git_orch.repo.repository import discover

HARMLESS = (places.TESTS / "data/harmless_settings.txt").read_text().split()
# Whole sections of git that name nothing; of git's own list `extensions.*` is one name.
_SECTIONS = tuple(
    name[:-1].lower() for name in HARMLESS if name.endswith(".*") and name != "extensions.*"
)


def known(name: str) -> bool:
    """Whether the table, or the list of harmless settings, has a setting."""
    plain = name.lower()
    if plain in map(str.lower, HARMLESS) or plain.startswith(_SECTIONS):
        return True
    return any(re.fullmatch(f"(?is:{git_settings.pattern(row.name)})", name) for row in TABLE)


def test_each_setting_that_the_installed_git_knows_is_in_the_table() -> None:
    listed = subprocess.run(["git", "help", "--config"], capture_output=True, text=True, check=True)
    names = [line.partition(" ")[0] for line in listed.stdout.splitlines() if "." in line]
    assert len(names) > 500
    assert [name for name in names if not known(name) and not name.startswith("'")] == []


@pytest.mark.parametrize("name", ["core.newProgram", "filter.x.newProgram", "extensions.newPlace"])
def test_a_setting_that_a_later_git_may_have_is_not_taken_for_known(name: str) -> None:
    assert not known(name)


def test_no_harmless_setting_is_in_the_table() -> None:
    assert [name for name in HARMLESS if git_settings.matches(name, *Care)] == []


def test_no_setting_has_two_rows() -> None:
    names = [row.name.lower() for row in TABLE]
    assert sorted(set(names)) == sorted(names)


def test_what_every_call_pins_is_pinned(repo: Repo) -> None:
    argv = discover(repo.path).git.argv("status")
    assert {f"{row.name}={row.value}" for row in TABLE if row.care is Care.PINNED} <= set(argv)


# -- what counts -----------------------------------------------------------------------------------

OWN = [row for row in TABLE if row.care in (Care.OWN, Care.DRIVER)]


def name_of(row: git_settings.Row) -> str:
    """A setting that the row is about."""
    return re.sub("<[^>]*>", "evil", row.name)


def counting(repo: Repo, row: git_settings.Row) -> str | None:
    """The value that a call of git-orch sees for the row's setting."""
    git = discover(repo.path).user_git
    done = git.finished("config", "--get", name_of(row), expect=(0, 1))
    return done.stdout.decode().rstrip("\n") if done.status == 0 else None


def in_the_repository(repo: Repo, name: str, value: str) -> None:
    """`.git/config`"""
    repo.git("config", name, value)


def in_a_worktree(repo: Repo, name: str, value: str) -> None:
    """`config.worktree`"""
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", name, value)


def in_a_file_that_the_repository_includes(repo: Repo, name: str, value: str) -> None:
    """A file elsewhere, which only the repository's configuration names."""
    file = repo.path.parent / "included"
    repo.git("config", "--file", str(file), name, value)
    repo.git("config", "include.path", str(file))


def in_a_tracked_file_that_the_user_includes(repo: Repo, name: str, value: str) -> None:
    """A file of the work tree, which the user's own configuration names."""
    repo.git("config", "--file", str(repo.path / "shared.config"), name, value)
    repo.git("config", "--global", "include.path", str(repo.path / "shared.config"))


def in_a_linked_worktree_that_the_user_includes(repo: Repo, name: str, value: str) -> None:
    """A file of another worktree, which the user's own configuration names."""
    linked = repo.path.parent / "linked"
    repo.git("worktree", "add", "-q", "--detach", str(linked))
    repo.git("config", "--file", str(linked / "shared.config"), name, value)
    repo.git("config", "--global", "include.path", str(linked / "shared.config"))


PLACES = (
    in_the_repository,
    in_a_worktree,
    in_a_file_that_the_repository_includes,
    in_a_tracked_file_that_the_user_includes,
    in_a_linked_worktree_that_the_user_includes,
)


def harmless_value(row: git_settings.Row) -> str:
    """A value that git takes for the row's setting."""
    return "true" if row.name.endswith((".required", ".enabled")) else "/evil"


@pytest.mark.parametrize("plant", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("row", OWN, ids=lambda row: row.name)
def test_a_path_or_program_of_the_repository_counts_in_no_call(
    repo: Repo, row: git_settings.Row, plant: object
) -> None:
    if row.name == "user.signingKey":
        repo.git("config", "gpg.format", "ssh")
    assert callable(plant)
    plant(repo, name_of(row), harmless_value(row))
    assert repo.git("config", "--get", name_of(row)) == harmless_value(row)
    assert counting(repo, row) != harmless_value(row)


@pytest.mark.parametrize(
    "row", [row for row in OWN if not row.name.startswith("hook.")], ids=lambda row: row.name
)
def test_the_users_own_value_counts_whatever_the_repository_says(
    repo: Repo, row: git_settings.Row
) -> None:
    own = "false" if harmless_value(row) == "true" else "/mine"
    repo.git("config", "--global", name_of(row), own)
    repo.git("config", name_of(row), harmless_value(row))
    if row.name == "user.signingKey":
        repo.git("config", "--global", "gpg.format", "ssh")
    assert counting(repo, row) == own


def test_the_repositorys_choice_among_the_users_openpgp_keys_counts(repo: Repo) -> None:
    repo.git("config", "user.signingKey", "ABCDEF")
    assert counting(repo, next(row for row in OWN if row.name == "user.signingKey")) == "ABCDEF"


@pytest.mark.parametrize("scope", ["--global", "--local"])
def test_hooks_of_the_configuration_run_for_nobody(repo: Repo, scope: str) -> None:
    repo.git("config", scope, "hook.check.command", "evil")
    repo.git("config", scope, "hook.check.event", "reference-transaction")
    enabled = discover(repo.path).git.run("config", "--type=bool", "hook.check.enabled")
    assert enabled == b"false\n"


def test_a_repository_that_sets_nothing_of_the_kind_costs_no_call_of_git(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = discover(repo.path).git
    monkeypatch.setenv("PATH", "/nowhere")  # a call would fail
    assert git.outvoted() == {}


@pytest.mark.parametrize(
    "text",
    [
        "[core]excludesFile=/evil\n",
        "[CORE]\n\tEXCLUDESFILE = /e\\\nvil # x\n",
        '[filter "a=b\\"] c"]clean=/evil\n',
        "[filter.old-style]\r\n\tclean=/evil",
        '[hook "x"] ; command\n command = /evil',
    ],
)
def test_however_it_is_written_it_is_outvoted(repo: Repo, text: str) -> None:
    with (repo.path / ".git/config").open("a", encoding="utf-8", newline="") as config:
        config.write(text)
    git = discover(repo.path).user_git
    assert b"/evil" not in git.run("config", "--get", next(iter(git.outvoted())))


@pytest.mark.parametrize("scope", ["--global", "--local"])
@pytest.mark.parametrize("name", ["include.path", "includeIf.gitdir:/**.path"])
@pytest.mark.parametrize("before", [None, "[alias]\n\tx = status\n"], ids=["missing", "there"])
def test_a_file_that_is_included_is_read_again_when_it_has_changed(
    repo: Repo, scope: str, name: str, before: str | None
) -> None:
    shared = repo.path / "shared.config"
    if before is not None:
        shared.write_text(before)
    repo.git("config", scope, name, str(shared))
    git = discover(repo.path).user_git
    assert git.outvoted() == {}
    shared.write_text('[filter "x"]\n\tclean = evil\n')
    assert git.outvoted() == {"filter.x.clean": ""}


def test_a_file_that_an_included_file_includes_is_read_again_when_it_has_changed(
    repo: Repo,
) -> None:
    repo.git("config", "include.path", "../shared.config")
    git = discover(repo.path).user_git
    assert git.outvoted() == {}
    (repo.path / "shared.config").write_text("[include]\n\tpath = more\n")
    assert git.outvoted() == {}
    (repo.path / "more").write_text('[filter "x"]\n\tclean = evil\n')
    assert git.outvoted() == {"filter.x.clean": ""}


def test_a_file_that_a_branch_includes_is_read_when_that_is_checked_out(repo: Repo) -> None:
    repo.git("config", "--file", str(repo.path / ".git/more"), "filter.x.clean", "evil")
    repo.git("config", "includeIf.onbranch:other.path", "more")
    git = discover(repo.path).user_git
    assert git.outvoted() == {}
    repo.git("switch", "-qc", "other")
    assert git.outvoted() == {"filter.x.clean": ""}


def test_refs_that_the_repository_keeps_elsewhere_are_refused(repo: Repo) -> None:
    repo.git("config", "extensions.refStorage", "files:///evil", expect=None)
    refused = repo.orch("ls", expect=None)
    assert refused.returncode != 0


# -- the sandbox -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["core.excludesFile", "core.attributesFile"])
def test_the_sandbox_shows_no_file_that_the_repository_names(
    repo: Repo, tmp_path: Path, name: str
) -> None:
    from git_orch.repo.worktree import gitview

    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    repo.git("config", name, str(secret))
    found = discover(repo.path)
    assert secret not in gitview.readable(found)
    assert str(secret).encode() not in gitview.config(found)
    repo.git("config", "--global", name, str(secret))
    assert secret in gitview.readable(discover(repo.path))


def test_the_sandbox_is_told_of_no_other_path_program_or_transport(repo: Repo) -> None:
    from git_orch.repo.worktree import gitview

    hidden = [row for row in TABLE if row.care not in (Care.DRIVER, Care.CONTENT, Care.INCLUDED)]
    for row in hidden:
        name = re.sub(r"<[^>]*>|\*", "evil", row.name)
        if row.kind is not Kind.REF and row.care is not Care.REFUSED and ":" not in name:
            repo.git("config", name, f"/evil/{name}")
    assert b"/evil/" not in gitview.config(discover(repo.path))
