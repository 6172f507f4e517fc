"""Ctrl-C and SIGTERM during a run: the first one ends it in order, and is not disturbed by its own
echo.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

from git_orch import errors

# Seconds, what a stopped command gets to end: git passes on a Ctrl-C that the terminal sent us as
# well.
_DEAF = 2.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Listener:
    """A listener for signals during a run: the first one counts, another one only after two
    seconds.
    """

    def __init__(self, hint: str) -> None:
        self._hint = hint
        self._heard: float | None = None
        self._waiting: int | None = None
        self._held = False

    @property
    def heard_any(self) -> bool:
        """Whether there was a signal."""
        return self._heard is not None

    def listen(self) -> None:
        """A signal was heard of in another way."""
        if self._heard is None:
            self._heard = time.monotonic()

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Raise Interrupted, now or where `held` ends."""
        if self._heard is not None and time.monotonic() - self._heard < _DEAF:
            return
        self.listen()
        if self._held:
            self._waiting = number
        else:
            raise errors.Interrupted(number, self._hint)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Work that begins here ends before a signal counts. Raises Interrupted at the end where
        one came.

        That also goes for what failed here: the Ctrl-C of a terminal ends the git that we wait for
        as well.
        """
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self._waiting is not None:
                number, self._waiting = self._waiting, None
                raise errors.Interrupted(number, self._hint)


@contextlib.contextmanager
def once(hint: str) -> Iterator[Listener]:
    """The first signal raises Interrupted, another one only after two seconds: then somebody means
    it.
    """
    listener = Listener(hint)
    if threading.current_thread() is not threading.main_thread():
        yield listener  # signals go to the main thread
        return
    before = {
        number: signal.signal(number, listener.take)
        for number in _ENDING
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield listener
    finally:
        if not listener.heard_any:  # else the echo may still come, and we are on our way out
            for number, handler in before.items():
                signal.signal(number, handler)
