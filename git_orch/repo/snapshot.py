"""Snapshots: a work tree as a tree object, through git, so that filters and line endings are the user's."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.repo import worktrees
from git_orch.repo.git import SYNCED

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository
    from git_orch.repo.worktrees import Worktree

_GITLINK = "160000"


class Change(NamedTuple):
    """A path that differs between two trees; `status` is git's letter: A, M, D or T."""

    status: str
    path: str
    mode: str


def of_worktree(worktree: Worktree) -> str:
    """The tree of everything in the worktree that is not ignored; the index is that tree afterwards."""
    worktree.git.run(*SYNCED, "-c", "advice.addEmbeddedRepo=false", "add", "--all")
    return worktree.git.run(*SYNCED, "write-tree").decode("ascii").strip()


def changes(worktree: Worktree, old: str, new: str) -> tuple[Change, ...]:
    """What changed from the commit or tree `old` to the tree `new`."""
    listed = worktree.git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", old, new)
    fields = listed.decode("utf-8", "surrogateescape").split("\0")
    return tuple(
        Change(head.split()[4][0], path, head.split()[1]) for head, path in zip(fields[::2], fields[1::2], strict=False)
    )


def left_out(worktree: Worktree, paths: list[str]) -> list[str]:
    """Which of `paths` the snapshot does not hold: git ignores them."""
    if not paths:
        return []
    listed = worktree.git.run("--literal-pathspecs", "ls-files", "-z", "--", *paths).decode("utf-8", "surrogateescape")
    return sorted(set(paths) - set(listed.split("\0")))


def nested_repositories(found: tuple[Change, ...]) -> list[str]:
    """Paths where a repository was made inside the tree: git would store a link to nothing."""
    return [change.path for change in found if change.mode == _GITLINK and change.status != "D"]


def disturbed(worktree: Worktree, tree: str) -> list[str]:
    """Paths that differ from the snapshot `tree`, on disk or in the index, new ones included, ignored ones not."""
    staged = worktree.git.run("diff-index", "--cached", "--name-only", "-z", "--no-renames", tree)
    listed = worktree.git.run("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    entries = [entry for entry in listed.decode("utf-8", "surrogateescape").split("\0") if entry]
    names = [name for name in staged.decode("utf-8", "surrogateescape").split("\0") if name]
    return list(dict.fromkeys([*names, *(entry[3:] for entry in entries if entry[1] != " ")]))


def restore(worktree: Worktree, tree: str) -> None:
    """Put files and index back to `tree`; untracked files that the tree does not name go, ignored ones stay."""
    worktree.git.run("read-tree", "--reset", "-u", tree)
    worktrees.clean(worktree, ignored=False)


def uncommitted(repository: Repository) -> int:
    """How many of the user's files differ from HEAD, untracked ones included; 0 in a bare repository."""
    if repository.top is None:
        return 0
    listed = repository.user_git.run("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    return sum(1 for entry in listed.split(b"\0") if entry)


def of_user(repository: Repository) -> str:
    """The tree of the user's worktree as it is, untracked files included, without touching their index.

    The copy keeps the index's time of change: git needs it to notice edits of the same second.
    """
    if repository.top is None:
        raise errors.UnfitRepository("a bare repository has no uncommitted files", "git orch plan --base main")
    with tempfile.TemporaryDirectory(dir=repository.state_dir) as directory:
        index = Path(directory) / "index"
        theirs = repository.git_dir / "index"
        if theirs.exists():
            shutil.copy2(theirs, index)
        variables = {"GIT_INDEX_FILE": str(index)}
        repository.user_git.run(*SYNCED, "add", "--all", variables=variables)
        return repository.user_git.run(*SYNCED, "write-tree", variables=variables).decode("ascii").strip()
