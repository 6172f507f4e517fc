"""What the gate lets into the repository, and what it names."""

from __future__ import annotations

import os

import pytest

from git_orch.repo import gate
from git_orch.repo.gate import Change, Contents, GateRefused

NOTHING = "0" * 40
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END OPENSSH PRIVATE KEY-----\n"


def looked_at(*changes: Change, sizes: dict[str, int] | None = None, secrets: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What the gate names of changes whose object IDs are what the objects hold; `sizes` where they hold more."""
    known = sizes or {}
    contents = Contents(
        lambda oids: {oid: known.get(oid, len(oid)) for oid in oids},
        lambda oids: {oid: os.fsencode(oid) for oid in oids},
    )
    return gate.inspected(changes, contents, secrets)


def added(path: str, content: str = "text", mode: str = "100644") -> Change:
    """A new file."""
    return Change("A", path, mode, content, "000000", NOTHING)


def codes(*changes: Change, sizes: dict[str, int] | None = None, secrets: tuple[str, ...] = ()) -> set[str]:
    """Why the gate refuses changes."""
    with pytest.raises(GateRefused) as refused:
        looked_at(*changes, sizes=sizes, secrets=secrets)
    return {finding.code for finding in refused.value.findings}


def test_ordinary_changes_pass_and_nothing_is_named() -> None:
    assert looked_at(added("a.txt"), added("src/b.py"), Change("D", "c.txt", "000000", NOTHING, "100644", "c")) == ()


@pytest.mark.parametrize(
    "target",
    [
        "/etc/passwd",
        "../out",
        "a/../../out",
        "sub/../../out",
        "",
        ".git/config",
        "sub/.GIT/config",
        "../../x",
        "./../x",
    ],
)
def test_a_link_that_leads_out_of_the_tree_is_refused(target: str) -> None:
    assert codes(added("link", target, "120000")) == {"SYMLINK_OUTSIDE"}


@pytest.mark.parametrize(("path", "target"), [("link", "a.txt"), ("sub/link", "../a.txt"), ("link", "./sub/b")])
def test_a_link_inside_the_tree_passes(path: str, target: str) -> None:
    assert looked_at(added(path, target, "120000")) == ()


@pytest.mark.parametrize(
    "path", [".git/config", "sub/.GIT/hooks/x", "git~1/config", ".git./x", ".git /x", ".g\u200cit/x"]
)
def test_a_name_that_is_gits_own_somewhere_is_refused(path: str) -> None:
    assert codes(added(path)) == {"PATH_GIT_CONTROL"}


def test_a_new_repository_inside_the_tree_is_refused_and_an_old_one_may_move_on() -> None:
    assert codes(added("sub", "1" * 40, "160000")) == {"GITLINK"}
    assert looked_at(Change("M", "sub", "160000", "2" * 40, "160000", "1" * 40)) == ()


def test_a_secret_is_refused_and_one_that_was_there_before_is_not() -> None:
    assert codes(added("id", KEY)) == {"SECRET"}
    assert looked_at(Change("M", "id", "100644", f"# more\n{KEY}", "100644", KEY)) == ()


def test_a_secret_of_the_users_is_refused_whatever_it_looks_like() -> None:
    assert codes(added("a.txt", "word=tr0ub4dor-and-3"), secrets=("tr0ub4dor-and-3",)) == {"SECRET"}


def test_a_file_that_is_too_large_is_refused_without_being_read() -> None:
    assert codes(added("big", "\udcff"), sizes={"\udcff": gate.LARGEST_FILE + 1}) == {"FILE_TOO_LARGE"}


def test_many_files_that_are_too_large_together_are_refused() -> None:
    blobs = [added(f"{number}", f"blob {number}") for number in range(12)]
    assert codes(*blobs, sizes={each.oid: gate.LARGEST_FILE for each in blobs}) == {"STEP_TOO_LARGE"}


def test_too_many_files_are_refused() -> None:
    assert codes(*(added(f"{number}") for number in range(gate.MOST_FILES + 1))) == {"TOO_MANY_FILES"}


@pytest.mark.parametrize(
    "path",
    [".husky/pre-commit", ".github/workflows/ci.yml", "tests/conftest.py", "Makefile", "sub/.envrc", ".gitattributes",
     "x.pth", "AGENTS.md", ".VSCODE/tasks.json"],
)  # fmt: skip
def test_changed_files_that_run_code_are_named(path: str) -> None:
    assert looked_at(added("a.txt"), added(path)) == (path,)


def test_of_a_package_only_what_runs_counts() -> None:
    old = '{"name": "a", "scripts": {"test": "jest"}}'
    new = '{"name": "b", "scripts": {"test": "jest"}}'
    evil = '{"name": "a", "scripts": {"postinstall": "curl"}}'
    assert looked_at(Change("M", "package.json", "100644", new, "100644", old)) == ()
    assert looked_at(Change("M", "package.json", "100644", evil, "100644", old)) == ("package.json",)


def test_a_file_that_becomes_executable_is_named() -> None:
    assert looked_at(Change("M", "tool", "100755", "text", "100644", "text")) == ("tool",)
