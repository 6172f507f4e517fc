"""git-orch is killed with SIGKILL at every point in turn; nothing is lost, and the next command goes on.

A bounded choice of points runs always: each kind of point at least once. All of them run with GIT_ORCH_SOAK=1.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Repo

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
DRIVER = Path(__file__).with_name("killed_at.py")

TWO_STEPS = {
    "title": "Two steps",
    "steps": [
        {"title": "Write a", "files": {"a.txt": "a\n"}},
        {"title": "Make b", "run": "echo b > b.txt", "depends_on": [1], "checks": [{"command": "test -f b.txt"}]},
    ],
}
FAILING = {
    "title": "Failing",
    "steps": [{"title": "Write a", "files": {"a.txt": "a\n"}, "checks": [{"command": "test -f b.txt"}]}],
}
OTHER = {"title": "Another", "steps": [{"title": "Write c", "files": {"c.txt": "c\n"}}]}


@dataclass
class Run:
    """How one run of git-orch ended, and the points it passed; a negative status is the signal that killed it."""

    status: int
    stdout: str
    stderr: str
    points: list[str]


class Driver:
    """The process that forks runs of git-orch."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, repo: Repo, *argv: str, point: int | None = None, counted: bool = False) -> Run:
        """Run git-orch; with `point` kill it there."""
        asked = {
            "argv": argv,
            "cwd": str(repo.path),
            "env": {"XDG_STATE_HOME": str(state_home(repo))},
            "point": point,
            "counted": counted or point is not None,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        found = Run(**json.loads(self._process.stdout.readline()))
        assert "Traceback" not in found.stderr, found.stderr
        return found

    def close(self) -> None:
        self._process.communicate()


def state_home(repo: Repo) -> Path:
    """Where git-orch keeps the worktrees of this copy."""
    return repo.path.parent / "state"


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    started = Driver()
    yield started
    started.close()


@pytest.fixture
def template(repo: Repo) -> Repo:
    """A repository whose user is in the middle of something: staged, changed, untracked, ignored and stashed files."""
    repo.write({"stashed.txt": "stashed\n"})
    repo.git("add", "stashed.txt")
    repo.git("stash")
    repo.commit({".gitignore": "*.log\n", "tracked.txt": "one\n"}, "second")
    repo.write({"tracked.txt": "two\n", "staged.txt": "staged\n", "untracked.txt": "mine\n", "build.log": "log\n"})
    repo.git("add", "staged.txt")
    for name, plan in (("two", TWO_STEPS), ("failing", FAILING), ("other", OTHER)):
        (repo.path.parent / f"{name}.json").write_text(json.dumps(plan))
    return repo


@dataclass
class Scenario:
    """A command to be killed in copies of a prepared repository."""

    driver: Driver
    prepared: Repo
    argv: Sequence[str]

    def copy(self, name: str) -> Repo:
        """A copy of the prepared repository, the command's files beside it."""
        place = self.prepared.path.parent / name
        place.mkdir()
        path = place / "repo"
        shutil.copytree(self.prepared.path, path, symlinks=True)
        return Repo(path)

    def undisturbed(self) -> tuple[Repo, Run]:
        """The command run to its end."""
        repo = self.copy("undisturbed")
        done = self.driver.run(repo, *self.argv, counted=True)
        return repo, done

    def killed(self, points: Sequence[str]) -> Iterator[Repo]:
        """Copies in which the command was killed, one for each chosen point."""
        for index in chosen(points):
            repo = self.copy(f"{index}")
            before = users_own(repo)
            found = self.driver.run(repo, *self.argv, point=index)
            where = f"killed {points[index]} ({index} of {len(points)})"
            assert found.status == -9, f"{where}: {found}"
            assert found.points == list(points[: index + 1]), f"{where} {found.points} {points[:index+1]}"
            try:
                assert users_own(repo) == before
                yield repo
                assert users_own(repo) == before
                assert_clean(repo)
            except AssertionError as failed:
                raise AssertionError(where) from failed
            shutil.rmtree(repo.path.parent)


def chosen(points: Sequence[str]) -> list[int]:
    """Every point, or at least one of each kind, spread over the run by the name of the kind."""
    if SOAK:
        return list(range(len(points)))
    kinds: dict[str, list[int]] = {}
    for index, point in enumerate(points):
        when, _, kind = point.partition(" ")
        alike = kinds.setdefault(kind if reads_only(kind) else f"{when} {kind}", [])
        alike.append(index)
    return sorted(alike[zlib.crc32(kind.encode()) % len(alike)] for kind, alike in kinds.items())


def reads_only(kind: str) -> bool:
    """Git calls that change nothing: before and after one is the same moment."""
    return kind.removeprefix("git ") in {
        "config", "rev-parse", "var", "status", "symbolic-ref", "for-each-ref", "log", "merge-base", "diff-tree",
        "worktree list", "cat-file",
    }  # fmt: skip


def users_own(repo: Repo) -> dict[str, bytes]:
    """Every byte that is the user's: HEAD, index, configuration, stash, reflogs, and all files of the work tree."""
    git_dir = repo.path / ".git"
    names = ["HEAD", "index", "config", "refs/stash", "logs/HEAD", "logs/refs/stash", "refs/heads/main"]
    files = [git_dir / name for name in [*names, "logs/refs/heads/main"]]
    files += sorted(path for path in repo.path.iterdir() if path.is_file())
    return {str(path.relative_to(repo.path)): path.read_bytes() for path in files}


def assert_clean(repo: Repo) -> None:
    """No worktree is left, no object is broken, nothing of ours stands in the way."""
    assert repo.git("worktree", "list").splitlines() == [repo.git("worktree", "list").splitlines()[0]]
    left = [path for path in state_home(repo).glob("git-orch/worktrees/*/*")]
    assert left == []
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
    assert list((repo.path / ".git").rglob("*.lock")) == []


def logged(repo: Repo, plan: str) -> set[str]:
    """All lines of the plan's log, and those that wait on disk for the next write."""
    listed = repo.git("notes", f"--ref=orch/{plan}", "list", expect=None).splitlines()
    lines = {line for each in listed for line in repo.git("cat-file", "blob", each.split()[0]).splitlines()}
    spooled = repo.path / ".git/orch/spool" / plan
    return lines | set(spooled.read_text().splitlines() if spooled.exists() else ())


def usage(lines: set[str]) -> set[str]:
    """The IDs of recorded model calls."""
    return {json.loads(line)["id"] for line in lines if '"event":"model.called"' in line}


def landed_steps(repo: Repo, plan: str) -> list[str]:
    """The step each commit of the branch claims, newest first."""
    form = "--format=%(trailers:key=Orch-Step,valueonly,separator=%x2C)"
    return [line for line in repo.git("log", form, f"orch/{plan}").splitlines() if line]


def tree(repo: Repo, plan: str) -> str:
    return repo.git("rev-parse", f"orch/{plan}^{{tree}}")


def status(driver: Driver, repo: Repo, plan: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(driver.run(repo, "show", plan, "--json").stdout)
    return found


def planned(driver: Driver, repo: Repo, name: str) -> str:
    return driver.run(repo, "plan", "--from", str(repo.path.parent / f"{name}.json")).stdout.split()[0]


def test_a_killed_exec_is_finished_by_the_next_one(driver: Driver, template: Repo) -> None:
    """S1-127, S1-148, S1-159: same tree, each step landed once, no recorded usage or event lost, state COMPLETE."""
    plan = planned(driver, template, "two")
    scenario = Scenario(driver, template, ["exec", plan])
    whole, run = scenario.undisturbed()
    assert run.status == 0, run.stderr

    for repo in scenario.killed(run.points):
        before = logged(repo, plan)
        again = driver.run(repo, "exec", plan)
        assert again.status == 0, again.stderr

        assert tree(repo, plan) == tree(whole, plan)
        assert landed_steps(repo, plan) == ["s2", "s1"]
        assert before <= logged(repo, plan)
        found = status(driver, repo, plan)
        assert found["state"] == "COMPLETE"
        assert [step["state"] for step in found["steps"]] == ["done", "done"]
