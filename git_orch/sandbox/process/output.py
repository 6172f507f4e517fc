"""The output of a command: bounded in memory and on disk, and made fit for reading."""

from __future__ import annotations

import os
import selectors
import time
from typing import TYPE_CHECKING, Self

from git_orch.plans import invisible
from git_orch.sandbox import keeping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

HEAD = 64 * 1024  # bytes kept from the beginning and, as many again, from the end
_CHUNK = 64 * 1024
_HEAD_SHARE = 6 / 16  # of what is shown: first 6,000 and last 10,000 of 16,000 characters


class Output:
    """Collects the output of a command from a pipe; `writer` is the end to give to it. `path` is
    the file that has all of it; None where there is none, or the system has refused that. `hear`
    gets each piece within the limit as it comes.
    """

    def __init__(
        self, path: Path | None, limit: int, hear: Callable[[bytes], None] | None = None
    ) -> None:
        self.path: Path | None = None
        self.total = 0
        self.at_end = False
        self._limit = limit
        self._hear = hear
        self._head = bytearray()
        self._tail = bytearray()
        self._file: int | None = None
        if path is not None:
            with keeping.unnecessary(keeping.OUTPUTS):
                self._file = _private_file(path)
                self.path = path
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close_writer()
        os.close(self._reader)
        if self._file is not None:
            os.close(self._file)

    @property
    def too_long(self) -> bool:
        """Whether more came than the limit, in bytes."""
        return self.total > self._limit

    def head_and_tail(self) -> bytes:
        """The first and the last 64 KiB; all of it when there is not more."""
        return bytes(self._head + self._tail)

    def close_writer(self) -> None:
        """Close our copy of the writing end, once the command has its own."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def wait(self, seconds: float, ending: int | None = None) -> None:
        """Take what comes first: some bytes, something to read from the descriptor `ending`, or the
        end of the time, which is waited for after the end of the output.
        """
        descriptors = [] if self.at_end else [self._reader]
        if ending is not None:
            descriptors.append(ending)
        if not descriptors:
            time.sleep(seconds)
            return
        with selectors.DefaultSelector() as selector:
            for descriptor in descriptors:
                selector.register(descriptor, selectors.EVENT_READ)
            ready = [key.fd for key, _ in selector.select(seconds)]
        if self._reader in ready:
            self._read()

    def drain(self) -> None:
        """Take what is already there; whoever still holds the pipe is not waited for."""
        while not self.too_long and self._read():
            continue

    def add(self, chunk: bytes) -> None:
        """Keep the head, the tail, and in the file what the limit allows."""
        if self._file is not None and self.total < self._limit:
            self._keep(self._file, chunk[: self._limit - self.total])
        if self._hear is not None and chunk and self.total < self._limit:
            self._hear(chunk)
        self.total += len(chunk)
        room = HEAD - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        del self._tail[:-HEAD]

    def _keep(self, file: int, chunk: bytes) -> None:
        with keeping.unnecessary(keeping.OUTPUTS):
            _write(file, chunk)
            return
        os.close(file)
        self._file = self.path = None

    def _read(self) -> bool:
        try:
            chunk = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return False
        self.at_end = not chunk
        self.add(chunk)
        return bool(chunk)


def _private_file(path: Path) -> int:
    return os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def readable(data: bytes) -> str:
    """Text with visible escapes in place of bytes that are not UTF-8 and of control or invisible
    characters.
    """
    return invisible.escaped(data.decode("utf-8", "backslashreplace").replace("\r\n", "\n"))


def excerpt(kept: bytes, total: int, limit: int) -> str:
    """At most about `limit` characters of an output of `total` bytes: its head, how much is left
    out, and its tail.
    """
    if total == len(kept) and len(text := readable(kept)) <= limit:
        return text
    head, tail = (kept[:HEAD], kept[HEAD:]) if total > len(kept) else (kept, kept)
    first = _fitting_part(head, int(limit * _HEAD_SHARE), from_end=False)
    last = _fitting_part(tail, limit - int(limit * _HEAD_SHARE), from_end=True)
    dropped = total - len(first) - len(last)
    return f"{readable(first)}\n[... {dropped:,} of {total:,} bytes left out ...]\n{readable(last)}"


def _fitting_part(data: bytes, limit: int, *, from_end: bool) -> bytes:
    """The longest-ish part of `data` at its beginning or end that is at most `limit` characters
    when readable.
    """
    size = min(len(data), limit)
    while True:
        part = _whole_characters(data, len(data) - size if from_end else size, from_end=from_end)
        shown = len(readable(part))
        if shown <= limit:
            return part
        size = min(size - 1, size * limit // shown)


def _whole_characters(data: bytes, cut: int, *, from_end: bool) -> bytes:
    """`data` before or after `cut`, which moves off a character of several bytes (at most 3)."""
    for _ in range(3):
        if 0 < cut < len(data) and data[cut] & 0xC0 == 0x80:
            cut += 1 if from_end else -1
    return data[cut:] if from_end else data[:cut]
