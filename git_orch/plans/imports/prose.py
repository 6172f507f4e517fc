"""Dependencies in sentences: (depends on T012, T013), T006-T017 before T018, T001 -> T002."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Iterator
from typing import NamedTuple

ID = r"T[0-9]{1,5}[a-z]?"
_DASH = r"(?:[-\u2013\u2014]|\.\.|\bto\b|\bthrough\b)"
_RANGE = re.compile(rf"\b({ID})\b(?:\s*{_DASH}\s*T?([0-9]{{1,5}}[a-z]?)\b)?")
_AND = rf"(?:,\s*and\b|,|&|\+|/|\band\b|{_DASH})"
_LIST = rf"\b{ID}\b(?:\s*{_AND}\s*T?[0-9]{{1,5}}[a-z]?\b)*"
_NEEDS = (
    r"(?i:depends?(?:\s+up)?\s*on|dependent\s+on|requires?|needs?|blocked\s+by|waits?\s+for|after)"
)
_BEFORE = r"(?i:before|blocks?|precedes?|unblocks?|enables?|antes\s+de)"
_GAP = r"(?:(?!\bT[0-9])[^\n]){0,60}?"
_ARROW = re.compile(r"\s*(?:→|⟶|-+>|=+>)\s*")
_INLINE = re.compile(rf"\b{_NEEDS}\b[\s:]*({_LIST})")
_INLINE_BEFORE = re.compile(rf"\({_BEFORE}\b[\s:]*({_LIST})")
_AFTER_LINE = re.compile(rf"({_LIST}){_GAP}\b{_NEEDS}\b{_GAP}({_LIST})")
_BEFORE_LINE = re.compile(rf"({_LIST}){_GAP}\b{_BEFORE}\b{_GAP}({_LIST})")
_VERB = re.compile(rf"\b(?:{_NEEDS}|{_BEFORE})\b|{_ARROW.pattern}")
_MARKS = re.compile(r"[*`]")
_NOT = re.compile(r"\b(?:no|not|never|without|independent|independently)\b", re.IGNORECASE)
_LONGEST = 2_000  # characters of a line that is read
_WIDEST = 1_000  # tasks in a range


class Link(NamedTuple):
    """A task, and one that it needs."""

    task: str
    need: str


def needs(text: str, there: Container[str]) -> list[str]:
    """The IDs that a task's own text says it needs. Of a range only those `there` count."""
    plain = _MARKS.sub("", text[:_LONGEST])
    return [name for match in _INLINE.finditer(plain) for name in ids(match[1], there)]


def blocks(text: str, there: Container[str]) -> list[str]:
    """The IDs that a task's own text says come after it."""
    plain = _MARKS.sub("", text[:_LONGEST])
    return [name for match in _INLINE_BEFORE.finditer(plain) for name in ids(match[1], there)]


def mentions(text: str) -> bool:
    """Whether a text names a task."""
    return _RANGE.search(text[:_LONGEST]) is not None


def may_link(text: str) -> bool:
    """Whether a line may say which of its tasks come first."""
    return _VERB.search(text[:_LONGEST]) is not None


def links(line: str, there: Container[str]) -> list[Link] | None:
    """The dependencies in a line about the order of tasks; None for a line that says none."""
    text = _MARKS.sub("", line[:_LONGEST])
    if _NOT.search(text):
        return None
    parts = [ids(part, there) for part in _ARROW.split(text)]
    if len(parts) > 1:
        return _chain(parts) if all(parts) else None
    for pattern, is_reversed in ((_AFTER_LINE, False), (_BEFORE_LINE, True)):
        match = pattern.search(text)
        if match is not None:
            sides = (ids(match[1], there), ids(match[2], there))
            late, early = sides[::-1] if is_reversed else sides
            return [Link(name, need) for name in late for need in early]
    return None


def _chain(parts: list[list[str]]) -> list[Link]:
    """The dependencies of T001 -> T002, T003 -> T004."""
    chain: list[Link] = []
    for early, late in itertools.pairwise(parts):
        chain += [Link(name, need) for name in late for need in early]
    return chain


def ids(text: str, there: Container[str]) -> list[str]:
    """The IDs that a list names, and those `there` between the ends of its ranges."""
    names: list[str] = []
    for match in _RANGE.finditer(text):
        names.append(match[1])
        if match[2]:
            names += [name for name in _between(match[1], match[2]) if name in there]
            names.append(f"T{match[2]}")
    return [*dict.fromkeys(names)]


def _between(first: str, last: str) -> Iterator[str]:
    digits = first.strip("Tabcdefghijklmnopqrstuvwxyz")
    end = int(last.rstrip("abcdefghijklmnopqrstuvwxyz"))
    for number in range(int(digits) + 1, min(end, int(digits) + _WIDEST)):
        yield f"T{number:0{len(digits)}}"
