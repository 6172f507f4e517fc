"""The one module that starts processes: trusted tools (capture, Session) and untrusted commands (run)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, Self, cast

from git_orch.sandbox.process import cgroup, family, output, table
from git_orch.sandbox.process import watch as limits

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

Reason = Literal["exited", "timeout", "output-limit", "stopped", "memory-limit", "process-limit", "disk-limit"]

OUTPUT_LIMIT = 10 * 1024 * 1024  # bytes; a command that writes more is stopped
_ASKED = ("timeout", "output-limit", "stopped")  # who fills memory, process table or disk gets no time to go on
GRACE = 1.8  # seconds from SIGTERM to SIGKILL, so that the whole stop takes less than two
_TICK = 0.05  # seconds between two looks at the clock and at what ended without closing its output
QUIT_GRACE = 2.0  # seconds a trusted tool gets to remove its lock files after SIGTERM


@dataclass(frozen=True, slots=True)
class Finished:
    """How a trusted tool ended; a negative `status` is the signal that killed it."""

    status: int
    stdout: bytes
    stderr: bytes


def capture(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | None = None,
    stdin: bytes | int | None = None,
    pass_fds: Sequence[int] = (),
    timeout: float | None = None,
) -> Finished:
    """Run a trusted tool to its end, in our own process group so that Ctrl-C reaches it too.

    `stdin` is what it reads, or the descriptor of an open file.

    An exception on the way (Ctrl-C) ends the tool before it is raised on. Raises FileNotFoundError for a missing
    program, TimeoutError after `timeout` seconds.
    """
    child = subprocess.Popen(
        argv,
        env={**env, table.TAG: family.TRUSTED},
        cwd=cwd,
        stdin=_input(stdin),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=pass_fds,
    )
    try:
        stdout, stderr = child.communicate(stdin if isinstance(stdin, bytes) else None, timeout)
    except subprocess.TimeoutExpired as expired:
        table.send(table.descendants(child.pid), signal.SIGTERM)  # what the tool waits for would outlive it
        raise TimeoutError(f"'{argv[0]}' did not end within {timeout:g} s") from expired
    finally:
        _end(child)
    return Finished(child.returncode, stdout, stderr)


def _input(stdin: bytes | int | None) -> int:
    if isinstance(stdin, int):
        return stdin
    return subprocess.DEVNULL if stdin is None else subprocess.PIPE


def _end(child: subprocess.Popen[bytes]) -> None:
    """Close what is open and wait; a tool that still runs is asked (SIGTERM), then killed."""
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None and not stream.closed:
            _close(stream)
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(QUIT_GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _close(stream: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # bytes that the tool did not want to read any more
        stream.close()


class Session:
    """A trusted tool that answers requests over pipes until closed; its stderr is discarded."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None) -> None:
        self._child = subprocess.Popen(
            argv,
            env={**env, table.TAG: family.TRUSTED},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._requests = cast("IO[bytes]", self._child.stdin)  # both were asked for
        self._replies = cast("IO[bytes]", self._child.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def send(self, request: bytes) -> None:
        """Write and flush. Raises EOFError when the tool has gone."""
        try:
            self._requests.write(request)
            self._requests.flush()
        except BrokenPipeError as error:
            raise EOFError("the tool has ended") from error

    def read_line(self) -> bytes:
        """The next line without its newline. Raises EOFError."""
        line = self._replies.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the tool has ended")
        return line[:-1]

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes. Raises EOFError."""
        data = self._replies.read(size)
        if len(data) != size:
            raise EOFError("the tool has ended")
        return data

    def close(self) -> None:
        """End the tool; a second call does nothing."""
        _close(self._requests)
        _close(self._replies)
        try:
            self._child.wait(QUIT_GRACE)
        except subprocess.TimeoutExpired:
            _end(self._child)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a command may use: seconds, bytes of output, and an event that stops it.

    The file takes the whole output. `grace` is the time in seconds between SIGTERM and SIGKILL. All its processes
    together may use `memory` bytes, be `processes` (threads count too), and add `growth` bytes and `new_files` files
    (counted when they changed) to the directory `growing`. None: as much as there is.
    """

    timeout: float
    output_path: Path | None = None
    stop: threading.Event | None = None
    output_limit: int = OUTPUT_LIMIT
    grace: float = GRACE
    memory: int | None = None
    processes: int | None = None
    growing: Path | None = None
    growth: int | None = None
    new_files: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. `output` is stdout and stderr together in order: head and tail of `total` bytes.

    A negative `status` is the signal that killed it.
    """

    status: int
    reason: Reason
    output: bytes
    total: int
    seconds: float
    output_path: Path | None = None

    def shown(self, limit: int) -> str:
        """The output as safe text of about `limit` characters, with the number of dropped bytes at the cut."""
        return output.excerpt(self.output, self.total, limit)


def run(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, bounds: Bounds, pass_fds: Sequence[int] = ()
) -> Outcome:
    """Run a command that is not trusted, without a terminal or input; nothing it started survives it.

    Raises OSError when it cannot be started; in a control group (cgroup.py) the shell's status 126 or 127 says so.
    """
    begun = time.monotonic()
    with (
        output.Output(bounds.output_path, bounds.output_limit) as collected,
        cgroup.group(memory=bounds.memory, processes=bounds.processes) as group,
    ):
        prefix = group.prefix if group is not None else ()
        watch = limits.Watch(bounds)
        child, members = _started([*prefix, *argv], env, cwd, collected, pass_fds)
        try:
            reason = _watched(child, members, collected, bounds, watch)
            if reason in _ASKED:
                _ask_to_end(child, members, collected, bounds.grace)
        finally:
            members.kill()
            child.wait()
            family.ended(members)
        collected.drain()
        if reason == "exited" and collected.too_long:
            reason = "output-limit"
        if reason == "exited" and child.returncode and group is not None and group.ran_out_of_memory():
            reason = "memory-limit"
        seconds = time.monotonic() - begun
        return Outcome(child.returncode, reason, collected.kept(), collected.total, seconds, bounds.output_path)


def not_started(status: int, message: str, bounds: Bounds) -> Outcome:
    """The outcome of a command that could not be started, with the message in place of its output."""
    with output.Output(bounds.output_path, bounds.output_limit) as collected:
        collected.add(message.encode("utf-8", "backslashreplace") + b"\n")
        return Outcome(status, "exited", collected.kept(), collected.total, 0.0, bounds.output_path)


def _started(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, collected: output.Output, pass_fds: Sequence[int]
) -> tuple[subprocess.Popen[bytes], family.Family]:
    with family.starting() as tag:
        child = subprocess.Popen(
            argv,
            env={**env, table.TAG: tag},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=collected.writer,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
        )
        members = family.started(child.pid, tag)
    collected.close_writer()
    return child, members


def _watched(
    child: subprocess.Popen[bytes],
    members: family.Family,
    collected: output.Output,
    bounds: Bounds,
    watch: limits.Watch,
) -> Reason:
    """Collect output until the command ends or has to. A daemon that holds the output is not waited for."""
    deadline = time.monotonic() + bounds.timeout
    patience = 0.0005
    while child.poll() is None:
        if members.stopped or (bounds.stop is not None and bounds.stop.is_set()):
            return "stopped"
        if collected.too_long:
            return "output-limit"
        if time.monotonic() >= deadline:
            return "timeout"
        if excess := watch.excess(members):
            return excess
        collected.wait(patience if collected.at_end else _TICK)
        patience = min(patience * 2, _TICK)
    return "stopped" if members.stopped else "exited"


def _ask_to_end(child: subprocess.Popen[bytes], members: family.Family, collected: output.Output, grace: float) -> None:
    """SIGTERM for all of it, and time to go while its last words are collected."""
    members.send(signal.SIGTERM)
    deadline = time.monotonic() + grace
    while members.living() and time.monotonic() < deadline:
        collected.wait(_TICK / 5)
        child.poll()


class Background:
    """A program that goes on when we end."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.pid = child.pid

    def status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._child.poll()


def detached(argv: Sequence[str], *, env: Mapping[str, str], output: int) -> Background:
    """Start a trusted program in a session of its own: no terminal, no hang-up and no end of ours reaches it.

    It reads nothing and has no descriptor of ours but `output`, which takes what it prints.
    """
    heard = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which the child inherits
    try:
        child = subprocess.Popen(
            argv,
            env={**env, table.TAG: family.TRUSTED},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGHUP, heard)
    return Background(child)


def birth(pid: int) -> str | None:
    """When a process was started, as the system tells it; None when it has ended."""
    if table.available():
        line = table.process(pid)
        return str(line.started) if line is not None and not line.dead else None
    told = capture(["/bin/ps", "-o", "lstart=", "-p", str(pid)], env={"PATH": "/bin:/usr/bin", "LC_ALL": "C"})
    return told.stdout.decode("ascii", "replace").strip() or None


def ask_to_end(pid: int, born: str) -> bool:
    """Send SIGTERM to the process that has this number and birth; whether it was there."""
    with contextlib.suppress(ProcessLookupError):
        if not hasattr(os, "pidfd_open"):
            if birth(pid) == born:
                os.kill(pid, signal.SIGTERM)
                return True
            return False
        descriptor = os.pidfd_open(pid)  # what follows is about this process, whoever gets its number later
        try:
            if birth(pid) == born:
                signal.pidfd_send_signal(descriptor, signal.SIGTERM)
                return True
        finally:
            os.close(descriptor)
    return False


def kill_all() -> None:
    """End every command that runs in any thread, at once (SIGKILL): for exits and signal handlers."""
    family.kill_all()
