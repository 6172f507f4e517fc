"""Whether a worktree still is as git saw it, by the times that the kernel gives to files: without a
process.

No command can set the time of change of a file (ctime), or keep it when it changes the file, its
name or its mode. That is what git itself goes by. One thing it cannot tell is a change within the
same tick of the clock: so the last change that git saw has to be older than the command by more
than a tick.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST = 20_000  # files and directories; from there on git in the sandbox is faster
_TICK = 20_000_000  # nanoseconds: two ticks of the slowest clock of Linux
# Some file systems keep whole seconds, or two of them: their times are multiples of this.
_COARSE = 10_000_000
_SLOW_TICK = 2_100_000_000


class Mark(NamedTuple):
    """The number of a file on its disk, and its time of change in nanoseconds."""

    number: int
    changed: int


class Footprint(NamedTuple):
    """Everything in a directory, itself included, with marks."""

    paths: tuple[bytes, ...]
    marks: tuple[Mark, ...]

    def still_there(self) -> bool:
        """Whether nothing was added, removed or changed since."""
        try:
            return all(
                (facts.st_ino, facts.st_ctime_ns) == mark
                for facts, mark in zip(map(os.lstat, self.paths), self.marks, strict=True)
            )
        except OSError:
            return False

    def older_than(self, moment: int) -> bool:
        """Whether whatever changes from `moment` on gets another mark."""
        newest = max(mark.changed for mark in self.marks)
        return newest < moment - (_TICK if newest % _COARSE else _SLOW_TICK)


def footprint(top: Path) -> Footprint | None:
    """The footprint of a directory; None for a large one, or where we may not look."""
    paths, marks = [], []
    try:
        for path, mark in _walk(os.fsencode(top)):
            paths.append(path)
            marks.append(mark)
            if len(paths) > MOST:
                return None
    except OSError:
        return None
    return Footprint(tuple(paths), tuple(marks))


def _walk(top: bytes) -> Iterator[tuple[bytes, Mark]]:
    waiting = [top]
    while waiting:
        directory = waiting.pop()
        # Before it is listed: what comes into it meanwhile counts as a change.
        yield directory, _mark(os.lstat(directory))
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry.path, _mark(entry.stat(follow_symlinks=False))


def _mark(facts: os.stat_result) -> Mark:
    return Mark(facts.st_ino, facts.st_ctime_ns)


class Standing:
    """The tree that the files of a worktree are known to be, in which only commands in the sandbox
    work.
    """

    def __init__(self, top: Path) -> None:
        self._top = top
        self._too_large = False
        self.forget()

    def forget(self) -> None:
        """Nothing is known of the files any more."""
        self._tree: str | None = None
        self._spotless = False
        self._footprint: Footprint | None = None
        self._begun: int | None = None

    def footprint(self) -> Footprint | None:
        """How the files are now, for settle(); to be taken before git looks at them."""
        made = None if self._too_large else footprint(self._top)
        self._too_large = made is None
        return made

    def settle(self, tree: str, seen: Footprint | None, *, spotless: bool) -> None:
        """Git looked at the files and saw `tree`; `seen` is how they were just before."""
        self.forget()
        self._tree, self._footprint, self._spotless = tree, seen, spotless

    def begin(self) -> None:
        """Say that something may change files from now on; only the first time after git looked
        counts.
        """
        if self._begun is None:
            self._begun = time.time_ns()

    def confirm(self, tree: str) -> bool:
        """Whether the files certainly are `tree` as they were; False: git has to look."""
        seen, begun = self._footprint, self._begun
        if self._tree != tree or seen is None or begun is None:
            return False
        if not seen.older_than(begun) or not seen.still_there():
            return False
        self._begun = None
        return True

    def is_spotless(self, tree: str) -> bool:
        """Whether the files were `tree` and nothing else when somebody looked, and nothing has
        begun since.
        """
        return self._tree == tree and self._spotless and self._begun is None

    @property
    def spotless(self) -> bool:
        """Whether nothing was beside the tree: no ignored file, no empty directory."""
        return self._spotless
