"""The one module that starts processes: trusted tools (capture, Session) and untrusted commands (run)."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from git_orch.sandbox import tree

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
    stdin: bytes | None = None,
    pass_fds: Sequence[int] = (),
) -> Finished:
    """Run a trusted tool to its end, in our own process group so that Ctrl-C reaches it too.

    An exception on the way (Ctrl-C) ends the tool before it is raised on. Raises FileNotFoundError for a missing program.
    """
    child = subprocess.Popen(
        argv,
        env={**env, tree.TAG: tree.TRUSTED},
        cwd=cwd,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=pass_fds,
    )
    try:
        stdout, stderr = child.communicate(stdin)
    finally:
        _end(child)
    return Finished(child.returncode, stdout, stderr)


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
    try:
        stream.close()
    except BrokenPipeError:
        pass  # bytes that the tool did not want to read any more


class Session:
    """A trusted tool that answers requests over pipes until closed; its stderr is discarded."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None) -> None:
        self._child = subprocess.Popen(
            argv,
            env={**env, tree.TAG: tree.TRUSTED},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._requests = self._child.stdin
        self._replies = self._child.stdout

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
