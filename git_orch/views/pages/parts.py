"""The parts that a page is made of: elements of HTML around texts of others, which share the room of
the page.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from git_orch.plans import sentences
from git_orch.views.pictures import markup

_MOST_LINES = 400
_MOST_CHARACTERS = 40_000
_LONGEST_LINE = 1_000
_DIFF_LINES = {"+": "add", "-": "del", "@": "hunk"}
_DIFF_HEADS = ("diff --git ", "index ", "--- ", "+++ ", "new file ", "deleted file ", "old mode ",
               "new mode ", "similarity ", "rename ", "copy ", "Binary files ")  # fmt: skip


class Room:
    """The characters that long texts may still have on a page."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def cut(self, of_others: str) -> tuple[list[str], str]:
        """The first lines of a text, and a remark on what is left out; "" where all is there."""
        most = min(_MOST_CHARACTERS, self._left)
        lines = of_others[:most].split("\n", _MOST_LINES)
        shown = lines[:_MOST_LINES]
        long = sum(len(line) > _LONGEST_LINE for line in shown)
        shown = [_shortened(line) for line in shown]
        self._left -= sum(map(len, shown))
        missing = len(of_others) - len("\n".join(lines[:_MOST_LINES]))
        remarks = [f"{missing:,} more characters are left out"] if missing else []
        remarks += [f"{sentences.count(long, 'long line')} cut short"] if long else []
        return shown, "; ".join(remarks)


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def paragraph(content: str, kind: str = "") -> str:
    """A paragraph of markup."""
    return markup.element("p", {"class": kind} if kind else {}, content)


def preformatted(room: Room, of_others: str, *, whole: str) -> str:
    """A text as it is, cut where it is long; `whole` is the command that prints all of it."""
    lines, remark = room.cut(of_others.rstrip("\n"))
    return markup.element("pre", {}, markup.text("\n".join(lines))) + _cut(remark, whole)


def diff(room: Room, of_others: str, *, is_cut: bool, whole: str) -> str:
    """The text of a diff, whose added and removed lines stand out."""
    lines, remark = room.cut(of_others.rstrip("\n"))
    if is_cut:
        remark = "the rest is left out"
    groups = itertools.groupby(zip(_kinds(lines), lines, strict=True), key=lambda pair: pair[0])
    runs = [(kind, "\n".join(line for _, line in run)) for kind, run in groups]
    spans = [
        markup.element("span", {"class": kind}, f"{markup.text(text)}\n") for kind, text in runs
    ]
    return markup.element("pre", {"class": "diff"}, "".join(spans)) + _cut(remark, whole)


def _kinds(lines: Iterable[str]) -> Iterator[str]:
    """Of each line of a diff, what it is."""
    in_head = False
    for line in lines:
        if line.startswith("diff --git "):
            in_head = True
        elif line.startswith("@@ "):
            in_head = False
        in_head = in_head and line.startswith(_DIFF_HEADS)
        yield "head" if in_head else _DIFF_LINES.get(line[:1], "same")


def _cut(remark: str, whole: str) -> str:
    """What a reader is told about a text that is cut."""
    if not remark:
        return ""
    return paragraph(f"{markup.text(remark)}: {code(whole)}", "cut")


def code(of_others: str) -> str:
    """A command, a path or a name."""
    return markup.element("code", {}, markup.text(of_others))


def badge(of_others: str, tone: str) -> str:
    """A state in a word, on its colour."""
    return markup.element("span", {"class": f"badge {tone}"}, markup.text(of_others))


def section(name: str, heading: str, content: str) -> str:
    """A part of the page with a heading, at the place `#name`."""
    head = markup.element("h2", {"id": f"{name}-heading"}, markup.text(heading))
    about = {"id": name, "aria-labelledby": f"{name}-heading"}
    return markup.element("section", about, f"{head}\n{content}\n")


def folded(summary: str, content: str, *, is_open: bool = False) -> str:
    """Content that a reader unfolds; the summary is markup."""
    shown = markup.element("summary", {}, summary)
    return markup.element("details", {"open": "open"} if is_open else {}, f"{shown}\n{content}\n")


def terms(pairs: Iterable[tuple[str, str]]) -> str:
    """Names, each with its value, which is markup."""
    rows = [
        markup.element("div", {}, markup.element("dt", {}, name) + markup.element("dd", {}, value))
        for name, value in pairs
    ]
    return markup.element("dl", {}, "\n".join(rows))


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str] = ()
) -> str:
    """A table, whose first column names the rows; cells are markup. It scrolls where the page is
    narrower.
    """
    head = "".join(markup.element("th", {"scope": "col"}, name) for name in heads)
    body = "\n".join(_row(row) for row in rows)
    parts = [
        markup.element("caption", {}, markup.text(caption)),
        markup.element("thead", {}, markup.element("tr", {}, head)),
        markup.element("tbody", {}, f"\n{body}\n"),
        *([markup.element("tfoot", {}, _row(foot))] if foot else []),
    ]
    return scrolling(caption, markup.element("table", {}, "\n".join(parts)))


def _row(cells: Sequence[str]) -> str:
    first = markup.element("th", {"scope": "row"}, cells[0])
    return markup.element(
        "tr", {}, first + "".join(markup.element("td", {}, cell) for cell in cells[1:])
    )


def scrolling(name: str, content: str) -> str:
    """Content that may be wider than the page: a keyboard reaches and scrolls it."""
    about = {"class": "scroll", "role": "region", "aria-label": name, "tabindex": "0"}
    return markup.element("div", about, content)


def items(every: Iterable[str]) -> str:
    """A list, of markup."""
    return markup.element("ul", {}, "".join(markup.element("li", {}, item) for item in every))
