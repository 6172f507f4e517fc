"""The boxes of a Markdown text as an outline: nesting, the lines below each box, and other lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from git_orch.plans import one_line
from git_orch.plans.documents import boxes

_BOX = re.compile(
    r"([ \t]*)(?:[-*+]|[0-9]{1,9}[.)])[ \t]+\[([^\]\n\w]?|[xX])\](?:[ \t]+(\S.*)|[ \t]*$)"
)
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_BREAK = re.compile(
    r"[ \t]*(?:[-*_][ \t]*){3,}$|[ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]|[ \t]*>|[ \t]*\|"
)
_COMMENT = re.compile("<!--.*?(?:-->|\\Z)", re.DOTALL)
_TAB = 4  # columns

DONE = frozenset("xX✓✔☑")
OPEN = frozenset(("", " "))


@dataclass(slots=True)
class Item:
    """A box: its `text` on one line, its `mark`, the lines below it, and the headings above it.
    `parent` is the place of the box that it is nested in, -1 for none.
    """

    text: str
    mark: str
    line: int
    headings: tuple[str, ...]
    indent: int
    parent: int = -1
    more: list[str] = field(default_factory=list)

    @property
    def ticked(self) -> bool:
        """Whether the box says that the task is done."""
        return self.mark in DONE


class Line(NamedTuple):
    """A line that belongs to no box."""

    text: str
    number: int
    headings: tuple[str, ...]
    in_code: bool = False


@dataclass(slots=True)
class Outline:
    """The boxes of a text and its other lines, in order."""

    items: list[Item] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    _headings: list[tuple[int, str]] = field(default_factory=list)
    _fence: str = ""
    _is_ours: bool = False  # the fence began below a box
    _is_blank: bool = False

    def take(self, line: str, number: int) -> None:
        """Add the next line."""
        if self._fence or _FENCE.match(line):
            self._take_code(line, number)
        elif not line.strip():
            self._is_blank = True
        else:
            self._take_text(line, number)
            self._is_blank = False

    def _take_text(self, line: str, number: int) -> None:
        heading = boxes.heading_and_depth(line)
        box = _BOX.match(line)
        if heading is not None:
            name, depth = heading
            self._headings = [one for one in self._headings if one[0] < depth]
            self._headings.append((depth, one_line.of(name)))
            self._is_ours = False
        elif box is not None:
            self._take_box(box, number)
        elif self._continues(line):
            self.items[-1].more.append(line.strip())
        else:
            self._is_ours = False
            self.lines.append(Line(line.strip(), number, self._names()))

    def _take_box(self, box: re.Match[str], number: int) -> None:
        text = one_line_of(box[3] or "")
        if not text:
            return
        indent = len(box[1].expandtabs(_TAB))
        parent = len(self.items) - 1
        while parent >= 0 and self.items[parent].indent >= indent:
            parent = self.items[parent].parent
        if not self._is_ours:
            parent = -1
        self.items.append(Item(text, box[2], number, self._names(), indent, parent))
        self._is_ours = True

    def _take_code(self, line: str, number: int) -> None:
        marks = _FENCE.match(line)
        if not self._fence and marks is not None:
            self._fence = marks[1]
            self._is_ours = self._is_ours and self._is_below(line)
        elif marks is not None and marks[1].startswith(self._fence):
            self._fence = ""
        if self._is_ours:
            self.items[-1].more.append(
                line.rstrip()[min(self.items[-1].indent + 2, _spaces(line)) :]
            )
        elif marks is None:
            self.lines.append(Line(line.strip(), number, self._names(), in_code=True))

    def _continues(self, line: str) -> bool:
        """Whether a line goes on with the box before it: one that is below it, or right after it."""
        if not self._is_ours:
            return False
        return self._is_below(line) or not (self._is_blank or _BREAK.match(line))

    def _is_below(self, line: str) -> bool:
        return bool(self.items) and _spaces(line) > self.items[-1].indent

    def _names(self) -> tuple[str, ...]:
        return tuple(name for _, name in self._headings)


def one_line_of(text: str) -> str:
    """A text without control characters and surplus blanks, as long as it is."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _spaces(line: str) -> int:
    expanded = line.expandtabs(_TAB)
    return len(expanded) - len(expanded.lstrip())


def body_start(text: str) -> int:
    """Where a text begins behind its front matter."""
    if not text.startswith("---"):
        return 0
    front = re.match(r"---[ \t]*\r?\n(?:(?!---|\.\.\.).*\n)*(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", text)
    return front.end() if front is not None else 0


def read(text: str) -> Outline:
    """The outline of a Markdown text. Comments count as blank."""
    start = body_start(text)
    hidden = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text[start:])
    first = text.count("\n", 0, start) + 1
    outline = Outline()
    for number, line in enumerate(hidden.splitlines(), start=first):
        outline.take(line, number)
    return outline


def first_heading(text: str) -> str:
    """The text of the first heading, "" without one."""
    lines: Iterator[str] = iter(text.splitlines())
    return next((name for name in map(boxes.heading, lines) if name), "")


def section(text: str, name: str) -> str:
    """What stands below the heading with that name, up to the next one as high."""
    kept: list[str] = []
    depth = 0
    for line in text.splitlines():
        heading = boxes.heading_and_depth(line)
        if heading is not None and depth and heading[1] <= depth:
            break
        if depth:
            kept.append(line)
        elif heading is not None and heading[0].strip("*: ").casefold() == name.casefold():
            depth = heading[1]
    return "\n".join(kept).strip()
