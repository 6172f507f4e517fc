"""Doors in what a sandbox shows: a socket answers and a FIFO passes on what is written to it,
though the directory is read-only. They are covered.

The kernel tells the sockets that somebody listens at (unix(7), /proc/net/unix), which is asked for
each command. What it does not tell, FIFOs, devices, sockets of other network namespaces and of
relative names, is looked for once in the git directory and in what the user's settings show; not in
toolchains, which have hundreds of thousands of files.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

_LISTENING = "/proc/net/unix"
# What stands before an entry; a name may have a newline in it. The first line has the headings.
_ENTRY = re.compile(rb"\n(?=[0-9a-f]+: (?:[0-9A-F]+ ){5})")
_NAME = 7  # the field of the path; an abstract name begins with @


class Doors(NamedTuple):
    """The sockets of this moment: the real path of a directory and the name there of each, and the
    last parts of relative paths.
    """

    sockets: tuple[tuple[str, str], ...]
    names: frozenset[str]

    @classmethod
    def of_now(cls, table: str = _LISTENING) -> Doors:
        """The sockets that have a name in the file system; none where the kernel has no table."""
        bound: set[str] = set()
        with contextlib.suppress(OSError), open(table, "rb") as file:
            for entry in _ENTRY.split(file.read().removesuffix(b"\n"))[1:]:
                fields = entry.split(maxsplit=_NAME)
                if len(fields) > _NAME and not fields[_NAME].startswith(b"@"):
                    bound.add(os.fsdecode(fields[_NAME]))
        named = sorted(os.path.split(path) for path in bound)
        # Each place is compared with all of them, and links are followed in milliseconds.
        real = {directory: os.path.realpath(directory) for directory, _ in named}
        return cls(
            tuple((real[directory], name) for directory, name in named if os.path.isabs(directory)),
            frozenset(name for directory, name in named if not os.path.isabs(directory)),
        )

    def in_programs(self, place: str) -> list[str]:
        """The doors below a directory of the system or of a toolchain: those that the kernel
        tells.
        """
        return [path for path in self._sockets(place) if _is_door(path)]

    def in_worktree(self, place: str) -> list[str]:
        """The doors below a directory whose own sockets and FIFOs have to go on working: those that
        somebody has open now.
        """
        unnamed = (
            [path for path in _special(place) if os.path.basename(path) in self.names]
            if self.names
            else []
        )
        return [path for path in {*self._sockets(place), *unnamed} if _is_door(path)]

    def in_shown(self, place: str) -> list[str]:
        """The doors below a directory of the user's that a command may only read."""
        return sorted(
            path for path in {*self._sockets(place), *_once_special(place)} if _is_door(path)
        )

    def _sockets(self, place: str) -> Iterator[str]:
        """Sockets below a place, by the name that they have there."""
        real = os.path.realpath(place)
        for directory, name in self.sockets:
            if directory == real or directory.startswith(f"{real.rstrip(os.sep)}{os.sep}"):
                below = os.path.relpath(directory, real)
                yield os.path.normpath(os.path.join(place, below, name))


@functools.lru_cache
def _once_special(place: str) -> tuple[str, ...]:
    return tuple(_special(place))


def _special(place: str) -> Iterator[str]:
    """Everything below a place that is neither a file nor a directory nor a link; no link is
    followed. A place may be such a thing itself.
    """
    if _is_door(place):
        yield place
        return
    waiting = [place]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except OSError:  # removed, or closed to us: then it is closed to commands, too
            continue
        with entries, contextlib.suppress(OSError):
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not (entry.is_file(follow_symlinks=False) or entry.is_symlink()):
                    yield entry.path


def _is_door(path: str) -> bool:
    """Whether there is such a thing now: bubblewrap cannot cover what has gone."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
