"""The process table of the machine, as /proc tells it; empty where there is no /proc (macOS)."""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The environment variable that marks a daemon after it has left its parent.
TAG = "GIT_ORCH_RUN"
PROC = "/proc"
# Seconds that a change of program may take on a machine under load; and between two looks at it,
# of which so many tell that the environment is empty.
_LONGEST_CHANGE, _LOOK, _SURE = 0.2, 0.0005, 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    """A line of the process table; `started` counts clock ticks since boot, `memory` is what is
    resident, in bytes.
    """

    pid: int
    parent: int
    session: int
    started: int
    dead: bool
    threads: int = 0
    memory: int = 0


def available() -> bool:
    """Whether this system tells its processes at all."""
    return os.path.isdir(PROC)


def processes() -> dict[int, Process]:
    """All processes by their ID: 25 microseconds a process, and some machines have thousands."""
    names = os.listdir(PROC) if available() else []
    return {
        line.pid: line
        for name in names
        if name.isdigit() and (line := process(int(name))) is not None
    }


def descendants(ancestor: int) -> dict[int, Process]:
    """The processes below one, the dead that nobody waited for included; its cost does not depend
    on all the others.
    """
    # A kernel without CONFIG_PROC_CHILDREN has no such file.
    if not os.path.exists(f"{PROC}/{ancestor}/task/{ancestor}/children"):
        everything = processes()
        pids = _closure(_by_parent(everything), [ancestor]) - {ancestor}
        return {pid: everything[pid] for pid in pids if pid in everything}
    lines: dict[int, Process] = {}
    waiting = children(ancestor)
    while waiting:
        line = process(waiting.pop())
        if line is not None and line.pid not in lines:
            lines[line.pid] = line
            waiting += children(line.pid)
    return lines


def children(parent: int) -> list[int]:
    """The children of all threads of a process."""
    try:
        threads = os.listdir(f"{PROC}/{parent}/task")
    except OSError:  # it ended
        return []
    pids: list[int] = []
    for thread in threads:
        pids += map(int, _contents(f"{PROC}/{parent}/task/{thread}/children").split())
    return pids


def process(pid: int) -> Process | None:
    """One process; None when it has been waited for, or where there is no /proc."""
    stat = _contents(f"{PROC}/{pid}/stat")
    # The name in the second field may hold anything, a parenthesis too: proc_pid_stat(5).
    fields = stat.rpartition(b")")[2].split()
    if len(fields) < 22:
        return None
    parent, session, threads, started, pages = (int(fields[place]) for place in (1, 3, 17, 19, 21))
    return Process(pid, parent, session, started, fields[0] in (b"Z", b"X"), threads, pages * _PAGE)


def tag(pid: int) -> str:
    """The tag in the first environment of a process; empty when there is none to see."""
    return _tag_in(_contents(f"{PROC}/{pid}/environ"))


def settled_tag(pid: int) -> str:
    """As `tag`, of a process that may be changing its program (execve): for that time it has neither
    arguments nor an environment, and cannot be told from one that emptied both.
    """
    give_up = time.monotonic() + _LONGEST_CHANGE
    bare_looks = 0  # that found arguments and no environment
    while not (environment := _contents(f"{PROC}/{pid}/environ")):
        line = process(pid)
        bare_looks += bool(_contents(f"{PROC}/{pid}/cmdline"))
        if line is None or line.dead or bare_looks == _SURE or time.monotonic() > give_up:
            break
        time.sleep(_LOOK)
    return _tag_in(environment)


def _tag_in(environment: bytes) -> str:
    for entry in environment.split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name == TAG.encode():
            return value.decode("ascii", "replace")
    return ""


def _contents(path: str) -> bytes:
    """A file of /proc; empty when the process has gone or is somebody else's."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""


def below(lines: Mapping[int, Process], roots: Iterable[int]) -> set[int]:
    """The living processes among `roots` and all their descendants."""
    return {
        pid for pid in _closure(_by_parent(lines), roots) if pid in lines and not lines[pid].dead
    }


def _by_parent(lines: Mapping[int, Process]) -> Mapping[int, list[int]]:
    children_of: dict[int, list[int]] = defaultdict(list)
    for line in lines.values():
        children_of[line.parent].append(line.pid)
    return children_of


def _closure(children_of: Mapping[int, list[int]], roots: Iterable[int]) -> set[int]:
    waiting, closure = list(roots), set()
    while waiting:
        pid = waiting.pop()
        if pid not in closure:
            closure.add(pid)
            waiting += children_of.get(pid, [])
    return closure


def send(pids: Iterable[int], number: int) -> None:
    """Send a signal to processes that may have gone or changed their user."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
