"""The files in a worktree beside its tree, and those that a checkout of the tree would make
otherwise.

A check has to see what everybody sees who checks the tree out: not an ignored build product, an
empty directory, a FIFO, a mode that git does not keep, or line endings that it would convert.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.repo.worktree import file_system
from git_orch.sandbox.files import PathRefused, Tree

if TYPE_CHECKING:
    from pathlib import Path

_SUBMODULES = ".gitmodules"
_LARGEST = 1 << 20  # bytes of a file that names submodules


class Survey(NamedTuple):
    """A look at the files of a worktree. `empty` are directories with nothing in them, with two
    slashes at their end; `odd` is what a checkout makes otherwise or git does not see, directories
    with a slash at their end; `below` are files in the places of submodules.
    """

    empty: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    whole: bool = True  # False: somewhere nobody could look


def survey(top: Path, ignored: Collection[str], points: frozenset[str] = frozenset()) -> Survey:
    """Look at all files but those that git ignores, which go anyway, and the `points` where shares
    are mounted.
    """
    modes = file_system.modes(top.parent)
    submodules = _submodules(top)
    below = _below(top, submodules)
    empty, odd = list[str](), list[str]()
    whole = True
    left_out = {path.rstrip("/") for path in ignored} | points | submodules
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(os.path.join(top, directory)) as entries:
                inner = [(entry, entry.stat(follow_symlinks=False)) for entry in entries]
        except OSError:  # too deep, or not ours to look into: a command made it
            whole = False
            continue
        if not inner:
            empty.append(f"{directory}//")
        for entry, facts in inner:
            path = f"{directory}/{entry.name}" if directory else entry.name
            if path in left_out or path == ".git":
                continue
            if stat.S_ISDIR(facts.st_mode):
                waiting.append(path)
                if not modes.fit(facts):
                    odd.append(f"{path}/")
            elif not stat.S_ISLNK(facts.st_mode) and not (
                stat.S_ISREG(facts.st_mode) and modes.fit(facts)
            ):
                odd.append(path)
    return Survey(tuple(empty), (*odd, *below), below, whole)


def _below(top: Path, submodules: Iterable[str]) -> tuple[str, ...]:
    """The files in the places of submodules that nobody has checked out there."""
    return tuple(
        f"{place}/{path}"
        for place in sorted(submodules)
        if not os.path.lexists(top / place / ".git")
        for path in files(top / place)
    )


def files(top: Path) -> Iterator[str]:
    """All files of a worktree that may be tracked."""
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(os.path.join(top, directory)) as entries:
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif path != ".git":
                    yield path


def remove(top: Path, odd: Sequence[str]) -> None:
    """Take away what a checkout makes otherwise, so that it is made anew; directories get their
    mode.
    """
    tree, modes = Tree(top), file_system.modes(top.parent)
    for path in sorted(odd):
        if path.endswith("/"):
            with contextlib.suppress(OSError):
                _give_mode(os.path.join(top, path), modes.directory)
        else:
            with contextlib.suppress(PathRefused, OSError):
                tree.delete(path)


def _give_mode(directory: str, mode: int) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _submodules(top: Path) -> frozenset[str]:
    """The directories where submodules go: they are empty until somebody fills them."""
    try:
        text = Tree(top).read(_SUBMODULES, _LARGEST)
    except PathRefused:
        return frozenset()
    words = [line.partition(b"=") for line in text.split(b"\n")]
    named = [value.strip().strip(b'"') for name, _, value in words if name.strip() == b"path"]
    return frozenset(os.fsdecode(path) for path in named)
