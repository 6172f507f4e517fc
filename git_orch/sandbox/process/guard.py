"""A small process that ends our commands when we are killed ourselves (SIGKILL, out of memory).

It waits for the end of a pipe that only we hold open. PR_SET_PDEATHSIG cannot do this: it fires
when the thread that started a command ends. Linux only; a command that empties its environment and
leaves its session escapes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, Self

from git_orch.sandbox.process import table

if TYPE_CHECKING:
    from collections.abc import Iterable

_GIVE_UP = 2.0  # seconds
_PASS = 0.01  # seconds between two passes over the process table
_SURE = 5  # passes that find nothing; a process that forks and ends during one escapes it
_LIST_SIZE = 65536  # bytes of the list of leaders: about 8,000 of them
_MAIN = (
    "import sys; sys.path.append(sys.argv.pop(1)); from git_orch.sandbox.process import guard; "
    "guard.main()"
)


class Guard(NamedTuple):
    """The running guard: it acts at the end of the pipe `alive`, on the leaders listed in the
    memory file `leaders`.
    """

    pid: int
    alive: int
    leaders: int

    @classmethod
    def start(cls, token: str, own_tag: str) -> Self | None:
        """Start a guard of commands whose tag begins with `token`; None where it cannot work."""
        if sys.platform != "linux" or not os.path.isdir(table.PROC) or not sys.executable:
            return None
        leaders = _above_stderr(os.memfd_create("leaders"))
        waiting, alive = map(_above_stderr, os.pipe())
        package_root = os.path.realpath(os.path.join(__file__, *[os.pardir] * 4))
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", _MAIN, package_root, token],
            {table.TAG: own_tag},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, waiting, 0),
                (os.POSIX_SPAWN_DUP2, leaders, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        os.close(waiting)
        return cls(pid, alive, leaders)

    def watch(self, leaders: Iterable[int]) -> None:
        """Replace the list of the commands that run."""
        os.pwrite(self.leaders, " ".join(map(str, leaders)).encode() + b"\n", 0)

    def end(self) -> None:
        """Let the guard go; it looks for left-over commands a last time."""
        os.close(self.alive)
        os.close(self.leaders)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _above_stderr(descriptor: int) -> int:
    """Move a descriptor above 2: a program started with closed standard streams gets low numbers."""
    if descriptor > 2:
        return descriptor
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return moved


def main() -> None:
    """The guard's own life: argument 1 is the token, stdin the pipe, stdout the memory file."""
    os.setsid()
    os.chdir("/")
    os.closerange(3, 1024)
    token = sys.argv[1]
    while os.read(0, 1):
        continue
    leaders = {int(pid) for pid in os.pread(1, _LIST_SIZE, 0).partition(b"\n")[0].split()}
    give_up = time.monotonic() + _GIVE_UP
    # Without a leader on the list nothing can be in the middle of a fork.
    empty_passes = _SURE if leaders else 1
    while empty_passes and time.monotonic() < give_up:
        left = _left_processes(token, leaders)
        table.send(left, signal.SIGKILL)
        empty_passes = _SURE if left else empty_passes - 1
        if empty_passes:
            time.sleep(_PASS)


def _left_processes(token: str, leaders: set[int]) -> set[int]:
    lines = table.processes()
    roots = [
        line.pid
        for line in lines.values()
        if line.session in leaders or (not line.dead and table.tag(line.pid).startswith(token))
    ]
    return table.below(lines, roots) - {os.getpid()}
