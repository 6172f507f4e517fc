"""Worktrees are cleaned of whatever a command left, however deep it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.flow.machine import sandbox
from git_orch.repo.repository import discover
from git_orch.repo.worktree import worktrees
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox import trees

PLAN = "PLAN-20261121-0000000000-x"
DEEP = 150  # more than git is left to clean
TRACKED = "/".join(["t"] * DEEP) + "/file"


@pytest.fixture
def worktree(repo: Repo) -> Worktree:
    repo.commit({TRACKED: "tracked\n"}, "deep")
    found = discover(repo.path)
    return worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")


def nested(top: Path, depth: int) -> None:
    place = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)


def test_directories_inside_each_other_are_removed(worktree: Worktree) -> None:
    nested(worktree.path, 3 * DEEP)
    worktrees.clean(worktree)
    assert sorted(os.listdir(worktree.path)) == [".git", "README.md", "t"]


def test_a_tracked_file_is_left_however_deep_it_is(worktree: Worktree) -> None:
    nested(worktree.path, 2 * DEEP)
    (worktree.path / TRACKED).with_name("untracked").write_text("new\n")
    worktrees.clean(worktree)
    assert (worktree.path / TRACKED).read_text() == "tracked\n"
    assert os.listdir((worktree.path / TRACKED).parent) == ["file"]
    assert not (worktree.path / "d").exists()


def test_only_what_is_deeper_is_cut(tmp_path: Path) -> None:
    nested(tmp_path, 5)
    (tmp_path / "d/d/file").touch()
    assert trees.reaches(tmp_path, 4)
    trees.cut(tmp_path, 2)
    assert not trees.reaches(tmp_path, 2)
    assert sorted(os.listdir(tmp_path / "d/d")) == ["file"]
