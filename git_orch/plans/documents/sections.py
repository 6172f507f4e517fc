"""The sections of a Markdown text under the headings of a document, and the items of a list.

Everything is said in characters of the text, so that whoever changes one section leaves the others
as they are. All of it is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,9}[.)])[ \t]+(?:\[([^\]\n])\][ \t]+)?(.*)")
_HEADING = re.compile(r"#{1,2}[ \t]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Section(NamedTuple):
    """The content below a heading: characters `start` to `end` of the text."""

    start: int
    end: int


class Item(NamedTuple):
    """An item of a list: its characters, the one in its box (None: no box) and where that stands, the
    text of its first line, and the lines below it without their indentation.
    """

    start: int
    end: int
    tick: str | None
    box: int
    title: str
    below: str

    @property
    def is_done(self) -> bool:
        """Whether its box is ticked."""
        return self.tick in ("x", "X")


def lines(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, str]]:
    """Each line with the place where it begins, without its line end."""
    end = len(text) if end is None else end
    while start < end:
        stop = text.find("\n", start, end)
        after = end if stop < 0 else stop + 1
        yield start, text[start : end if stop < 0 else stop].removesuffix("\r")
        start = after


def read(text: str, headings: Sequence[str], start: int = 0) -> dict[str, Section]:
    """The sections under these headings of the second level, in any letter case, from `start` on;
    the first of each counts.
    """
    by_name = {f"## {heading}".casefold(): heading for heading in headings}
    parts: dict[str, Section] = {}
    current: str | None = None
    begin = start
    for at, line in lines(text, start):
        heading = by_name.get(line.rstrip().casefold())
        if heading is None or heading in parts or heading == current:
            continue
        if current is not None:
            parts[current] = Section(begin, at)
        current = heading
        after = text.find("\n", at)
        begin = len(text) if after < 0 else after + 1
    if current is not None:
        parts[current] = Section(begin, len(text))
    return parts


def prose(text: str, section: Section | None, headings: Sequence[str]) -> str:
    """The text of a section without blank lines around it; `escaped` has made it."""
    if section is None:
        return ""
    content = text[section.start : section.end].replace("\r\n", "\n").strip("\n")
    kept = [
        line[1:] if line.startswith("\\") and _is_heading(line.lstrip("\\"), headings) else line
        for line in content.split("\n")
    ]
    return "\n".join(kept).strip()


def escaped(text: str, headings: Sequence[str]) -> str:
    """The text for a section: a line that would be one of the headings is none any more."""
    return "\n".join(
        f"\\{line}" if _is_heading(line.lstrip("\\"), headings) else line
        for line in text.replace("\r\n", "\n").strip().split("\n")
    )


def _is_heading(line: str, headings: Sequence[str]) -> bool:
    name = line.rstrip().casefold()
    return name.startswith("## ") and name[3:] in {heading.casefold() for heading in headings}


def items(text: str, section: Section | None) -> list[Item]:
    """The items of the list in a section: each begins at the margin, and what is below it, up to the
    next one or to a heading, is part of it.
    """
    if section is None:
        return []
    parts: list[Item] = []
    begun: tuple[int, re.Match[str]] | None = None
    below: list[str] = []
    fence = ""

    def close(end: int) -> None:
        if begun is not None:
            at, match = begun
            box = at + match.start(1) if match[1] is not None else at
            parts.append(Item(at, end, match[1], box, match[2].strip(), _below(below)))

    for at, line in lines(text, section.start, section.end):
        marks = _FENCE.match(line)
        if marks is not None and begun is None:
            fence = "" if fence and marks[1].startswith(fence) else fence or marks[1]
        if fence:
            continue
        match = _ITEM.match(line)
        if match is not None:
            close(at)
            begun, below = (at, match), []
        elif _HEADING.match(line):
            close(at)
            begun = None
            below = []
            break
        else:
            below.append(line)
    close(section.end)
    return parts


def _below(rows: Sequence[str]) -> str:
    """Lines without blank ones around them, and without up to three blanks before each."""
    short = [row[min(3, len(row) - len(row.lstrip(" "))) :] for row in rows]
    first = next((at for at, row in enumerate(short) if row.strip()), len(short))
    last = max((at for at, row in enumerate(short) if row.strip()), default=-1)
    return "\n".join(short[first : last + 1])
