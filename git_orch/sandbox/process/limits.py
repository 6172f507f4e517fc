"""The limits of a command: time, output, memory, processes, disk."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


OUTPUT_LIMIT = 10 * 1024 * 1024  # bytes; a command that writes more is stopped
GRACE = 1.8  # seconds from SIGTERM to SIGKILL, so that the whole stop takes less than two


class Stop(Protocol):
    """What says that a command has to end, as a threading.Event does."""

    def is_set(self) -> bool:
        """Whether it has to end now."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one command: seconds, bytes of output, and an event that stops it.

    `output_path` takes the whole output. `grace` is the time in seconds between SIGTERM and
    SIGKILL. All processes of the command together may use `memory` bytes, be `processes` (threads
    count too), and add `growth` bytes and `new_files` files (counted when they changed) to the
    directories `growing`, which are on one disk. None: no bound. `hear` gets the output as it comes.
    """

    timeout: float
    output_path: Path | None = None
    stop: Stop | None = None
    output_limit: int = OUTPUT_LIMIT
    grace: float = GRACE
    memory: int | None = None
    processes: int | None = None
    growing: tuple[Path, ...] = ()
    growth: int | None = None
    new_files: int | None = None
    hear: Callable[[bytes], None] | None = None


def _most_memory() -> int:
    """Three quarters of the machine's memory: the rest is enough for git-orch and its user."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of all commands: processes (threads count), bytes of memory and of one file, open
    files.

    The worktree may grow by `growth` bytes and by `new_files` files.
    """

    processes: int = 2048  # a fork bomb stops here; a parallel build on a large machine does not
    memory: int = field(default_factory=_most_memory)
    file_size: int = 1024**3
    open_files: int = 4096
    growth: int = 8 * 1024**3
    new_files: int = 500_000  # the dependencies of a large JavaScript project are some 100,000


class _Usual:
    limits: Limits | None = None


def usual() -> Limits:
    """The limits of commands that this process starts."""
    return _Usual.limits if _Usual.limits is not None else Limits()


def use(limits: Limits) -> None:
    """Set the limits of commands that this process starts: tests need small ones."""
    _Usual.limits = limits
