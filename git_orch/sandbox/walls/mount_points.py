"""The places in a worktree where shares are mounted: empty directories and files, which git ignores.

bubblewrap would make them itself, and follow every link on the way, which a command may have put
there.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_orch.sandbox.walls.view import Share

_OF_WORKSPACES = "node_modules"
_WAY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def make(worktree: Path, shares: Iterable[Share]) -> tuple[Share, ...]:
    """The shares for which the worktree has an empty place, or gets one: a share never covers files
    of the tree or of a command.
    """
    return tuple(share for share in shares if os.path.isabs(share.place) or _make(worktree, share))


def _make(worktree: Path, share: Share) -> bool:
    *above, name = share.place.split("/")
    is_directory = os.path.isdir(share.source)
    try:
        with contextlib.ExitStack() as stack:
            here = os.open(worktree, _WAY)
            stack.callback(os.close, here)
            for part in above:
                # A workspace that this tree lacks has no dependencies.
                here = _enter(here, part, made=name != _OF_WORKSPACES)
                stack.callback(os.close, here)
            return _make_directory(here, name) if is_directory else _make_file(here, name)
    except OSError:
        return False


def _enter(here: int, name: str, *, made: bool) -> int:
    if made:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=here)
    return os.open(name, _WAY, dir_fd=here)


def _make_directory(here: int, name: str) -> bool:
    try:
        os.mkdir(name, dir_fd=here)
    except FileExistsError:
        there = os.open(name, _WAY, dir_fd=here)
        try:
            return not os.listdir(there)
        finally:
            os.close(there)
    return True


def _make_file(here: int, name: str) -> bool:
    try:
        os.close(os.open(name, _NEW, 0o600, dir_fd=here))
    except FileExistsError:
        facts = os.stat(name, dir_fd=here, follow_symlinks=False)
        return stat.S_ISREG(facts.st_mode) and not facts.st_size
    return True


def are_all(worktree: Path, path: str, points: frozenset[str]) -> bool:
    """Whether nothing is at a path in the worktree but such places, still empty."""
    waiting = [path.rstrip("/")]
    while waiting:
        place = waiting.pop()
        there = os.path.join(worktree, place)
        if os.path.islink(there):
            return False
        inner = os.listdir(there) if os.path.isdir(there) else []
        if place in points:
            if inner or (os.path.isfile(there) and os.path.getsize(there)):
                return False
        elif not any(point.startswith(f"{place}/") for point in points):
            return False
        waiting += [f"{place}/{name}" for name in inner]
    return True
