"""A look now and then at what a command uses: memory, processes, disk.

It is slower than the kernel's own limits, which act at once (cgroup.py, prlimit), but it works for
every user. Between two looks a command can get ahead of it: that much has to be free.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from git_orch.sandbox.process import table

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence
    from pathlib import Path

    from git_orch.sandbox.process.family import Family
    from git_orch.sandbox.process.limits import Bounds

Excess = Literal["memory-limit", "process-limit", "disk-limit"]

FIRST = 0.2  # seconds before the first look: most commands are over by then and cost nothing
_EVERY = 0.25  # seconds between two looks
_SHARE = 20  # a look that takes long is followed by a pause of so many times its length
# Bubblewrap and ours; besides, the kernel's own limit comes first then, which spares the command.
_STARTERS = 16
_SLICE = 0.02  # seconds of counting files at a time, so that output and clock are not kept waiting
_CLOCK = 0.02  # seconds that the time stamps of files may be behind the clock
_GONE = os.stat_result((0,) * 10)  # of long ago, so that it does not count
_MEMORY_FILE = "/memfd:"  # how proc_pid_fd(5) names a file without a name, before its own
_BLOCK = 512  # bytes; st_blocks counts these on every file system


class _Room(NamedTuple):
    """Free bytes and files of a file system; no files where they are not counted, as on btrfs."""

    size: int
    files: int

    @classmethod
    def of(cls, directory: Path) -> _Room:
        """The room that ordinary users may still use."""
        system = os.statvfs(directory)
        return cls(system.f_bavail * system.f_frsize, system.f_ffree)


class Watch:
    """Looks at a command; made before it is started, to know what was there."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._started = time.time() - _CLOCK
        self._next = time.monotonic() + FIRST
        self._spent = 0.0  # seconds of the look that goes on
        self._victims: set[int] = set()
        first = bounds.growing[:1]
        self._room = _Room.of(first[0]) if first else None
        self._device = os.stat(first[0]).st_dev if first else 0
        self._count: Iterator[bool] | None = None  # of the files that grew, while it goes on

    def excess(self, members: Family) -> Excess | None:
        """The limit that the command exceeds; it looks only when it is time to."""
        if not self._victims:
            self._victims = _offer_to_kernel({members.leader}, set())
        start = time.monotonic()
        if start < self._next:
            return None
        excess = self._use(members) or self._growth(members)
        end = time.monotonic()
        self._spent += end - start
        if self._count is not None:
            self._next = end + _SLICE
        else:
            self._next = end + max(_EVERY, self._spent * _SHARE)
            self._spent = 0.0
        return excess

    def _use(self, members: Family) -> Excess | None:
        bounds = self._bounds
        lines = members.lines()
        self._victims = _offer_to_kernel(set(lines), self._victims)
        if (
            bounds.processes is not None
            and sum(line.threads for line in lines.values()) > bounds.processes + _STARTERS
        ):
            return "process-limit"
        if bounds.memory is None:
            return None
        held = _memory_files(lines)
        elsewhere = sum(held.values()) + _in_root(lines)
        if sum(line.memory for line in lines.values()) + elsewhere <= bounds.memory:
            return None
        # Before and after the shares: a process that ends meanwhile maps nothing afterwards, one that
        # grows has mapped less before.
        before = _mapped(lines, held) if held else 0
        shares = sum(map(_own_share, lines.values()))
        mapped = max(before, _mapped(lines, held) if held else 0)
        return "memory-limit" if shares + elsewhere - mapped > bounds.memory else None

    def _growth(self, members: Family) -> Excess | None:
        """Others fill the same disk: the files are counted only while so much less is free than at
        the start.
        """
        growing = self._bounds.growing
        if growing and self._count is None and self._may_have_grown(growing[0]):
            self._count = self._count_files(growing, members)
        until = time.monotonic() + _SLICE
        while self._count is not None and time.monotonic() < until:
            exceeded = next(self._count, None)
            if exceeded:
                return "disk-limit"
            if exceeded is None:
                self._count = None
        return None

    def _may_have_grown(self, directory: Path) -> bool:
        try:
            before, now = self._room, _Room.of(directory)
        except FileNotFoundError:
            return False  # the command has removed it
        growth, files = self._bounds.growth, self._bounds.new_files
        return before is not None and (
            (growth is not None and before.size - now.size > growth)
            or (files is not None and (before.files - now.files > files or not before.files))
        )

    def _count_files(self, directories: Sequence[Path], members: Family) -> Iterator[bool]:
        """Count one file after the other; gives whether the sum is too much by now. A file that the
        command changed counts as a whole.
        """
        size = files = 0
        for file in _files(directories, self._device, members.living()):
            if file is not None and file.st_ctime < self._started:
                yield False
                continue
            if file is None:  # nobody hides from the count behind a directory that cannot be read
                yield True
                return
            size += file.st_blocks * _BLOCK
            files += 1
            too_large = self._bounds.growth is not None and size > self._bounds.growth
            yield too_large or (
                self._bounds.new_files is not None and files > self._bounds.new_files
            )


def _offer_to_kernel(pids: set[int], already: set[int]) -> set[int]:
    """Ask the kernel to take these first when the machine runs out of memory: the command, and not
    git-orch.

    Best effort: what a process started before it was asked is asked at the first look, and some may
    not be asked.
    """
    for pid in pids - already:
        with (
            contextlib.suppress(OSError),
            open(f"{table.PROC}/{pid}/oom_score_adj", "wb", buffering=0) as file,
        ):
            file.write(b"1000")
    return pids


def _own_share(line: table.Process) -> int:
    """Memory in bytes; a page that many processes share counts once (PSS). All that the process
    maps where the kernel refuses to tell.

    0 for a process that has ended since: several that share memory and end together would count for
    all of it.
    """
    try:
        with open(f"{table.PROC}/{line.pid}/smaps_rollup", "rb") as file:
            shares = [entry.split()[1] for entry in file if entry.startswith(b"Pss:")]
    except PermissionError:
        return line.memory
    except OSError:
        return 0
    return int(shares[0]) * 1024 if shares else 0


def _memory_files(pids: Iterable[int]) -> dict[int, int]:
    """The files in memory that processes hold open, see memfd_create(2): their inodes, and their
    size in bytes. No process needs to map them.
    """
    held: dict[int, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError), os.scandir(f"{table.PROC}/{pid}/fd") as descriptors:
            for descriptor in descriptors:
                with contextlib.suppress(OSError):  # closed meanwhile
                    if os.readlink(descriptor.path).startswith(_MEMORY_FILE):
                        file = os.stat(descriptor.path)
                        held[file.st_ino] = file.st_blocks * _BLOCK
    return held


def _in_root(pids: Iterable[int]) -> int:
    """The bytes in the root file system of processes that have another one than we: bubblewrap makes
    it in memory, without a size, and copies of shared directories that last no longer are in it.
    """
    ours, used = os.stat(os.sep).st_dev, dict[int, int]()
    for pid in pids:
        with contextlib.suppress(OSError):
            root = f"{table.PROC}/{pid}/root"
            if (device := os.stat(root).st_dev) != ours and device not in used:
                system = os.statvfs(root)
                used[device] = (system.f_blocks - system.f_bfree) * system.f_frsize
    return sum(used.values())


def _mapped(pids: Iterable[int], inodes: Container[int]) -> int:
    """The bytes of these files in memory that count in the shares of processes already."""
    mapped = 0
    for pid in pids:
        counts = False
        with contextlib.suppress(OSError), open(f"{table.PROC}/{pid}/smaps", "rb") as lines:
            for line in lines:
                fields = line.split(maxsplit=5)
                if b"-" in fields[0]:  # the first line of a mapping
                    counts = (
                        len(fields) == 6
                        and fields[5].startswith(_MEMORY_FILE.encode())
                        and int(fields[4]) in inodes
                    )
                elif counts and fields[0] == b"Pss:":
                    mapped += int(fields[1]) * 1024
    return mapped


def _files(
    directories: Sequence[Path], device: int, pids: set[int]
) -> Iterator[os.stat_result | None]:
    """The files below directories, and removed files on its disk that processes hold open. A file
    with several names comes once.

    No link is followed. None stands for an entry that cannot be looked at.
    """
    counted: set[int] = set()
    for file in itertools.chain(
        _removed_files(pids, device), *(_files_below(str(place)) for place in directories)
    ):
        if file is None or file.st_nlink == 1 or stat.S_ISDIR(file.st_mode):
            yield file
        elif file.st_ino not in counted:
            counted.add(file.st_ino)
            yield file


def _files_below(directory: str) -> Iterator[os.stat_result | None]:
    waiting = [directory]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except (FileNotFoundError, NotADirectoryError):
            continue  # removed or replaced while we looked
        except OSError:
            yield None
            continue
        # Reading goes on after the directory was removed.
        with entries, contextlib.suppress(FileNotFoundError):
            for entry in entries:
                file = _status_of(entry)
                if file is not None and stat.S_ISDIR(file.st_mode):
                    waiting.append(entry.path)
                yield file


def _status_of(entry: os.DirEntry[str], *, follow: bool = False) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=follow)
    except FileNotFoundError:
        return _GONE
    except OSError:  # in a directory that can be listed and not entered
        return None


def _removed_files(pids: set[int], device: int) -> Iterator[os.stat_result]:
    """Removed regular files that are still open: they take space that no directory shows."""
    for pid in pids:
        with contextlib.suppress(OSError), os.scandir(f"{table.PROC}/{pid}/fd") as descriptors:
            for descriptor in descriptors:
                file = _status_of(descriptor, follow=True)
                if (
                    file is not None
                    and not file.st_nlink
                    and file.st_dev == device
                    and stat.S_ISREG(file.st_mode)
                ):
                    yield file
