"""Trees of directories that commands made: walked and removed, however deep they are.

The one way to do either. A walk is by descriptors and without recursion, follows no link, and has
two directories open at a time: 100,000 directories inside each other are as good as any. Each
directory is known by its number when the walk comes back to it, so that nobody moves it elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_OPENED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NAMED = getattr(os, "O_PATH", 0) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TRIES = 10  # times that somebody may put a file into a directory which is about to go


class Directory(NamedTuple):
    """A directory of a walk, until the next one comes: its names from the top, the names of the
    directories in it, and of all else, links included. The walk enters those that are left in
    `inner`. A `closed` one cannot be entered; its descriptor only names it.
    """

    names: Sequence[str]
    inner: list[str]
    others: list[str]
    descriptor: int
    closed: bool = False

    @property
    def path(self) -> str:
        """The path from the top; empty for the top itself."""
        return "/".join(self.names)


class _Level(NamedTuple):
    name: str
    identity: tuple[int, int]
    inner: list[str]


def size(top: Path) -> int:
    """The bytes of all files below a directory; 0 where there is none."""
    total = 0
    for directory in walk(top):
        for name in directory.others:
            with contextlib.suppress(FileNotFoundError):
                entry = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
                total += entry.st_size
    return total


def walk(top: Path, *, passable: bool = False, closed: bool = False) -> Iterator[Directory]:
    """Each directory from the top on, before those in it; none where there is no directory.

    One that cannot be entered or has gone is left out; with `passable` all are made so that they
    can be entered and written to, with `closed` it comes as one of the closed ones. Raises OSError
    where somebody moves directories meanwhile.
    """
    try:
        way = _Walk(os.fspath(top), None, passable=passable)
    except (FileNotFoundError, NotADirectoryError):
        return
    with way:
        for directory in way.directories():
            if closed or not directory.closed:
                yield directory


def remove(path: Path) -> None:
    """Remove a directory with everything in it, or a file or link; nothing where nothing is. Raises
    OSError for what cannot be removed.
    """
    _remove(os.fspath(path), None)


def shorten(top: Path, longest: int) -> None:
    """Remove everything whose path from the top has more than `longest` bytes, and make all other
    directories so that they can be entered and written to.
    """
    for directory in walk(top, passable=True):
        room = longest - len(os.fsencode(directory.path)) - bool(directory.names)
        for names in (directory.inner, directory.others):
            too_long = [name for name in names if len(os.fsencode(name)) > room]
            for name in too_long:
                _remove(name, directory.descriptor)
            if too_long:
                names[:] = [name for name in names if len(os.fsencode(name)) <= room]


def reaches(top: Path, levels: int) -> bool:
    """Whether there are directories below more than so many others."""
    return any(directory.inner for directory in _at(top, levels))


def cut(top: Path, levels: int) -> None:
    """Remove the directories that lie below so many others."""
    for directory in _at(top, levels):
        for name in directory.inner:
            _remove(name, directory.descriptor)
        directory.inner.clear()


def _at(top: Path, levels: int) -> Iterator[Directory]:
    """The directories at this depth; the walk enters no deeper one."""
    for directory in walk(top):
        if len(directory.names) == levels:
            yield directory
            directory.inner.clear()


def _remove(name: str, directory: int | None) -> None:
    for tries in range(1, _TRIES + 1):
        try:
            if not stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=directory)
                return
            with _Walk(name, directory, passable=True) as way:
                way.empty()
            os.rmdir(name, dir_fd=directory)
        except FileNotFoundError:
            return
        except OSError as failed:
            if failed.errno not in (errno.ENOTEMPTY, errno.EEXIST) or tries == _TRIES:
                raise
        else:
            return


class _Walk:
    """A way through a tree: the directory that is open now, and the levels above it."""

    def __init__(self, top: str, directory: int | None, *, passable: bool) -> None:
        self._passable = passable
        self._above: list[_Level] = []
        if passable:
            _allow(top, directory)
        self._here = os.open(top, _OPENED, dir_fd=directory)

    def __enter__(self) -> _Walk:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._here)

    def directories(self) -> Iterator[Directory]:
        """Each directory, before those in it."""
        inner, others = self._listed()
        names: list[str] = []
        yield Directory(names, inner, others, self._here)
        while True:
            if inner:
                name = inner.pop()
                try:
                    self._enter(name, inner)
                except PermissionError:
                    yield from self._closed([*names, name])
                    continue
                except OSError:  # gone, or a link by now
                    continue
                names.append(name)
                inner, others = self._listed()
                yield Directory(names, inner, others, self._here)
            elif self._above:
                inner = self._leave().inner
                names.pop()
            else:
                return

    def _closed(self, names: list[str]) -> Iterator[Directory]:
        """A directory here that is not for us."""
        try:
            named = os.open(names[-1], _NAMED, dir_fd=self._here)
        except OSError:
            return
        try:
            yield Directory(names, [], [], named, closed=True)
        finally:
            os.close(named)

    def empty(self) -> None:
        """Remove everything in the directory."""
        inner = self._without_files()
        while True:
            if inner:
                self._enter(inner.pop(), inner)
                inner = self._without_files()
            elif self._above:
                level = self._leave()
                inner = level.inner
                # What somebody has put into it meanwhile keeps the top as well.
                with contextlib.suppress(OSError):
                    os.rmdir(level.name, dir_fd=self._here)
            else:
                return

    def _without_files(self) -> list[str]:
        inner, others = self._listed()
        for name in others:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._here)
        return inner

    def _listed(self) -> tuple[list[str], list[str]]:
        """The names of directories, and of all else."""
        inner: list[str] = []
        others: list[str] = []
        with os.scandir(self._here) as entries:
            for entry in entries:
                (inner if entry.is_dir(follow_symlinks=False) else others).append(entry.name)
        return inner, others

    def _enter(self, name: str, left: list[str]) -> None:
        """Go down; `left` are the directories here that are still to come."""
        if self._passable:
            _allow(name, self._here)
        level = _Level(name, _identity(self._here), left)
        below = os.open(name, _OPENED, dir_fd=self._here)
        if not _passable(below):
            os.close(below)
            raise PermissionError(errno.EACCES, "cannot be entered", name)
        self._above.append(level)
        os.close(self._here)
        self._here = below

    def _leave(self) -> _Level:
        """Go back up, to the very directory that this one was entered from."""
        level = self._above.pop()
        above = os.open("..", _OPENED, dir_fd=self._here)
        os.close(self._here)
        self._here = above
        if _identity(above) != level.identity:
            raise OSError(f"directory '{level.name}' was moved while git-orch walked it")
        return level


def _identity(descriptor: int) -> tuple[int, int]:
    return number(os.fstat(descriptor))


def number(facts: os.stat_result) -> tuple[int, int]:
    """The number of a file with that of its disk: the same for all of its names."""
    return facts.st_dev, facts.st_ino


def free_name(path: str) -> str:
    """`path`, or with a number behind it where something has that name: what is moved there takes
    nobody's place.
    """
    names = (f"{path}{number or ''}" for number in itertools.count())
    return next(name for name in names if not os.path.lexists(name))


def real(path: str | Path) -> str:
    """The path after all links, where others may have made any number of them. With more of them
    than Python follows it stays as it is written: the kernel follows 40.
    """
    try:
        return os.path.realpath(path)
    except RecursionError:
        return os.path.normpath(path)


def _passable(descriptor: int) -> bool:
    """Whether there is a way on from a directory, and back: who may list it may not be let through."""
    mode = os.fstat(descriptor).st_mode
    every = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    return mode & every == every or os.access(
        ".", os.X_OK, dir_fd=descriptor, effective_ids=os.access in os.supports_effective_ids
    )


def _allow(name: str, directory: int | None) -> None:
    """Let the owner read, write and enter a directory: commands make others, and Go's module cache
    is one.
    """
    if not hasattr(os, "O_PATH"):  # macOS changes the mode of a link itself
        with contextlib.suppress(OSError, NotImplementedError):
            os.chmod(name, 0o700, dir_fd=directory, follow_symlinks=False)
        return
    try:
        opened = os.open(name, _NAMED, dir_fd=directory)
    except OSError:
        return
    try:
        mode = stat.S_IMODE(os.fstat(opened).st_mode)
        if mode & 0o700 != 0o700:
            # A descriptor that only names a file has no mode to change, but a name in /proc.
            with contextlib.suppress(OSError):
                os.chmod(f"/proc/self/fd/{opened}", mode | 0o700)
    finally:
        os.close(opened)
