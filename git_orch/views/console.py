"""The one way text reaches a terminal. All of it passes `invisible.escaped` first: no escape
sequence gets through.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO

from git_orch.plans import invisible

if TYPE_CHECKING:
    from collections.abc import Iterable

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class Styled(NamedTuple):
    """Text in a style: bold, dim, red, green or yellow, where the stream is a terminal and NO_COLOR
    is not set.
    """

    text: str
    style: str

    def is_known(self) -> bool:
        """Whether the style is one of these."""
        return self.style in _STYLES


Part = str | Styled


class Listener(Protocol):
    """Hears lines instead of a person, without styles."""

    def result(self, line: str) -> None:
        """Hear a line of result; nothing else becomes of it."""
        ...

    def diagnosis(self, line: str) -> None:
        """Hear a line that standard error has as well."""
        ...


class Below(Protocol):
    """Something that stands below all lines of a terminal."""

    def write_above(self, stream: TextIO, text: str) -> None:
        """Write text that stays."""
        ...


_listeners: list[Listener] = []
_below: Below | None = None
_page: list[str] | None = None


def _by_terminal(_on_terminal: bool) -> str:  # noqa: FBT001 - the one question
    return "auto"


_colour: Callable[[bool], str] = _by_terminal


def redirect(listener: Listener | None) -> None:
    """Have this one hear what is printed from now on; None: a person reads it."""
    _listeners[:] = [listener] if listener is not None else []


def keep_below(below: Below | None) -> None:
    """Have what is printed from now on stand above this; None: nothing is below."""
    global _below  # noqa: PLW0603 - as below
    _below = below


def choose_colour(choice: Callable[[bool], str]) -> None:
    """Have this say auto, always or never to whether text is coloured; it is told whether somebody
    looks on.
    """
    global _colour  # noqa: PLW0603 - one process, one terminal
    _colour = functools.cache(choice)


@contextlib.contextmanager
def page(show: Callable[[str], None]) -> Iterator[None]:
    """Give `show` the lines of result in one text, at the end."""
    global _page  # noqa: PLW0603 - as above
    _page = []
    try:
        yield
    finally:
        text, _page = "".join(_page), None
        if text:
            show(text)


def out(*parts: Part) -> None:
    """A line of result, to standard output. Raises OSError when it is closed."""
    if _listeners:
        _listeners[0].result(_plain(parts))
        return
    write(*parts)


def write(*parts: Part) -> None:
    """A line to standard output, whoever listens. Raises OSError when it is closed."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    if _page is not None:
        _page.append(_line(sys.stdout, parts))
        return
    _write(sys.stdout, parts)


def out_lines(lines: Iterable[tuple[Part, ...]]) -> None:
    """Lines of result, written at once. Raises OSError when standard output is closed."""
    parts: list[Part] = []
    for line in lines:
        parts += ["\n", *line]
    if parts:
        out(*parts[1:])


def err(*parts: Part) -> None:
    """A line of progress or diagnosis, to standard error; dropped when that is closed."""
    for listener in _listeners:
        listener.diagnosis(_plain(parts))
    if sys.stderr is not None:
        _write(sys.stderr, parts)


def failure(cause: str, hint: str) -> None:
    """The two last lines of a failure. Text of others in the cause begins no line of its own."""
    err(Styled("error: ", "red"), " ".join(cause.split("\n")))
    err("hint: ", " ".join(hint.split("\n")))


def indented(text: str, by: int) -> str:
    """Text of others with its second and later lines below the first one, `by` columns to the
    right.
    """
    return text.replace("\n", "\n" + " " * by)


_SHOWN_LINES = 12
_SHOWN_CHARACTERS = 500  # of a line


def excerpt(text: str) -> str:
    """Text of others that somebody may have made endless: its first lines, and how much is left
    out.
    """
    first = text.split("\n", _SHOWN_LINES)
    shown = "\n".join(_cut(line) for line in first[:_SHOWN_LINES])
    if len(first) <= _SHOWN_LINES:
        return shown
    return f"{shown}\n... {first[-1].count(chr(10)) + 1:,} more lines"


def _cut(line: str) -> str:
    if len(line) <= _SHOWN_CHARACTERS:
        return line
    return f"{line[:_SHOWN_CHARACTERS]}... {len(line) - _SHOWN_CHARACTERS:,} more characters"


def excerpts(line: tuple[Part, ...]) -> tuple[Part, ...]:
    """A line of which every part is an excerpt."""
    return tuple(
        part._replace(text=excerpt(part.text)) if isinstance(part, Styled) else excerpt(part)
        for part in line
    )


def _write(stream: TextIO, parts: tuple[Part, ...]) -> None:
    if _below is not None:
        _below.write_above(stream, _line(stream, parts))
        return
    stream.write(_line(stream, parts))
    stream.flush()


def _line(stream: TextIO, parts: tuple[Part, ...]) -> str:
    styled = any(isinstance(part, Styled) for part in parts)
    coloured = styled and is_coloured(stream)
    line = "".join(_rendered(part, coloured=coloured) for part in parts) + "\n"
    return line.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


def is_coloured(stream: TextIO) -> bool:
    """Whether text on the stream has colours: NO_COLOR outvotes git's color.ui."""
    if os.environ.get("NO_COLOR"):
        return False
    on_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    choice = _colour(on_terminal)
    return choice == "always" or (choice == "auto" and on_terminal)


def _plain(parts: tuple[Part, ...]) -> str:
    return "".join(_rendered(part, coloured=False) for part in parts)


def _rendered(part: Part, *, coloured: bool) -> str:
    if isinstance(part, str):
        return invisible.escaped(part)
    text = invisible.escaped(part.text)
    return f"\x1b[{_STYLES[part.style]}m{text}\x1b[0m" if coloured else text
