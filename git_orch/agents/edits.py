"""Replacing a piece of a text by another: exact, or the same lines in other clothes, but never by
likeness.

Line endings are the text's own: what is put in gets them, what is around keeps them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

How = Literal["exact", "blanks", "indent"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_ENDING = re.compile(r"(?:\r\n|\r|\n)\Z")
_WORD = re.compile(r"\w+")
_SHOWN_LINES = 20
_LIKE = 0.4  # share of the words that two lines have in common; only for the message


class Edit(NamedTuple):
    """`old` is to become `new`."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The text after an edit, and how `old` was found."""

    text: str
    how: How


@dataclass(frozen=True, slots=True)
class Missed:
    """Why an edit was not made, in words that help to make it."""

    why: str


class _Line(NamedTuple):
    body: str
    ending: str


def applied(text: str, edit: Edit) -> Applied | Missed:
    """The text after one edit whose `old` is there exactly once."""
    if not edit.old:
        return Missed("old is empty; use write_file to write a whole file")
    if edit.old == edit.new:
        return Missed("old and new are the same")
    end = ending(text)
    for old in (edit.old, with_endings(edit.old, end)):
        places = _positions(text, old)
        if len(places) > 1:
            return Missed(_ambiguous([text.count("\n", 0, place) + 1 for place in places]))
        if places:
            return Applied(text.replace(old, with_endings(edit.new, end)), "exact")
    lines = _lines(text)
    return (
        _by_lines(lines, edit, "blanks")
        or _by_lines(lines, edit, "indent")
        or _missed(lines, text, edit)
    )


def ending(text: str) -> str:
    """The line ending that most lines of a text have; a newline when there are none."""
    counts = Counter(re.findall(r"\r\n|\r|\n", text))
    return counts.most_common(1)[0][0] if counts else "\n"


def with_endings(text: str, wanted: str) -> str:
    """The text with that ending on all lines."""
    return re.sub(r"\r\n|\r|\n", lambda _: wanted, text)


def _positions(text: str, part: str) -> list[int]:
    """Where `part` begins, overlaps included: "aa" is in "aaa" twice."""
    found = []
    at = text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found


def _ambiguous(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    return f"old matches {len(numbers)} times, at lines {shown}; add lines around it until it is there once"


# -- line by line ----------------------------------------------------------------------------------


def _lines(text: str) -> list[_Line]:
    found = []
    for match in _LINE.finditer(text):
        end = _ENDING.search(match[0])
        body = match[0][: end.start()] if end else match[0]
        found.append(_Line(body, end[0] if end else ""))
    return found


def bodies(text: str) -> list[str]:
    """The lines of a text without their endings."""
    return [line.body for line in _lines(text)]


def _by_lines(lines: list[_Line], edit: Edit, how: How) -> Applied | Missed | None:
    """The edit made on whole lines that are like `old`; None when there are none."""
    old = [body.rstrip() for body in bodies(edit.old)]
    stripped = [line.body.rstrip() for line in lines]
    matches = _same if how == "blanks" else _indented
    key = next(
        (offset for offset, body in enumerate(old) if body), 0
    )  # where it differs first: large files
    hits = [
        (start, change)
        for start in range(len(stripped) - len(old) + 1)
        if stripped[start + key].lstrip() == old[key].lstrip()
        and (change := matches(stripped[start : start + len(old)], old)) is not None
    ]
    if not hits:
        return None
    if len(hits) > 1:
        return Missed(_ambiguous([start + 1 for start, _ in hits]))
    start, change = hits[0]
    new = [change(body) for body in bodies(edit.new)]
    if any(body is None for body in new):
        return None  # new has a line that is less indented than what would be taken away
    if new and not edit.old.endswith(("\n", "\r")) and edit.new.endswith(("\n", "\r")):
        new.append(
            ""
        )  # what stood behind old on its last line goes on a line of its own: here nothing did
    window = lines[start : start + len(old)]
    return Applied(
        _joined(lines[:start])
        + _put(new, window, lines, edit)
        + _joined(lines[start + len(old) :]),
        how,
    )


_Change = Callable[[str], "str | None"]


def _put(new: list[str | None], window: list[_Line], lines: list[_Line], edit: Edit) -> str:
    end = next((line.ending for line in [*window, *lines] if line.ending), "\n")
    last = window[-1].ending
    put = [body for body in new if body is not None]
    if not put:  # lines are deleted if old ended with one, emptied if it did not
        return "" if edit.old.endswith(("\n", "\r")) else last
    return end.join(put) + last


def _joined(lines: list[_Line]) -> str:
    return "".join(line.body + line.ending for line in lines)


def _same(found: list[str], old: list[str]) -> _Change | None:
    return (lambda body: body) if found == old else None


def _indented(found: list[str], old: list[str]) -> _Change | None:
    """How to indent `new` when all lines of `found` are those of `old` with one indent more, or
    less.
    """
    filled = [(here, wanted) for here, wanted in zip(found, old, strict=True) if here or wanted]
    if not filled:
        return None
    here, wanted = filled[0]
    if (
        here.endswith(wanted)
        and (more := here[: len(here) - len(wanted)])
        and wanted
        and not more.strip()
    ):
        same = all(left == more + right for left, right in filled if right) and all(
            right for _, right in filled
        )
        return (lambda body: more + body if body.strip() else body) if same else None
    if (
        wanted.endswith(here)
        and (less := wanted[: len(wanted) - len(here)])
        and here
        and not less.strip()
    ):
        same = all(right == less + left for left, right in filled if left) and all(
            left for left, _ in filled
        )
        return (lambda body: _without(less, body)) if same else None
    return None


def _without(indent: str, body: str) -> str | None:
    if not body.strip():
        return body
    return body[len(indent) :] if body.startswith(indent) else None


# -- a miss that teaches ---------------------------------------------------------------------------


def _missed(lines: list[_Line], text: str, edit: Edit) -> Missed:
    parts = ["old is not in the file"]
    if edit.new.strip() and with_endings(edit.new, "\n") in with_endings(text, "\n"):
        parts.append("new is already there")
    size = len(bodies(edit.old))
    start = _closest([line.body for line in lines], bodies(edit.old))
    if start is not None:
        shown = lines[start : start + min(size, _SHOWN_LINES)]
        parts.append(
            "the closest lines, with · for a space and → for a tab:\n"
            + "\n".join(
                f"{number}: {visible(line)}" for number, line in enumerate(shown, start=start + 1)
            )
        )
    return Missed("; ".join(parts))


def visible(line: _Line) -> str:
    """A line with its white space made visible, cut to 300 characters."""
    shown = line.body[:300].replace(" ", "·").replace("\t", "→")
    return shown + {"\r\n": "␍", "\r": "␍"}.get(line.ending, "")


def _closest(lines: list[str], old: list[str]) -> int | None:
    """The index of the line where something like `old` begins: where most lines agree but for white
    space.
    """
    places: dict[str, list[int]] = {}
    for number, body in enumerate(lines):
        places.setdefault(body.strip(), []).append(number)
    votes: Counter[int] = Counter()
    for offset, wanted in enumerate(old):
        if wanted.strip():
            votes.update(
                number - offset
                for number in places.get(wanted.strip(), [])[:100]
                if number >= offset
            )
    if votes:
        return min(votes, key=lambda start: (-votes[start], start))
    longest = max(range(len(old)), key=lambda offset: len(old[offset].strip()))
    wanted_words = _words(old[longest])
    likeness = [
        len(words & wanted_words) / len(words | wanted_words or {""})
        for words in map(_words, lines)
    ]
    best = max(range(len(lines)), key=likeness.__getitem__, default=None)
    return None if best is None or likeness[best] < _LIKE else max(0, best - longest)


def _words(line: str) -> set[str]:
    return set(_WORD.findall(line))
