"""core.sharedRepository: two users of a group work in one repository, each with the rights of a user
of their own.
"""

from __future__ import annotations

import json
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import members
import pytest
from members import Member

from git_orch.repo.repository import discover

Pair = tuple[Member, Member]


@pytest.fixture
def both(hermetic: Path) -> Iterator[Pair]:
    with tempfile.TemporaryDirectory() as place:
        yield from members.pair(Path(place), "group")


def _plan(member: Member, *names: str) -> str:
    """A plan that starts no program: its user may not be let near the tests' Python."""
    steps = [{"title": name, "files": {name: f"{name}\n"}} for name in names]
    document = {"title": "Write files", "steps": steps}
    return member.orch("plan", "--from", "-", stdin=json.dumps(document)).stdout.split()[0]


def _private(path: Path) -> bool:
    return path.parts[0].startswith("orch-") and path.parts[0] != "orch-shared"


def _modes(git_dir: Path) -> dict[str, list[str]]:
    """The files and directories with a wrong mode."""
    wrong: dict[str, list[str]] = {"shared": [], "private": []}
    for path in (path for path in git_dir.rglob("*") if path.name != "COMMIT_EDITMSG"):
        facts = path.lstat()
        if _private(path.relative_to(git_dir)):
            if facts.st_mode & 0o077:
                wrong["private"].append(str(path))
        elif stat.S_ISDIR(facts.st_mode):
            if facts.st_mode & 0o2070 != 0o2070:
                wrong["shared"].append(str(path))
        elif not facts.st_mode & stat.S_IRGRP or facts.st_mode & 0o007:
            wrong["shared"].append(str(path))
    return wrong


def test_both_work_on_a_plan_and_modes_are_those_of_git(both: Pair) -> None:
    ada, bob = both
    plan = _plan(ada, "a.txt", "b.txt")
    ada.orch("exec", plan, "--steps", "1")
    assert "git orch approve" in bob.orch("exec", plan, expect=3).stderr
    bob.orch("approve", plan)
    bob.orch("exec", plan)
    ada.orch("approve", plan)
    ada.orch("verify", plan, "--tip", "--record")
    ada.orch("land", plan)
    assert ada.git("ls-tree", "--name-only", "main").split() == ["a.txt", "b.txt"]
    git_dir = ada.repository / ".git"
    assert _modes(git_dir) == {"shared": [], "private": []}
    own = {f"orch-{member.user}" for member in both}
    assert {path.name for path in git_dir.glob("orch*")} == {"orch-shared", *own}


def test_the_run_of_a_teammate_is_named_and_after_its_kill_another_goes_on(both: Pair) -> None:
    ada, bob = both
    plan = _plan(ada, "a.txt", "b.txt")
    ada.orch("exec", plan, "--steps", "1")
    bob.orch("approve", plan)
    is_other = bob.user != ada.user
    with ada.at_work(plan):
        busy = bob.orch("exec", plan, expect=6).stderr
        whose = f" ('{ada.name}' began its last run)" if is_other else ""
        assert f"another process is working on '{plan.split('-')[2][:4]}'{whose}\n" in busy
        assert "running" in bob.orch("status", plan).stdout
        if is_other:
            assert f"only '{ada.name}' can stop it" in bob.orch("stop", plan, expect=6).stderr
    again = bob.orch("exec", plan).stderr
    assert (f"the last run, of '{ada.name}', was cut off" in again) == is_other
    assert "2/2" in ada.orch("ls").stdout


def test_a_branch_in_a_closed_worktree_of_a_teammate_is_not_moved(both: Pair) -> None:
    ada, bob = both
    plan = _plan(bob, "a.txt")
    bob.orch("exec", plan)
    ada.git("worktree", "add", "--quiet", "-b", "other", str(ada.home / "w"))
    registration = ada.repository / ".git/worktrees/w"
    is_other = bob.user != ada.user
    landing = bob.orch("land", plan, "--onto", "other", expect=6 if is_other else 0)
    assert (f"chmod -R g+rX {registration}" in landing.stderr) == is_other
    ada.git("switch", "--quiet", "--detach", cwd=ada.home / "w")
    for path in (registration, registration / "HEAD"):
        path.chmod(path.stat().st_mode | 0o050)
    if is_other:
        assert "landed on 'other'" in bob.orch("land", plan, "--onto", "other").stdout


def test_a_branch_in_a_home_that_is_closed_is_named_with_its_place(both: Pair) -> None:
    ada, bob = both
    plan = _plan(bob, "a.txt")
    bob.orch("exec", plan)
    place = ada.home / "w"
    ada.git("worktree", "add", "--quiet", "-b", "other", str(place))
    registration = ada.repository / ".git/worktrees/w"
    for path in (registration, *registration.iterdir()):
        path.chmod(path.stat().st_mode | 0o050)
    is_other = bob.user != ada.user
    landing = bob.orch("land", plan, "--onto", "other", expect=6 if is_other else 0)
    assert (
        f"'other' is checked out in '{place}', which is closed to you" in landing.stderr
    ) == is_other


@pytest.mark.parametrize(
    "value", ["group", "all", "0640", "0600", "1", "2", "yes", "off", "umask", "0666", None]
)
def test_modes_of_a_value_are_those_that_git_gives(value: str | None, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    line = "sharedRepository" if value is None else f"sharedRepository = {value}"
    with (tmp_path / ".git/config").open("a") as config:
        config.write(f"[core]\n\t{line}\n")
    made = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"],
        cwd=tmp_path, umask=0o077, input="x", capture_output=True, text=True, check=True,
    )  # fmt: skip
    oid = made.stdout.strip()
    directory = tmp_path / ".git/objects" / oid[:2]
    shared = discover(tmp_path).sharing
    expected = [shared.mode(0o040700), shared.mode(0o100400)]
    assert [
        stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / oid[2:])
    ] == expected
