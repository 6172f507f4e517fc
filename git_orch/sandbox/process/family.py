"""The processes of a command, also those that tried to leave it, and how to end them all.

On Linux we adopt every process that a command leaves behind (PR_SET_CHILD_SUBREAPER), so all of
them stay below us. Our own tools share our session and commands never do: that tells them apart.
Elsewhere there is only the process group.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from git_orch.sandbox.process import guard, table

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tags:
    """The marks by which this process finds its own: those of another are none of its business."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """For a forked process: its commands are not those of the one that it comes from."""
        # Of our own tools: it keeps a daemon of the user's git alive.
        self.trusted = os.urandom(8).hex()
        # What the tags of all our commands begin with.
        self.commands = os.urandom(8).hex()


TAGS = Tags()
os.register_at_fork(after_in_child=TAGS.begin_anew)
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
# Seconds after which a process that SIGKILL did not end (disk wait) is left to the kernel.
_GIVE_UP = 2.0
# Seconds between two passes over the process table: a sandbox that ends needs less than the first.
_PASS, _LONGEST_PASS = 0.0003, 0.002


class Family:
    """All processes of one command."""

    def __init__(self, leader: int, tag: str) -> None:
        self.leader = leader
        self.tag = tag
        line = table.process(leader)
        self._started = line.started if line is not None else 0

    def living(self) -> set[int]:
        """The processes of this command that run now; one that is born meanwhile may be missing."""
        return self._look()[0]

    def lines(self) -> dict[int, table.Process]:
        """The lines of the process table for the living processes; empty where there is no table."""
        with _lock:
            return {pid: line for pid in self.living() if (line := table.process(pid)) is not None}

    def _look(self) -> tuple[set[int], set[int]]:
        """The processes of this command that run, and children of ours that may be its dead."""
        with _lock:  # nobody reaps while we look
            if not table.available():
                return ({self.leader} if self._send_group(0) else set()), set()
            us, our_session = os.getpid(), os.getsid(0)
            lines = table.descendants(us)
            adopted = [
                line for line in lines.values() if line.parent == us and line.session != our_session
            ]
            dead = {
                line.pid
                for line in adopted
                if line.dead and (line.pid not in _running or line.pid == self.leader)
            }
            return table.below(lines, [line.pid for line in adopted if self._owns(line)]), dead

    def _owns(self, child: table.Process) -> bool:
        """Whether a child of ours in a session of its own, a leader or an adopted orphan, comes
        from this command.

        An orphan that hides (own session, emptied environment) belongs to the only command that
        runs; while there are several it lives until the last of them ends.
        """
        if child.pid in _running:
            return child.pid == self.leader
        if child.started < self._started:
            return False
        tag = table.settled_tag(child.pid)
        if tag == TAGS.trusted or any(tag == other.tag for other in _running.values()):
            return tag == self.tag
        if child.session in _running:
            return child.session == self.leader
        return len(_running) == 1

    def send(self, number: int) -> None:
        """Send a signal to every process of this command."""
        if table.available():
            table.send(self.living(), number)
        else:
            self._send_group(number)

    def _send_group(self, number: int) -> bool:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.leader, number)
            return True
        return False

    def kill(self) -> None:
        """End every process of this command, in passes until it is certain that none is left.

        Reading the table takes time: a process may be born after its place was read, and its parent
        be dead when it is looked at. But then the oldest one that ran when we began has died
        meanwhile, and its body lies with us. So it is over when nothing runs and nobody has died
        since the look before. The signal to the group cannot miss one that forks and ends faster
        than we read.
        """
        give_up = time.monotonic() + _GIVE_UP
        buried: set[int] | None = None
        pause = _PASS
        while time.monotonic() < give_up:
            living, dead = self._look()
            if not living and buried is not None and dead <= buried:
                return
            buried = dead
            if living or dead:
                self._send_group(signal.SIGKILL)
                table.send(living, signal.SIGKILL)
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PASS)


_lock = threading.RLock()  # a signal handler may need it while its own thread holds it
_running: dict[int, Family] = {}  # by leader


@contextlib.contextmanager
def hold_reaping() -> Iterator[str]:
    """Hold back all reaping, so that the status of a new command's leader cannot get lost; gives
    the tag for it.
    """
    with _lock:
        _start_guard()
        yield f"{TAGS.commands}.{os.urandom(4).hex()}"


def add(leader: int, tag: str) -> Family:
    """Take note of a command that runs now; only inside hold_reaping()."""
    family = Family(leader, tag)
    _running[leader] = family
    _update_guard()
    return family


def remove(family: Family) -> None:
    """Forget a command whose leader has been waited for, and reap what it left to us."""
    with _lock:
        del _running[family.leader]
        _update_guard()
        us, our_session = os.getpid(), os.getsid(0)
        for child in table.children(us):
            line = table.process(child)
            if (
                line is not None
                and line.dead
                and line.session != our_session
                and child not in _running
            ):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child, os.WNOHANG)


@functools.cache
def _start_guard() -> guard.Guard | None:
    """Adopt orphans from now on, and start the guard, once."""
    if sys.platform == "linux":
        import ctypes  # costs milliseconds, and commands that run nothing do not need it

        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    guard_process = guard.Guard.start(TAGS.commands, TAGS.trusted)
    if guard_process is not None:
        atexit.register(guard_process.end)
    return guard_process


def _update_guard() -> None:
    guard_process = _start_guard()
    if guard_process is not None:
        guard_process.watch(_running)
