"""Files of the user's that git does not track, where it is about to write: it takes ignored ones
for worthless.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from git_orch.repo import ask
from git_orch.repo.git import Git
from git_orch.sandbox import trees


def in_the_way(git: Git, top: Path, written: Iterable[str]) -> list[str]:
    """The untracked files below `top`, ignored or not, that would go when git writes these paths
    there.
    """
    tracked = frozenset(ask.tracked(git))
    new = set(written) - tracked - {""}
    return sorted({file for path in new if (file := _there(top, path, tracked)) is not None})


def _there(top: Path, path: str, tracked: frozenset[str]) -> str | None:
    """The untracked file at a path, in the place of one of the directories above it, or somewhere
    below it.
    """
    parts = path.split("/")
    for length in range(1, len(parts) + 1):
        name = "/".join(parts[:length])
        if (top / name).is_symlink() or (top / name).is_file():
            return None if name in tracked else name
    return (
        _below(top, path, tracked)
        if (top / path).is_dir()
        else path
        if (top / path).exists()
        else None
    )


def _below(top: Path, path: str, tracked: frozenset[str]) -> str | None:
    for directory in trees.walk(top / path):
        for name in directory.others:
            file = "/".join((path, *directory.names, name))
            if file not in tracked:
                return file
    return None


def changed(git: Git, old: str, new: str) -> Sequence[str]:
    """The paths that git writes when it goes from one commit to the other."""
    return ask.changed_paths(git, old, new, deleted=False)
