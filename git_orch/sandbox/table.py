"""The process table of the machine, as /proc tells it; empty where there is no /proc (macOS)."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TAG = "GIT_ORCH_RUN"  # the environment variable by which a daemon is known after it has left its parent
PROC = "/proc"


class Process(NamedTuple):
    """A line of the process table; `started` counts clock ticks since boot."""

    pid: int
    parent: int
    session: int
    started: int
    dead: bool


def processes() -> dict[int, Process]:
    """All processes by their ID."""
    try:
        names = os.listdir(PROC)
    except FileNotFoundError:
        return {}
    return {line.pid: line for name in names if name.isdigit() and (line := process(int(name))) is not None}


def process(pid: int) -> Process | None:
    """One process; None when it has been waited for, or where there is no /proc."""
    stat = _contents(f"{PROC}/{pid}/stat")
    # The name in the second field may hold anything, a parenthesis too: proc_pid_stat(5).
    fields = stat.rpartition(b")")[2].split()
    if len(fields) < 20:
        return None
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), dead=fields[0] in (b"Z", b"X"))


def tag(pid: int) -> str:
    """The tag in the environment that a process was started with; empty when there is none to see."""
    for entry in _contents(f"{PROC}/{pid}/environ").split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name == TAG.encode():
            return value.decode("ascii", "replace")
    return ""


def _contents(path: str) -> bytes:
    """A file of /proc; empty when the process has gone or is somebody else's."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""


def below(table: Mapping[int, Process], roots: Iterable[int]) -> set[int]:
    """The living processes among `roots` and all their descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for line in table.values():
        children[line.parent].append(line.pid)
    waiting, found = list(roots), set()
    while waiting:
        pid = waiting.pop()
        if pid in table and pid not in found:
            found.add(pid)
            waiting += children[pid]
    return {pid for pid in found if not table[pid].dead}


def send(pids: Iterable[int], number: int) -> None:
    """Send a signal to processes that may have gone or changed their user."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
