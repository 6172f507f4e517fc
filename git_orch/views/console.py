"""The one way text reaches a terminal. Text of others passes `visible` first: no escape sequence
gets through.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import NamedTuple, TextIO

# Besides control characters: what reorders, hides or breaks text (bidirectional, zero-width, tag
# characters, BOM).
_HIDDEN = frozenset({0xAD, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x2028, 0x202F),
                     *range(0x2060, 0x2070), *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)})  # fmt: skip


def visible(text: str) -> str:
    """`text` with every control, bidirectional and zero-width character but newline and tab written
    as an escape.
    """
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    code = ord(character)
    if character in "\n\t" or (0x20 <= code < 0x7F):
        return character
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\x{code:02x}"
    if code in _HIDDEN or 0xD800 <= code < 0xE000:
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return character


_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class Styled(NamedTuple):
    """Text in a style: bold, dim, red, green or yellow, where the stream is a terminal and NO_COLOR
    is not set.
    """

    text: str
    style: str


Part = str | Styled


def out(*parts: Part) -> None:
    """A line of result, to standard output. Raises OSError when it is closed."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    _write(sys.stdout, parts)


def err(*parts: Part) -> None:
    """A line of progress or diagnosis, to standard error; nowhere when that is closed."""
    if sys.stderr is not None:
        _write(sys.stderr, parts)


def failure(cause: str, hint: str) -> None:
    """The two lines every failure ends with. What others wrote into the cause cannot begin a line
    of its own.
    """
    err(Styled("error: ", "red"), " ".join(cause.split("\n")))
    err("hint: ", " ".join(hint.split("\n")))


def indented(text: str, by: int) -> str:
    """Text of others whose second and later lines stand below its first one, `by` columns to the
    right.
    """
    return text.replace("\n", "\n" + " " * by)


def _write(stream: TextIO, parts: tuple[Part, ...]) -> None:
    coloured = (
        stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
    line = "".join(_rendered(part, coloured=coloured) for part in parts) + "\n"
    stream.write(line.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
    stream.flush()


def _rendered(part: Part, *, coloured: bool) -> str:
    if isinstance(part, str):
        return visible(part)
    return (
        f"\x1b[{_STYLES[part.style]}m{visible(part.text)}\x1b[0m"
        if coloured
        else visible(part.text)
    )
