"""Merging two branches in memory: no work tree, no index, and no program of anybody's is started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.repo.git import FETCHING, SYNCED, Git

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository


class Merged(NamedTuple):
    """The tree of a merge, and the paths that do not merge; then the tree holds conflict markers."""

    tree: str
    conflicts: tuple[str, ...] = ()


def merged(repository: Repository, ours: str, theirs: str) -> Merged | None:
    """What `git merge` of commit `theirs` into commit `ours` gives; None when they have no common history."""
    git = Git(repository.common_dir, None, {**repository.variables, **FETCHING}, repository.drivers)
    if git.finished("merge-base", ours, theirs, expect=(0, 1)).status == 1:
        return None
    options = ("--write-tree", "-z", "--name-only", "--no-messages")
    done = git.finished(*SYNCED, "merge-tree", *options, ours, theirs, expect=(0, 1))
    tree, *paths = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return Merged(tree, tuple(dict.fromkeys(path for path in paths if path)))


def touching(repository: Repository, base: str | None, tip: str, paths: Sequence[str]) -> frozenset[str]:
    """Commits from `base` (None: from the first one) to `tip` that change one of the paths."""
    span = [tip, *([f"^{base}"] if base is not None else [])]
    listed = repository.git.run("--literal-pathspecs", "log", "--format=%H", *span, "--", *paths)
    return frozenset(listed.decode("ascii").split())
