"""The YAML at the head of a Markdown file. An update changes the values that it names, and no other
byte: comments, unknown keys, quotes, order and line ends stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

LARGEST = 16_384  # characters; PyYAML reads some 300,000 in a second
_DEEPEST = 32

_FIRST = re.compile(r"\ufeff?---[ \t]*\r?\n")
_LAST = re.compile(r"^(?:---|\.\.\.)[ \t]*\r?$\n?", re.MULTILINE)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


class Malformed(Exception):
    """Front matter that cannot be read: the line (from 1), and what is wrong there."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class Value(NamedTuple):
    """A value and the characters of the file that hold it; `text` is None for a list."""

    text: str | None
    start: int
    end: int
    line: int
    ends_line: bool = False  # a block, whose characters include the end of its last line


class FrontMatter(NamedTuple):
    """The values by their keys; `end` is where a further key goes, `body` where the body begins."""

    values: Mapping[str, Value]
    end: int
    body: int

    def text(self, key: str) -> str:
        """The value of a key; "" where it is missing or null. Raises Malformed for a list."""
        value = self.values.get(key)
        if value is None:
            return ""
        if value.text is None:
            raise Malformed(value.line, f"'{key}' must be one text")
        return value.text


def read(text: str) -> FrontMatter | None:
    """The front matter of a file; None where it has none. Raises Malformed."""
    first = _FIRST.match(text)
    if first is None:
        return None
    last = _LAST.search(text, first.end())
    if last is None:
        raise Malformed(1, "the front matter has no end: a line '---'")
    if last.start() - first.end() > LARGEST:
        raise Malformed(1, f"the front matter is longer than {LARGEST:,} characters")
    values = _values(text[first.end() : last.start()], first.end())
    return FrontMatter(values, last.start(), last.end())


def _values(block: str, offset: int) -> dict[str, Value]:
    """The values of the block, which begins at this character of the file."""
    import yaml

    reader = _Reader(offset)
    try:
        # Events, not nodes: a thousand brackets nest without recursion.
        for event in yaml.parse(block, Loader=yaml.BaseLoader):
            reader.take(event)
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        at = mark.line if mark is not None else block[: getattr(wrong, "position", 0)].count("\n")
        problem = getattr(wrong, "problem", None) or getattr(wrong, "reason", None) or "no YAML"
        raise Malformed(at + 2, str(problem)) from wrong
    return reader.values


class _Reader:
    """Makes the values of a mapping from the parser's events."""

    def __init__(self, offset: int) -> None:
        self.values: dict[str, Value] = {}
        self._offset = offset
        self._depth = 0
        self._key: str | None = None
        self._began: tuple[int, int] = (0, 0)

    def take(self, event: Any) -> None:  # yaml has no types for what an event of each kind has
        """Take the next event. Raises Malformed."""
        match type(event).__name__:
            case "MappingStartEvent" | "SequenceStartEvent":
                self._open(event)
            case "MappingEndEvent" | "SequenceEndEvent":
                self._close(event)
            case "ScalarEvent":
                self._scalar(event)
            case "AliasEvent":
                self._refuse_alias(event)

    def _refuse_alias(self, event: Any) -> None:
        raise Malformed(event.start_mark.line + 2, "an alias ('*') is no value here")

    def _close(self, event: Any) -> None:
        self._depth -= 1
        if self._depth == 1 and self._key is not None:
            start, line = self._began
            end = event.end_mark.index + self._offset
            self.values[self._key] = Value(None, start, end, line)
            self._key = None

    def _open(self, event: Any) -> None:
        line = event.start_mark.line + 2
        if self._depth == 0 and type(event).__name__ != "MappingStartEvent":
            raise Malformed(2, "expected lines 'key: value'")
        if self._depth == 1:
            if self._key is None:
                raise Malformed(line, "a key must be one text")
            self._began = (event.start_mark.index + self._offset, line)
        if self._depth == _DEEPEST:  # each level makes every further token slower to read
            raise Malformed(line, f"more than {_DEEPEST} lists in each other")
        self._depth += 1

    def _scalar(self, event: Any) -> None:
        line = event.start_mark.line + 2
        if self._depth == 0 and event.value.strip():
            raise Malformed(2, "expected lines 'key: value'")
        if self._depth != 1:
            return
        if self._key is None:
            self._key = event.value
            if self._key in self.values:
                raise Malformed(line, f"'{self._key}' stands twice")
            return
        start, end = event.start_mark.index + self._offset, event.end_mark.index + self._offset
        is_null = event.style in (None, "") and event.value in _NULLS
        text = "" if is_null else event.value
        self.values[self._key] = Value(text, start, end, line, event.style in ("|", ">"))
        self._key = None


def update(text: str, fields: Mapping[str, str]) -> str:
    """The file with these values; a key that is missing comes last. A value that is there already
    keeps its quotes. Raises Malformed.
    """
    front = read(text)
    if front is None:
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        newline = newline_of(text)
        lines = render(fields).replace("\n", newline)
        return f"{mark}{lines}{text.removeprefix(mark)}"
    newline = newline_of(text)
    edits: list[tuple[int, int, str]] = []
    added = ""
    for key, value in fields.items():
        old = front.values.get(key)
        if old is None:
            added += f"{line_of(key, value)}{newline}"
        elif front.text(key) != value:
            blank = "" if text[old.start - 1 : old.start] in (" ", "\t") else " "
            after = newline if old.ends_line else ""
            edits.append((old.start, old.end, f"{blank}{scalar(value)}{after}"))
    if added:
        edits.append((front.end, front.end, added))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def render(fields: Mapping[str, str]) -> str:
    """Front matter with these values."""
    lines = "".join(f"{line_of(key, value)}\n" for key, value in fields.items())
    return f"---\n{lines}---\n"


def line_of(key: str, value: str) -> str:
    """The line of one key."""
    return f"{key}: {scalar(value)}".rstrip() if value else f"{key}:"


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def scalar(value: str) -> str:
    """A value on one line that every reader of YAML takes for this text; "" is null, and a time
    stands as it is.
    """
    from git_orch.plans.file import emitter

    return value if not value or _TIME.fullmatch(value) else emitter.scalar(value)


def newline_of(text: str) -> str:
    """The line end of a file: that of its first line."""
    at = text.find("\n")
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"
