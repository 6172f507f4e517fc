"""Replacing a piece of a text by another: an exact piece, or lines that differ only in white space,
but never merely similar ones.

Line endings are the text's own: the new piece gets them, the rest keeps them.
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
_LIKE = 0.4  # share of common words that makes two lines similar; only for the message


class Edit(NamedTuple):
    """The order to replace `old` by `new`."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The text after an edit, and how `old` matched it."""

    text: str
    how: How


@dataclass(frozen=True, slots=True)
class Missed:
    """The reason why an edit was impossible, in words that help to correct it."""

    why: str


class _Line(NamedTuple):
    body: str
    ending: str


def apply(text: str, edit: Edit) -> Applied | Missed:
    """The text after an edit whose `old` it holds exactly once."""
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
        or _miss(lines, text, edit)
    )


def ending(text: str) -> str:
    """The most frequent line ending of a text; a newline when it has none."""
    counts = Counter(re.findall(r"\r\n|\r|\n", text))
    return counts.most_common(1)[0][0] if counts else "\n"


def with_endings(text: str, new_ending: str) -> str:
    """The text with `new_ending` on all lines."""
    return re.sub(r"\r\n|\r|\n", lambda _: new_ending, text)


def _positions(text: str, part: str) -> list[int]:
    """The positions of `part`, overlaps included: "aa" is in "aaa" twice."""
    positions = []
    at = text.find(part)
    while at >= 0:
        positions.append(at)
        at = text.find(part, at + 1)
    return positions


def _ambiguous(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    return (
        f"old matches {len(numbers)} times, at lines {shown}; "
        "add lines around it until it is there once"
    )


# -- line by line ----------------------------------------------------------------------------------


def _lines(text: str) -> list[_Line]:
    lines = []
    for match in _LINE.finditer(text):
        end = _ENDING.search(match[0])
        body = match[0][: end.start()] if end else match[0]
        lines.append(_Line(body, end[0] if end else ""))
    return lines


def bodies(text: str) -> list[str]:
    """The lines of a text without their endings."""
    return [line.body for line in _lines(text)]


def _by_lines(lines: list[_Line], edit: Edit, how: How) -> Applied | Missed | None:
    """The text after an edit of whole lines that match `old` but for white space; None when no
    lines do.
    """
    old = [body.rstrip() for body in bodies(edit.old)]
    hits = _hits([line.body.rstrip() for line in lines], old, how)
    if not hits:
        return None
    if len(hits) > 1:
        return Missed(_ambiguous([hit.start + 1 for hit in hits]))
    start, change = hits[0]
    new = [change(body) for body in bodies(edit.new)]
    if any(body is None for body in new):
        return None  # new has a line with less indentation than the change takes away
    if new and not edit.old.endswith(("\n", "\r")) and edit.new.endswith(("\n", "\r")):
        new.append("")  # the text behind old on its last line, none here, gets a line of its own
    window = lines[start : start + len(old)]
    return Applied(
        _text(lines[:start]) + _put(new, window, lines, edit) + _text(lines[start + len(old) :]),
        how,
    )


_Change = Callable[[str], "str | None"]


class _Hit(NamedTuple):
    """The number of the first line that matches `old`, and the change that lines of `new` need."""

    start: int
    change: _Change


def _hits(stripped: list[str], old: list[str], how: How) -> list[_Hit]:
    changes = _unchanged if how == "blanks" else _indentation
    # Lines of a large file mostly differ in the first line of old that is not blank.
    key = next((offset for offset, body in enumerate(old) if body), 0)
    hits: list[_Hit] = []
    for start in range(len(stripped) - len(old) + 1):
        if stripped[start + key].lstrip() == old[key].lstrip():
            change = changes(stripped[start : start + len(old)], old)
            if change is not None:
                hits.append(_Hit(start, change))
    return hits


def _put(new: list[str | None], window: list[_Line], lines: list[_Line], edit: Edit) -> str:
    end = next((line.ending for line in [*window, *lines] if line.ending), "\n")
    last = window[-1].ending
    put = [body for body in new if body is not None]
    if not put:  # lines are deleted if old ended with one, emptied if it did not
        return "" if edit.old.endswith(("\n", "\r")) else last
    return end.join(put) + last


def _text(lines: list[_Line]) -> str:
    return "".join(line.body + line.ending for line in lines)


def _unchanged(window: list[str], old: list[str]) -> _Change | None:
    return (lambda body: body) if window == old else None


def _indentation(window: list[str], old: list[str]) -> _Change | None:
    """The change of indentation for `new` when all lines of `window` are those of `old` with one
    indent more, or less.
    """
    pairs = [(here, body) for here, body in zip(window, old, strict=True) if here or body]
    if not pairs or not all(here and body for here, body in pairs):
        return None
    here, body = pairs[0]
    more = here[: max(len(here) - len(body), 0)]
    less = body[: max(len(body) - len(here), 0)]
    if more and not more.strip() and all(left == more + right for left, right in pairs):
        return lambda line: more + line if line.strip() else line
    if less and not less.strip() and all(right == less + left for left, right in pairs):
        return lambda line: _without(less, line)
    return None


def _without(indent: str, body: str) -> str | None:
    if not body.strip():
        return body
    return body[len(indent) :] if body.startswith(indent) else None


# -- the message for a missed edit -----------------------------------------------------------------


def _miss(lines: list[_Line], text: str, edit: Edit) -> Missed:
    parts = ["old is not in the file"]
    if edit.new.strip() and with_endings(edit.new, "\n") in with_endings(text, "\n"):
        parts.append("new is already there")
    size = len(bodies(edit.old))
    start = _closest([line.body for line in lines], bodies(edit.old))
    if start is not None:
        shown = lines[start : start + min(size, _SHOWN_LINES)]
        parts.append("the closest lines, with · for a space and → for a tab:")
        numbered = [
            f"{number}: {visible(line)}" for number, line in enumerate(shown, start=start + 1)
        ]
        return Missed("\n".join(["; ".join(parts), *numbered]))
    return Missed("; ".join(parts))


def visible(line: _Line) -> str:
    """A line with signs for its white space, cut to 300 characters."""
    shown = line.body[:300].replace(" ", "·").replace("\t", "→")
    return shown + {"\r\n": "␍", "\r": "␍"}.get(line.ending, "")


def _closest(lines: list[str], old: list[str]) -> int | None:
    """The index of the line where most lines agree with `old` but for white space, or None."""
    places: dict[str, list[int]] = {}
    for number, body in enumerate(lines):
        places.setdefault(body.strip(), []).append(number)
    votes: Counter[int] = Counter()
    for offset, body in enumerate(old):
        if body.strip():
            same_lines = places.get(body.strip(), [])[:100]
            votes.update(number - offset for number in same_lines if number >= offset)
    if votes:
        return min(votes, key=lambda start: (-votes[start], start))
    longest = max(range(len(old)), key=lambda offset: len(old[offset].strip()))
    old_words = _words(old[longest])
    likeness = [
        len(words & old_words) / len(words | old_words or {""}) for words in map(_words, lines)
    ]
    best = max(range(len(lines)), key=likeness.__getitem__, default=None)
    return None if best is None or likeness[best] < _LIKE else max(0, best - longest)


def _words(line: str) -> set[str]:
    return set(_WORD.findall(line))
