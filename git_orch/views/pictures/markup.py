"""Text of others in HTML and SVG: escaped, without invisible characters, and no longer than it may
be.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping

from git_orch.plans import invisible

# Neither is a character of XML, and a browser shows nothing for them.
_NO_CHARACTERS = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


def text(of_others: str) -> str:
    """Text for the content of an element, or of an attribute in double quotes."""
    return html.escape(invisible.escaped(of_others).translate(_NO_CHARACTERS), quote=True)


def element(name: str, attributes: Mapping[str, str | float], content: str | None = None) -> str:
    """An element with these attributes around `content`, which is markup; None closes it at once."""
    written = "".join(f' {key}="{text(_shown(value))}"' for key, value in attributes.items())
    return f"<{name}{written}/>" if content is None else f"<{name}{written}>{content}</{name}>"


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"


def width(of_others: str) -> int:
    """The width of a text in columns: a wide character takes two."""
    return sum(map(_columns, of_others))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(of_others: str, columns: int, most: int) -> list[str]:
    """A text on at most `most` lines of so many columns; an ellipsis ends one that goes on."""
    lines = [""]
    for word in invisible.on_one_line(of_others[: columns * most * 2]).split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width(longer) <= columns:
            lines[-1] = longer
            continue
        lines += [word] if lines[-1] else []
        lines[-1] = lines[-1] or word
        while width(lines[-1]) > columns:
            head = _head(lines[-1], columns)
            lines[-1:] = [head, lines[-1][len(head) :]]
    if len(lines) > most or len(of_others) > columns * most * 2:
        lines = lines[:most]
        lines[-1] = f"{_head(lines[-1], columns - 1)}…"
    return lines


def _head(of_others: str, columns: int) -> str:
    """The beginning of a text that fits, of one character at least."""
    used = 0
    for place, character in enumerate(of_others):
        used += _columns(character)
        if used > columns:
            return of_others[: max(place, 1)]
    return of_others
