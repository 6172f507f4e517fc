"""Snapshots: a work tree as a tree object, through git, so that filters and line endings are the user's."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.repo import worktrees
from git_orch.repo.git import SYNCED, GitFailed

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository
    from git_orch.repo.worktrees import Worktree

_GITLINK = "160000"


class Change(NamedTuple):
    """A path that differs between two trees; `status` is git's letter: A, M, D or T."""

    status: str
    path: str
    mode: str


class Snapshot(NamedTuple):
    """A worktree as it is: its tree, what changed since the base, repositories inside it that the tree leaves out."""

    tree: str
    changes: tuple[Change, ...]
    nested: tuple[str, ...] = ()


def taken(worktree: Worktree, base: str) -> Snapshot:
    """The snapshot of everything that is not ignored; the index is its tree afterwards.

    A repository made inside the tree would be stored as a link to nothing, or end `git add`: it is left out and named.
    """
    try:
        tree = of_worktree(worktree)
    except GitFailed:
        nested = _repositories_inside(worktree)
        if not nested:
            raise
        return _without(worktree, base, nested)
    found = changes(worktree, base, tree)
    nested = tuple(change.path for change in found if change.mode == _GITLINK and change.status in "AT")
    return _without(worktree, base, nested) if nested else Snapshot(tree, found)


def _without(worktree: Worktree, base: str, nested: tuple[str, ...]) -> Snapshot:
    worktree.git.run("read-tree", base)  # the links that were staged go
    _add(worktree, "--", ".", *(f":(exclude,literal){path}" for path in nested))
    tree = worktree.git.run(*SYNCED, "write-tree").decode("ascii").strip()
    return Snapshot(tree, changes(worktree, base, tree), nested)


def _repositories_inside(worktree: Worktree) -> tuple[str, ...]:
    found = []
    for directory, names, files in os.walk(worktree.path):
        path = os.path.relpath(directory, worktree.path)
        if path != "." and ".git" in [*names, *files]:
            found.append(path)
            names.clear()
    return tuple(found)


def of_worktree(worktree: Worktree) -> str:
    """The tree of everything in the worktree that is not ignored; the index is that tree afterwards."""
    _add(worktree)
    return worktree.git.run(*SYNCED, "write-tree").decode("ascii").strip()


def _add(worktree: Worktree, *pathspecs: str) -> None:
    worktree.git.run(*SYNCED, "-c", "advice.addEmbeddedRepo=false", "add", "--all", *pathspecs)


def look_at_everything(worktree: Worktree) -> None:
    """Undo what a command may have told git not to look at; files that a sparse checkout left out stay left out."""
    listed = worktree.git.run("ls-files", "-v", "-z").decode("utf-8", "surrogateescape")
    entries = [(entry[0], entry[2:]) for entry in listed.split("\0") if entry]
    unchanged = [path for flag, path in entries if flag.islower()]
    skipped = [path for flag, path in entries if flag in "Ss" and os.path.lexists(worktree.path / path)]
    for option, paths in (("--no-assume-unchanged", unchanged), ("--no-skip-worktree", skipped)):
        if paths:
            names = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
            worktree.git.run("update-index", option, "-z", "--stdin", stdin=names)


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
