"""What a person wrote into the file of an execution log: new items in the sections of notes become
notes of the plan. Other lines that they added stay in the file; what the log says comes back.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from git_orch.plans import merge
from git_orch.plans.documents import front_matter, templates
from git_orch.plans.documents.execution_log import NOTES
from git_orch.plans.documents.log_text import NOTHING

_KINDS = {heading.casefold(): kind for kind, heading in NOTES.items()}
_ITEM = re.compile(r"[-*+][ \t]+(\S.*)")
_OF_EVENT = re.compile(r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d ")  # with which a line of ours begins


class Addition(NamedTuple):
    """A note that stands in a file and not in the plan."""

    kind: str
    text: str


class _Item(NamedTuple):
    kind: str
    text: str
    first: int  # its lines
    end: int


class Additions(NamedTuple):
    """The new notes of a file, and the file without them."""

    notes: tuple[Addition, ...]
    rest: str


def additions(file: str, known: str) -> Additions:
    """What a person added to the file of a log; `known` is the last export, else what it says."""
    text = _plain(file)
    there = Counter(item.text for item in _items(_plain(known)))
    notes: list[Addition] = []
    lines = text.splitlines(keepends=True)
    for item in _items(text):
        if there[item.text] > 0:
            there[item.text] -= 1
        elif not _OF_EVENT.match(item.text):
            notes.append(Addition(item.kind, item.text))
            lines[item.first : item.end] = [""] * (item.end - item.first)
    return Additions(tuple(notes), "".join(lines))


def merged(file: str, base: str | None, fresh: str) -> str:
    """The file `file` saying all that the log `fresh` says, and every line that a person added,
    below the line that it stood below. Without an export (None) these are the lines that the log does
    not have. Raises front_matter.Malformed.
    """
    text = _plain(file)
    front = front_matter.read(fresh)
    fields = {name: front.text(name) for name in front.values} if front is not None else {}
    updated = front_matter.update(text, fields)
    at = templates.body_start(updated)
    now, before = _lines(fresh), _lines(fresh if base is None else _plain(base))
    body = "".join(_with_additions(now, before, updated[at:].splitlines(keepends=True)))
    mark = "\ufeff" if file.startswith("\ufeff") else ""
    return mark + (updated[:at] + body).replace("\n", front_matter.newline_of(file))


def _lines(text: str) -> list[str]:
    return text[templates.body_start(text) :].splitlines(keepends=True)


def _with_additions(fresh: list[str], base: list[str], file: list[str]) -> list[str]:
    """The lines `fresh` with those that `file` has and `base` has not."""
    if max(map(len, (fresh, base, file))) > merge.MOST_LINES:
        there = {*fresh, *base}
        more = [line for line in file if line not in there]
        return [*fresh, *(["\n"] if more else []), *more]
    added: dict[int, list[str]] = {}  # by the number of lines of `fresh` before them
    place = _places(base, fresh)
    for kind, start, _, first, last in _opcodes(base, file):
        lines = file[first:last]
        if kind in ("insert", "replace") and any(line.strip() for line in lines):
            added.setdefault(place[start], []).extend(lines)
    merged: list[str] = []
    for at, line in enumerate([*fresh, ""]):
        more = added.get(at, [])
        if merged and more and not merged[-1].endswith("\n"):
            merged[-1] += "\n"
        merged += more
        if line != NOTHING or not more:
            merged.append(line)
    return merged


def _places(base: list[str], fresh: list[str]) -> list[int]:
    """How many lines of `fresh` stand above each line of `base`, and above its end."""
    places = [0] * (len(base) + 1)
    for kind, start, end, first, _ in _opcodes(base, fresh):
        for at in range(start, end):
            places[at + 1] = first + at - start + 1 if kind == "equal" else places[at]
    return places


def _opcodes(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").removeprefix("\ufeff")


def _items(text: str) -> list[_Item]:
    """The items in the sections of notes: each begins at the margin, and the indented lines below
    it are part of it.
    """
    items: list[_Item] = []
    kind: str | None = None
    begun: tuple[int, list[str]] | None = None
    last = 0

    def close() -> None:
        if begun is not None and kind is not None:
            items.append(_Item(kind, "\n".join(begun[1]).strip(), begun[0], last))

    for at, line in enumerate(text.splitlines()):
        if line.startswith(("# ", "## ")):
            close()
            begun, kind = None, _KINDS.get(line.lstrip("#").strip().casefold())
            continue
        match = _ITEM.match(line) if kind is not None else None
        if match is not None:
            close()
            begun, last = (at, [match[1].rstrip()]), at + 1
        elif begun is not None and line[:1] in (" ", "\t") and line.strip():
            blank = [""] * (at - last)
            begun[1].extend([*blank, line.removeprefix("  ").rstrip()])
            last = at + 1
        elif line.strip():
            close()
            begun = None
    close()
    return items
