"""The power goes at a border: what was not synced never happened, and the next command goes on.

A bounded choice of borders runs always, all of them with GIT_ORCH_SOAK=1. What is lost in a cut is
in support/power_cut.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import power_cut
import pytest
from conftest import Here, Repo, data

from git_orch import checkpoints
from git_orch.repo import sync

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
LOSSES: tuple[power_cut.Loss, ...] = ("empty", "gone")
EVERY = 1 if SOAK else 71  # borders; with another start for each loss
STEPS = {
    "title": "Three steps",
    "steps": [
        {"title": "Write a", "files": {"a.txt": "a\n", "sub/a.txt": "a\n"}},
        {"title": "Make b", "run": "echo b > b.txt", "checks": [{"command": "test -f b.txt"}]},
        {"title": "Make many", "run": "seq 150 | split -l 1 - many-", "depends_on": [1, 2]},
    ],
}


@pytest.fixture
def place(here: Here, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The disk: a repository, and all that git-orch keeps for it elsewhere."""
    here.repo.git("branch", "other")
    directory = here.repo.path.parent / "disk"
    directory.mkdir()
    here.repo.path.rename(directory / "repo")
    here.repo.path = directory / "repo"
    monkeypatch.chdir(here.repo.path)
    monkeypatch.setenv("XDG_STATE_HOME", str(directory / "state"))
    return directory


def cut_off(
    here: Here, place: Path, plan: str, argv: Sequence[str], loss: power_cut.Loss
) -> Iterator[tuple[Repo, power_cut.Promise]]:
    """The disk as it is after a power cut at each chosen border of a command; each must be in order
    when the caller has gone on there.
    """
    copies = place.parent / "copies"
    disk = power_cut.Disk(place, plan, copies, loss, EVERY, LOSSES.index(loss) * (EVERY // 2))
    sync.switch(on=True)
    checkpoints.observe(disk)
    try:
        here(*argv)
    finally:
        checkpoints.observe(None)
        sync.switch(on=False)
        disk.close()
    assert disk.promises
    os.chdir("/")
    for name, promise in disk.promises.items():
        power_cut.restart(place, copies / name)
        try:
            yield here.repo, promise
            assert_kept(here.repo, plan, promise)
        except AssertionError as failed:
            raise AssertionError(f"cut off at {name}") from failed


def assert_kept(repo: Repo, plan: str, promise: power_cut.Promise) -> None:
    """No object is broken, and the log has all that it had, and all that cost money."""
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
    assert repo.git("worktree", "list").count("\n") == 0
    log = repo.orch("log", plan, "--json").stdout
    assert [event for event in logged(repo, promise.log) | promise.events if event not in log] == []


def logged(repo: Repo, tip: str | None) -> set[str]:
    """The IDs of all events in a log."""
    if tip is None:
        return set()
    listed = repo.git("ls-tree", "-r", "--format=%(objectname)", tip).split()
    lines = [line for note in listed for line in repo.git("cat-file", "blob", note).splitlines()]
    return {json.loads(line)["id"] for line in lines}


def holds(repo: Repo, commit: str | None, revision: str) -> bool:
    """Whether a commit is part of a branch."""
    return commit in repo.git("rev-list", revision).splitlines()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_run_goes_on_after_a_power_cut_and_what_has_landed_stays(
    here: Here, place: Path, loss: power_cut.Loss
) -> None:
    plan = here.plan(STEPS)
    whole = None
    for repo, promise in cut_off(here, place, plan, ("exec", "--jobs", "1"), loss):
        repo.orch("exec", plan)
        assert repo.step_states(plan) == ["done"] * 3
        assert promise.branch is None or holds(repo, promise.branch, f"orch/{plan}")
        tree = repo.git("rev-parse", f"orch/{plan}^{{tree}}")
        whole = whole or tree
        assert tree == whole


@pytest.mark.parametrize("loss", LOSSES)
def test_a_rollback_goes_on_after_a_power_cut_and_keeps_what_went(
    here: Here, place: Path, loss: power_cut.Loss
) -> None:
    plan = here.plan(STEPS)
    here("exec", plan)
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    for repo, _ in cut_off(here, place, plan, ("rollback", "--to-step", "1", plan), loss):
        repo.orch("rollback", "--to-step", "1", plan)
        assert repo.step_states(plan) == ["done", "pending", "pending"]
        assert holds(repo, tip, f"refs/orch/kept/{plan}")
        repo.orch("rollback", "--undo", plan)
        assert repo.git("rev-parse", f"orch/{plan}") == tip


@pytest.mark.parametrize("loss", LOSSES)
def test_a_landing_goes_on_after_a_power_cut(here: Here, place: Path, loss: power_cut.Loss) -> None:
    """On a branch that nobody has checked out: files of a checkout are git's to sync."""
    plan = here.plan(STEPS)
    here("exec", plan)
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    for repo, _ in cut_off(here, place, plan, ("land", "--onto", "other", plan), loss):
        repo.orch("land", "--onto", "other", plan, expect=None)
        assert holds(repo, tip, "other")
        assert data(repo.orch("ls", "--all", "--json").stdout) != []
