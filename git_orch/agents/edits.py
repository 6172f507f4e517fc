"""Replacing a piece of a text by another: an exact piece, or lines that differ only in white space,
but never merely similar ones.

Line endings are the text's own: the new piece gets them, the rest keeps them.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

How = Literal["exact", "blanks", "indent"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_FIRST_ENDING = re.compile(r"\r\n|\r|\n")
_ENDING = re.compile(r"(?:\r\n|\r|\n)\Z")
_WORD = re.compile(r"\w+")
_SHOWN_LINES = 20
_SHOWN_PLACES = 10
# Lines of the text and of old: with more only an exact piece is found. Line by line it takes half a
# second for as many, which no signal has to wait for.
_MOST_LINES = 50_000
_VOTING_LINES = 500  # of old, for the message
_VOTES = 100  # of one of these lines
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
            behind = text[places[0] + len(old) :]
            return Applied(text[: places[0]] + with_endings(edit.new, end) + behind, "exact")
    if max(_line_count(text), _line_count(edit.old)) > _MOST_LINES:
        return Missed(
            f"old is not in the file as it stands; in more than {_MOST_LINES:,} lines nobody looks "
            "for lines that differ in white space"
        )
    lines = _lines(text)
    return (
        _by_lines(lines, edit, "blanks")
        or _by_lines(lines, edit, "indent")
        or _miss(lines, text, edit)
    )


def ending(text: str) -> str:
    """The most frequent line ending of a text, the first one of equals; a newline when it has none."""
    both = text.count("\r\n")
    counts = {"\r\n": both, "\r": text.count("\r") - both, "\n": text.count("\n") - both}
    first = _FIRST_ENDING.search(text)
    if first is None:
        return "\n"
    return max(counts, key=lambda end: (counts[end], end == first[0]))


def with_endings(text: str, new_ending: str) -> str:
    """The text with `new_ending` on all lines."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return plain if new_ending == "\n" else plain.replace("\n", new_ending)


def _positions(text: str, part: str) -> list[int]:
    """The first positions of `part`, overlaps included: "aa" is in "aaa" twice. One more than is
    shown says that there are more.
    """
    positions: list[int] = []
    at = text.find(part)
    while at >= 0 and len(positions) <= _SHOWN_PLACES:
        positions.append(at)
        at = text.find(part, at + 1)
    return positions


def _ambiguous(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN_PLACES]))
    many = len(numbers) > _SHOWN_PLACES
    count = f"more than {_SHOWN_PLACES}" if many else str(len(numbers))
    return (
        f"old matches {count} times, at lines {shown}{', ...' if many else ''}; "
        "add lines around it until it is there once"
    )


def _line_count(text: str) -> int:
    return text.count("\n") + text.count("\r")


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
    lines = with_endings(text, "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


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
    """The places of the lines `old`, at most one more than is shown."""
    if how == "blanks":
        starts = occurrences(stripped, old)
        return [_Hit(start, _unchanged) for start in itertools.islice(starts, _SHOWN_PLACES + 1)]
    return list(itertools.islice(_indented_hits(stripped, old), _SHOWN_PLACES + 1))


def _indented_hits(stripped: list[str], old: list[str]) -> Iterator[_Hit]:
    """The places where all lines that are not blank are those of `old` with one indent more, or
    one less.
    """
    first = next((offset for offset, body in enumerate(old) if body), None)
    if first is None:
        return
    relative = _relative(stripped)
    blanks = _blanks_before(stripped)
    pattern = _relative(old)[first + 1 :]
    body = old[first].lstrip()
    indent = old[first][: len(old[first]) - len(body)]
    for behind in occurrences(relative, pattern, first + 1):
        here = stripped[behind - 1]
        if blanks[behind - 1] >= first and here.lstrip() == body:
            change = _indentation(here[: len(here) - len(body)], indent)
            if change is not None:
                yield _Hit(behind - 1 - first, change)


Item = TypeVar("Item", bound=Hashable)


def occurrences(items: Sequence[Item], part: Sequence[Item], start: int = 0) -> Iterator[int]:
    """The indexes from `start` on where `part` stands in `items`, overlaps included.

    This is the algorithm of Knuth, Morris and Pratt: it takes time in proportion to both lengths,
    whatever they hold.
    """
    if not part:
        yield from range(start, len(items) + 1)
        return
    names = {item: name for name, item in enumerate(dict.fromkeys(part))}  # short to compare
    pattern = [names[item] for item in part]
    borders = _borders(pattern)
    length = 0  # of the beginning of `part` that ends here
    for index in range(start, len(items)):
        name = names.get(items[index])
        while length and name != pattern[length]:
            length = borders[length - 1]
        length += name == pattern[length]
        if length == len(pattern):
            yield index + 1 - length
            length = borders[length - 1]


def _borders(part: Sequence[int]) -> list[int]:
    """For each beginning of `part`, the length of the longest shorter one that it ends with."""
    borders = [0]
    length = 0
    for index in range(1, len(part)):
        while length and part[index] != part[length]:
            length = borders[length - 1]
        length += part[index] == part[length]
        borders.append(length)
    return borders


def _relative(stripped: Sequence[str]) -> list[tuple[int, str]]:
    """Each line by what changes from the indent of the line before to its own: the characters to
    take away, and the rest of the line. One indent more before all lines changes none of them but
    the first. A blank line is (-1, "").
    """
    relative = []
    before = ""
    for line in stripped:
        if not line:
            relative.append((-1, ""))
            continue
        indent = line[: len(line) - len(line.lstrip())]
        same = _common_length(before, indent)
        relative.append((len(before) - same, line[same:]))
        before = indent
    return relative


def _common_length(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    differing = (index for index, (here, there) in enumerate(pairs) if here != there)
    return next(differing, min(len(one), len(other)))


def _blanks_before(stripped: Sequence[str]) -> list[int]:
    """For each line, the number of blank lines right before it."""
    numbers, count = [], 0
    for line in stripped:
        numbers.append(count)
        count = 0 if line else count + 1
    return numbers


def _put(new: list[str | None], window: list[_Line], lines: list[_Line], edit: Edit) -> str:
    end = next((line.ending for line in [*window, *lines] if line.ending), "\n")
    last = window[-1].ending
    put = [body for body in new if body is not None]
    if not put:  # lines are deleted if old ended with one, emptied if it did not
        return "" if edit.old.endswith(("\n", "\r")) else last
    return end.join(put) + last


def _text(lines: list[_Line]) -> str:
    return "".join(line.body + line.ending for line in lines)


def _unchanged(body: str) -> str:
    return body


def _indentation(here: str, indent: str) -> _Change | None:
    """The change for lines of `new` from one indent to the one that is here; None when neither
    only adds to the other.
    """
    if here == indent:
        return None  # as it stands it was looked for before
    if here.endswith(indent):
        more = here[: len(here) - len(indent)]
        return lambda line: more + line if line.strip() else line
    if indent.endswith(here):
        less = indent[: len(indent) - len(here)]
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
    for offset, body in enumerate(old[:_VOTING_LINES]):
        if body.strip():
            same_lines = places.get(body.strip(), [])[:_VOTES]
            votes.update(number - offset for number in same_lines if number >= offset)
    if votes:
        return min(votes, key=lambda start: (-votes[start], start))
    longest = max(range(len(old)), key=lambda offset: len(old[offset].strip()))
    old_words = _words(old[longest])
    likeness = [_likeness(_words(line), old_words) for line in lines]
    best = max(range(len(lines)), key=likeness.__getitem__, default=None)
    return None if best is None or likeness[best] < _LIKE else max(0, best - longest)


def _likeness(words: set[str], others: set[str]) -> float:
    """The share of common words. The larger set is not walked: it may be the same for all lines."""
    common = len(words & others)
    return common / max(len(words) + len(others) - common, 1)


def _words(line: str) -> set[str]:
    return set(_WORD.findall(line))
