"""Bytes between two sockets, both ways at once."""

from __future__ import annotations

import contextlib
import select
import socket

_CHUNK = 64 * 1024  # bytes that wait for one side at most


class Pipe:
    """Two sockets that are done with all that has to be said before. `limit` is how many bytes the
    first may still send to the second; None: as many as it likes.
    """

    def __init__(
        self, first: socket.socket, second: socket.socket, limit: int | None = None
    ) -> None:
        self._sides = {first.fileno(): first, second.fileno(): second}
        self._other = {first.fileno(): second.fileno(), second.fileno(): first.fileno()}
        self._waiting = {first.fileno(): b"", second.fileno(): b""}  # to be sent to it
        self._sends = {first.fileno(), second.fileno()}  # those that have not ended
        self._limited = first.fileno()
        self._limit = limit

    def run(self, idle: float) -> bool:
        """Relay until both sides have ended; whether they have. It ends as well after `idle` seconds
        without a byte. Raises OSError.
        """
        for side in self._sides.values():
            side.setblocking(False)
        while self._sends or any(self._waiting.values()):
            poll = select.poll()
            for number in self._sides:
                if mask := self._mask(number):
                    poll.register(number, mask)
            ready = poll.poll(idle * 1000)
            if not ready:
                return False
            for number, happened in ready:
                with contextlib.suppress(BlockingIOError):
                    self._step(number, happened)
            if self._limit is not None and self._ended(self._other[self._limited]):
                return True  # the server has answered; its client has no more to say
        return True

    def _ended(self, number: int) -> bool:
        return number not in self._sends and not self._waiting[self._other[number]]

    def _mask(self, number: int) -> int:
        other = self._other[number]
        reads = number in self._sends and not self._waiting[other]
        if number == self._limited and self._limit == 0:
            reads = False
        return (select.POLLIN if reads else 0) | (select.POLLOUT if self._waiting[number] else 0)

    def _step(self, number: int, happened: int) -> None:
        other = self._other[number]
        if self._waiting[number] and happened & (select.POLLOUT | select.POLLERR | select.POLLHUP):
            sent = self._sides[number].send(self._waiting[number])
            self._waiting[number] = self._waiting[number][sent:]
            if not self._waiting[number] and other not in self._sends:
                self._sides[number].shutdown(socket.SHUT_WR)
        if self._waiting[other] or number not in self._sends or not self._mask(number):
            return
        if not happened & (select.POLLIN | select.POLLHUP | select.POLLERR):
            return
        is_limited = number == self._limited and self._limit is not None
        data = self._sides[number].recv(min(_CHUNK, self._limit or 0) if is_limited else _CHUNK)
        if is_limited:
            self._limit = (self._limit or 0) - len(data)
        if data:
            self._waiting[other] = data
            return
        self._sends.discard(number)
        if not is_limited:
            self._sides[other].shutdown(socket.SHUT_WR)
