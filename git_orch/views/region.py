"""The live lines at the bottom of a terminal, below all that stays.

No alternate screen, no hidden cursor: the cursor stands below the region, so that a terminal is
whole whenever we are killed. Each change is one write.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
from typing import TYPE_CHECKING, Self, TextIO

from git_orch.views import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType, TracebackType

    from rich.text import Text

_FIRST = 0.3  # seconds before the first frame: what is over by then is not worth it
_EVERY = 0.125  # seconds between two frames
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # a terminal shows what is between them at once
_TO_END_OF_LINE, _TO_END = "\x1b[K", "\x1b[J"


class Region:
    """Draws what `frame` gives for so many columns and lines, again and again, in a thread of its
    own.
    """

    def __init__(self, stream: TextIO, frame: Callable[[int, int], list[Text]]) -> None:
        self.lock = threading.RLock()
        self._stream = stream
        self._frame = frame
        self._coloured = console.is_coloured(stream)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw_often, name="region", daemon=True)
        self._shown = ""
        self._widths: list[int] = []  # of the lines that stand there, in columns
        self._continued: Callable[[int, FrameType | None], object] | int | None = None

    def __enter__(self) -> Self:
        console.keep_below(self)
        with contextlib.suppress(ValueError):  # not the main thread
            self._continued = signal.signal(signal.SIGCONT, self._forget)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        with self.lock:
            console.keep_below(None)
            self._erase()
        if self._continued is not None:
            signal.signal(signal.SIGCONT, self._continued)
        self._thread.join()

    def write_above(self, stream: TextIO, text: str) -> None:
        """Write text that stays."""
        with self.lock:
            if self._widths and stream is self._stream:
                self.draw(text)
                return
            self._erase()
            stream.write(text)
            stream.flush()

    def _forget(self, _number: int, _frame: FrameType | None) -> None:
        """After a stop the shell has written below the region: it stays where it is."""
        self._widths, self._shown = [], ""

    def _draw_often(self) -> None:
        pause = _FIRST
        while not self._ended.wait(pause):
            pause = _EVERY
            with self.lock:
                if not self._ended.is_set() and self._in_front():
                    self.draw()

    def draw(self, above: str = "") -> None:
        """Draw the lines anew, if they differ, with a text that stays above them."""
        while True:
            size = _size(self._stream)
            text, widths = self._lines(size)
            if size == _size(self._stream):  # else the terminal has other lines by now
                break
        if not text and not above:
            self._erase()
        if text == self._shown and not above:
            return
        start = self._to_first(size)
        self._shown, self._widths = text, widths
        # Each line overwrites what stands there: what is erased first flickers, and tmux takes a
        # screen that is erased as a whole for one to be kept.
        lines = f"{above}{text}".replace("\n", f"{_TO_END_OF_LINE}\n")
        self._write(f"{_BEGIN}{start}{lines}{_TO_END}{_END}")

    def _erase(self) -> None:
        size = _size(self._stream)
        rows = min(rows_of(self._widths, size.columns), size.lines - 1)
        if rows:
            start, empty = self._to_first(size), f"{_TO_END_OF_LINE}\n" * rows
            self._write(f"{_BEGIN}{start}{empty}{start}{_END}")
        self._widths, self._shown = [], ""

    def _in_front(self) -> bool:
        """Whether the terminal is ours: another program may have it while we run beside it."""
        try:
            return os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        except OSError:
            return False

    def _to_first(self, size: os.terminal_size) -> str:
        """Go to the first line of the region; the cursor is below the last."""
        rows = rows_of(self._widths, size.columns)
        return f"\r\x1b[{min(rows, size.lines - 1)}A" if rows else ""

    def _lines(self, size: os.terminal_size) -> tuple[str, list[int]]:
        """The lines of the region as a text, and how many columns each takes."""
        width = max(size.columns - 1, 1)  # a line that leaves the last column free is not broken
        frame = self._frame(width, max(size.lines - 1, 1))
        if not frame:
            return "", []
        from rich import text as rich_text
        from rich.console import Console

        content = io.StringIO()
        printer = Console(
            file=content,
            force_terminal=True,
            color_system="standard" if self._coloured else None,
            width=width,
            highlight=False,
            legacy_windows=False,
        )
        for line in frame:
            printer.print(line, no_wrap=True, overflow="ellipsis", crop=True)
        encoding = self._stream.encoding or "utf-8"
        text = content.getvalue().encode(encoding, "replace").decode(encoding)
        return text, [rich_text.Text.from_ansi(line).cell_len for line in text.splitlines()]

    def _write(self, text: str) -> None:
        if text:
            with contextlib.suppress(OSError):  # a terminal that is gone
                self._stream.write(text)
                self._stream.flush()


def rows_of(widths: Iterable[int], columns: int) -> int:
    """The rows that lines of these widths take: a terminal that became narrower has broken them."""
    return sum(max(1, -(-width // columns)) for width in widths)


def _size(stream: TextIO) -> os.terminal_size:
    """The columns and lines of a terminal now; some terminals do not know theirs."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except OSError:
        size = os.terminal_size((0, 0))
    return os.terminal_size((size.columns or 80, size.lines or 24))
