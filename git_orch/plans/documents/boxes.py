"""The boxes of a text in Markdown: `- [ ] task`, and all the other ways to write one."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from git_orch.plans import one_line

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=\s)")
_BOX = re.compile(r"\s*(?:[-*+]|[0-9]{1,9}[.)])\s+\[([ xX])\]\s+(\S.*)")


class Box(NamedTuple):
    """A box: its text in one line, and the headings above it, the outermost first."""

    text: str
    ticked: bool
    headings: tuple[str, ...] = ()


def read(markdown: str) -> list[Box]:
    """The boxes of a text, from top to bottom. What stands in a block of code is no box."""
    return [box for _, box in _parts(markdown) if box is not None]


def below(markdown: str, heading: str) -> list[Box] | None:
    """The boxes below a heading, however deep, in any letter case; None without the heading."""
    parts = [
        box
        for headings, box in _parts(markdown)
        if heading.casefold() in (name.casefold() for name in headings)
    ]
    return [box for box in parts if box is not None] if parts else None


def cleared(markdown: str, texts: Container[str]) -> str:
    """The text with the boxes of these texts unticked."""
    lines = []
    for line in markdown.splitlines(keepends=True):
        box = _BOX.match(line)
        is_meant = box is not None and one_line.of(box[2]) in texts
        lines.append(f"{line[: box.start(1)]} {line[box.end(1) :]}" if box and is_meant else line)
    return "".join(lines)


def heading(line: str) -> str | None:
    """The text of a heading without its marks; None for another line."""
    read = heading_and_depth(line)
    return read[0] if read is not None else None


def heading_and_depth(line: str) -> tuple[str, int] | None:
    """The text of a heading without its marks, and how many there are before it."""
    match = _HEADING.match(line)
    if match is None:
        return None
    text = line[match.end() :].strip()
    open_text = text.rstrip("#")
    if not open_text or open_text[-1].isspace():
        text = open_text.rstrip()
    return text, len(match[1])


def _parts(markdown: str) -> Iterator[tuple[tuple[str, ...], Box | None]]:
    """Each heading (None) and each box, with the headings that count there."""
    open_headings: list[tuple[int, str]] = []
    fence = ""
    for line in markdown.splitlines():
        marks = _FENCE.match(line)
        if fence:
            fence = "" if marks is not None and marks[1].startswith(fence) else fence
            continue
        if marks is not None:
            fence = marks[1]
            continue
        read = heading_and_depth(line)
        if read is not None:
            name, depth = read
            open_headings = [one for one in open_headings if one[0] < depth]
            open_headings.append((depth, name))
            yield _names(open_headings), None
            continue
        box = _BOX.match(line)
        text = one_line.of(box[2]) if box is not None else ""
        if box is not None and text:
            names = _names(open_headings)
            yield names, Box(text, box[1] != " ", names)


def _names(headings: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(name for _, name in headings)
