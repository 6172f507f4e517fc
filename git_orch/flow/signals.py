"""Ctrl-C and SIGTERM during a run: the first one ends it in order, and is not disturbed by its own echo."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from git_orch import errors

_DEAF = 2.0  # seconds, what a stopped command gets to end: git passes on a Ctrl-C that the terminal sent us as well
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def once(hint: str) -> Iterator[Callable[[], None]]:
    """The first signal raises Interrupted, another one only after two seconds: then somebody means it.

    Gives a function to call when a signal was heard of in another way.
    """
    heard: list[float] = []

    def listen() -> None:
        heard[:] = heard or [time.monotonic()]

    def end(number: int, _frame: FrameType | None) -> None:
        if heard and time.monotonic() - heard[0] < _DEAF:
            return
        listen()
        raise errors.Interrupted(number, hint)

    if threading.current_thread() is not threading.main_thread():
        yield listen  # signals go to the main thread
        return
    before = {each: signal.signal(each, end) for each in _ENDING if signal.getsignal(each) != signal.SIG_IGN}
    try:
        yield listen
    finally:
        if not heard:  # else the echo may still come, and we are on our way out
            for number, handler in before.items():
                signal.signal(number, handler)
