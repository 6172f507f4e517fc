"""Starting trusted tools: git, an editor, git-orch itself in the background."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
from typing import IO, TYPE_CHECKING, NamedTuple, Self, cast

from git_orch.sandbox.process import family, programs, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

_CHUNK = 64 * 1024  # bytes, as much as a pipe holds
QUIT_GRACE = 2.0  # seconds a trusted tool gets to remove its lock files after SIGTERM


class Finished(NamedTuple):
    """The end of a trusted tool; a negative `status` is the signal that killed it."""

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
    complains: bool = False,
    started: Callable[[int], None] | None = None,
) -> Finished:
    """Run a trusted tool to its end, in our own process group so that Ctrl-C reaches it too.

    `stdin` is what it reads, or the descriptor of an open file. One that `complains` has our
    standard error. `started` gets its process number.

    An exception on the way (Ctrl-C) ends the tool before it is raised on. Raises FileNotFoundError
    for a missing program, TimeoutError after `timeout` seconds.
    """
    child = subprocess.Popen(
        _found(argv, env),
        env=_variables(env),
        cwd=cwd,
        stdin=_input(stdin),
        stdout=subprocess.PIPE,
        stderr=None if complains else subprocess.PIPE,
        pass_fds=pass_fds,
    )
    try:
        if started is not None:
            started(child.pid)
        stdout, stderr = child.communicate(stdin if isinstance(stdin, bytes) else None, timeout)
    except subprocess.TimeoutExpired as expired:
        # Programs that the tool waits for would outlive it.
        table.send(table.descendants(child.pid), signal.SIGTERM)
        raise TimeoutError(f"'{argv[0]}' did not end within {timeout:g} s") from expired
    finally:
        _end(child)
    return Finished(child.returncode, stdout, stderr or b"")


def attend(argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> int:
    """Run a trusted tool that has our input, output and terminal; gives its exit status. Raises
    FileNotFoundError for a missing program.
    """
    child = subprocess.Popen(_found(argv, env), env=_variables(env), cwd=cwd)
    try:
        return child.wait()
    finally:
        _end(child)


def _found(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """The command line with the program's own path. Raises FileNotFoundError."""
    program = programs.find(argv[0], env.get("PATH", os.defpath))
    if program is None:
        raise FileNotFoundError(errno.ENOENT, "there is no such program outside of the repository")
    return [program, *argv[1:]]


def _variables(env: Mapping[str, str]) -> dict[str, str]:
    """The variables of a tool: what it starts is the host's as well."""
    path = programs.host_path(env.get("PATH", os.defpath))
    return {**env, "PATH": path, table.TAG: family.TAGS.trusted}


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


class Patience(NamedTuple):
    """The seconds that an answer may take, and the error after that."""

    seconds: float
    overdue: Exception


_ENDLESS = Patience(float("inf"), TimeoutError())


class Session:
    """A trusted tool that answers requests over pipes until closed.

    One that is `terse` complains in a few lines, which `close` gives back; of others they are lost.
    A terminal's Ctrl-C does not reach a terse one: it ends when we do, as its input ends.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        terse: bool = False,
        patience: Patience = _ENDLESS,
    ) -> None:
        self._patience = patience
        self._child = subprocess.Popen(
            _found(argv, env),
            env=_variables(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if terse else subprocess.DEVNULL,
            # Not a session of its own: only commands have that, and the end of one may end it.
            process_group=0 if terse else None,
        )
        self.pid = self._child.pid
        self._requests = cast("IO[bytes]", self._child.stdin)  # both were asked for
        self._replies = cast("IO[bytes]", self._child.stdout)
        self._poll = select.poll()
        self._poll.register(self._replies, select.POLLIN)
        self._read = b""  # what came, and `_used` of it was asked for
        self._used = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
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
        """The next line without its newline. Raises EOFError, and what its patience says."""
        while (end := self._read.find(b"\n", self._used)) < 0:
            self._receive()
        line, self._used = self._read[self._used : end], end + 1
        return line

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes. Raises EOFError, and what its patience says."""
        parts = [self._read[self._used : self._used + size]]
        self._used += len(parts[0])
        missing = size - len(parts[0])
        while missing:
            self._read, self._used = b"", 0
            self._receive()
            parts.append(self._read[:missing])
            self._used = len(parts[-1])
            missing -= self._used
        return b"".join(parts)

    def read_to_end(self, most: int) -> bytes:
        """All that the tool says until its end; one that says more than `most` bytes is ended.
        Raises what its patience says.
        """
        with contextlib.suppress(EOFError):
            while len(self._read) - self._used <= most:
                self._receive()
            self._child.terminate()
        return self._read[self._used : self._used + most]

    def _receive(self) -> None:
        """Take in more of the answer."""
        seconds = self._patience.seconds
        if not self._poll.poll(None if seconds == float("inf") else seconds * 1000):
            self._child.kill()  # it may be in the middle of an answer to nobody
            raise self._patience.overdue
        data = os.read(self._replies.fileno(), _CHUNK)
        if not data:
            raise EOFError("the tool has ended")
        self._read, self._used = self._read[self._used :] + data, 0

    def close(self) -> Finished:
        """End the tool; gives its status and what it complained about."""
        complaints = self._child.stderr
        _close(self._requests)
        try:
            self._child.wait(QUIT_GRACE)
        except subprocess.TimeoutExpired:
            self._child.terminate()
        said = complaints.read() if complaints is not None and not complaints.closed else b""
        _close(self._replies)
        _end(self._child)
        return Finished(self._child.returncode, b"", said)


class Background:
    """A program that goes on when we end."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.pid = child.pid

    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._child.poll()


def start_detached(argv: Sequence[str], *, env: Mapping[str, str], output: int) -> Background:
    """Start a trusted program in a session of its own: no terminal, no hang-up and no end of ours
    reaches it.

    It reads nothing and has no descriptor of ours but `output`, which takes what it prints.
    """
    old_handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which the child inherits
    try:
        child = subprocess.Popen(
            _found(argv, env),
            env=_variables(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGHUP, old_handler)
    return Background(child)


def birth(pid: int) -> str | None:
    """The start time of a process, in the system's own form; None when it has ended."""
    if table.available():
        line = table.process(pid)
        return str(line.started) if line is not None and not line.dead else None
    listing = capture(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], env={"PATH": "/bin:/usr/bin", "LC_ALL": "C"}
    )
    return listing.stdout.decode("ascii", "replace").strip() or None


def ask_to_end(pid: int, born: str) -> bool:
    """Send SIGTERM to the process that has this number and birth; whether it was there."""
    with contextlib.suppress(ProcessLookupError):
        if not hasattr(os, "pidfd_open"):
            if birth(pid) == born:
                os.kill(pid, signal.SIGTERM)
                return True
            return False
        # From here on all is about this process, whoever gets its number later.
        descriptor = os.pidfd_open(pid)
        try:
            if birth(pid) == born:
                signal.pidfd_send_signal(descriptor, signal.SIGTERM)
                return True
        finally:
            os.close(descriptor)
    return False
