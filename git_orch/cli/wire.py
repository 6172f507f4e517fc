"""Standard input of a server that reads it in a thread: a signal ends it as well."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from git_orch import errors

_CHUNK = 64 * 1024  # bytes, as much as a pipe holds
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let standard input end at a signal, because nothing else ends a thread that reads it. Raises
    Interrupted afterwards.
    """
    source, heard = os.dup(0), list[int]()
    waking, wake = os.pipe()
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    os.close(reading)

    def end(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        with contextlib.suppress(OSError):
            os.close(wake)

    threading.Thread(target=_pass_on, args=(source, waking, writing), daemon=True).start()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in handlers.items():
        if handler is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.dup2(source, 0)
    if heard:
        raise errors.Interrupted(heard[0], "git orch status")


def _pass_on(source: int, waking: int, writing: int) -> None:
    """Copy until the source ends or somebody closes the other end of `waking`."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    poll.register(waking, select.POLLIN)
    with contextlib.suppress(OSError):  # nobody reads any more
        while all(descriptor != waking for descriptor, _events in poll.poll()):
            data = os.read(source, _CHUNK)
            if not data:
                break
            view = memoryview(data)
            while view:
                view = view[os.write(writing, view) :]
    os.close(writing)
