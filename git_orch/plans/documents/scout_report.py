"""The checklist of a plan as a Markdown file, and what people changed in it.

An item is a box with its ID in a comment: `- [x] Add the form <!-- s2 -->`. A box without an ID is
a task that somebody added.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from git_orch.plans import one_line, sentences
from git_orch.plans.documents import (
    front_matter,
    markdown,
    names,
    sections,
    task_groups,
    templates,
)
from git_orch.plans.documents.checklist import Item
from git_orch.plans.documents.task_groups import GROUPS, Group
from git_orch.plans.history.status import Status

GONE = "No longer in the plan"
_BOX = re.compile(r"\s*(?:[-*+]|[0-9]{1,9}[.)])[ \t]+\[([ xX])\][ \t]+(?=\S)")
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Line(NamedTuple):
    """A box of a report: its place in the text, its item ("" for a new one), and what it says.
    `lead` is what stands before the text, `section` the heading above.
    """

    start: int
    end: int
    item: str
    text: str
    ticked: bool
    section: str
    lead: str

    @property
    def group(self) -> Group | None:
        """The group that its section names."""
        return task_groups.named(self.section)


class Added(NamedTuple):
    """A task that stands in a report and not in the checklist."""

    text: str
    group: Group | None
    ticked: bool


class Changes(NamedTuple):
    """What a person changed in a report: IDs of items, and new tasks."""

    ticked: tuple[str, ...] = ()
    unticked: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added: tuple[Added, ...] = ()
    restored: tuple[str, ...] = ()  # that somebody had taken off the list


def fields(status: Status, items: Iterable[Item]) -> dict[str, str]:
    """The front matter of a report."""
    present = [item for item in items if not item.gone]
    ticked = sum(item.ticked for item in present)
    return {
        "id": names.report_id(status.id),
        "spec": names.spec_id(status.id),
        "plan_id": status.id,
        "title": status.plan.title,
        "owner": status.owner,
        "created": markdown.created(status),
        "status": f"{ticked} of {sentences.count(len(present), 'task')} done",
    }


def text(status: Status, items: Sequence[Item]) -> str:
    """The file of a checklist."""
    parts: list[str] = []
    for group in GROUPS:
        rows = [row(item) for item in items if item.group == group and not item.gone]
        parts += [f"\n## {group}\n\n{''.join(rows)}"] if rows else []
    gone = "".join(row(item) for item in items if item.gone)
    parts += [f"\n## {GONE}\n\n{gone}"] if gone else []
    return front_matter.render(fields(status, items)) + "".join(parts)


def row(item: Item) -> str:
    """The line of an item."""
    return f"- [{'x' if item.ticked else ' '}] {shown(item)} <!-- {item.id} -->\n"


def shown(item: Item) -> str:
    """The text of an item in one line; that of one that is gone is struck out."""
    words = one_line.of(item.text).replace("<!--", "<! --").strip() or item.id
    return f"~~{words}~~" if item.gone else words


def read(report: str) -> list[Line]:
    """The boxes of a report, from top to bottom. What stands in a block of code is no box. Raises
    front_matter.Malformed.
    """
    boxes: list[Line] = []
    section = fence = ""
    begun = 0
    for at, line in sections.lines(report, templates.body_start(report)):
        marks = _FENCE.match(line)
        if fence:
            fence = "" if marks is not None and marks[1].startswith(fence) else fence
        elif marks is not None:
            fence, begun = marks[1], at
        elif line.startswith("#"):
            section = line.lstrip("#").strip()
        else:
            match = _BOX.match(line)
            if match is not None:
                boxes.append(_box(at, line, match, section))
    if fence:
        line_number = report.count("\n", 0, begun) + 1
        raise front_matter.Malformed(line_number, "the block of code has no end")
    return boxes


def _box(at: int, line: str, match: re.Match[str], section: str) -> Line:
    text, name = line[match.end() :].rstrip(), ""
    if text.endswith("-->") and "<!--" in text:
        before, _, comment = text.rpartition("<!--")
        named = comment[: -len("-->")].strip()
        if _NAME.fullmatch(named):
            text, name = before.rstrip(), named
    return Line(at, at + len(line), name, text, match[1] != " ", section, match[0])


def changes(
    base: str | None, report: str, items: Sequence[Item], taken_off: Collection[str] = ()
) -> Changes:
    """What a person changed in a report since the last export, beside what the checklist says now.
    `taken_off` are the IDs of tasks that a person took off the list. Without an export only what
    they ticked and added counts. Raises front_matter.Malformed.
    """
    old = {line.item: line for line in read(base or "") if line.item}
    lines = read(report)
    there = {line.item for line in lines if line.item}
    now = {item.id: item for item in items}
    ticked: list[str] = []
    unticked: list[str] = []
    for line in lines:
        item, before = now.get(line.item), old.get(line.item)
        was_ticked = before.ticked if before is not None else False
        if item is None or line.ticked in (was_ticked, item.ticked):
            continue
        (ticked if line.ticked else unticked).append(line.item)
    removed = [name for name in old if name in now and name not in there] if there else []
    restored = [
        line.item
        for line in lines
        if line.item in taken_off and line.item not in old and not _is_struck(line.text)
    ]
    texts = {_words(shown(item)) for item in items}
    added = {
        _words(line.text): Added(one_line.of(line.text), line.group, line.ticked)
        for line in lines
        if not line.item and _words(line.text) not in texts
    }
    return Changes(
        tuple(dict.fromkeys(ticked)),
        tuple(dict.fromkeys(unticked)),
        tuple(removed),
        tuple(added.values()),
        tuple(dict.fromkeys(restored)),
    )


def updated(
    report: str,
    base: str | None,
    items: Sequence[Item],
    fields: Mapping[str, str],
    became: Mapping[str, str],
) -> str:
    """The report saying what the checklist says. A text that a person wrote anew stays, and so does
    every line that is no box of an item. `became` has the IDs of added tasks by their texts. Raises
    front_matter.Malformed.
    """
    report = front_matter.update(report, fields)
    old = {line.item: line.text for line in read(base or "") if line.item}
    now = {item.id: item for item in items}
    by_text = {_words(shown(item)): item for item in items}
    edits: list[tuple[int, int, str]] = []
    ends: dict[str, int] = {}  # where the last box of a section ends
    seen: set[str] = set()
    for line in read(report):
        ends[line.group or line.section] = line.end
        name = line.item or became.get(one_line.of(line.text), "")
        item = now.get(name) if name else by_text.get(_words(line.text))
        if item is not None and item.id not in seen:
            seen.add(item.id)
            edits.append((line.start, line.end, _updated_line(line, item, old.get(item.id))))
        elif item is None and line.item in old:
            struck = f"{line.lead}~~{_unmarked(line.text)}~~ <!-- {line.item} -->"
            edits.append((line.start, line.end, struck))
    missing = [item for item in items if item.id not in seen]
    edits += _new_rows(report, missing, ends, front_matter.newline_of(report))
    for start, end, put in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        report = report[:start] + put + report[end:]
    return report


def _updated_line(line: Line, item: Item, old: str | None) -> str:
    is_ours = not line.item or (old is not None and _unmarked(line.text) == _unmarked(old))
    text = shown(item) if is_ours else line.text
    if not is_ours and line.text.startswith("~~") is not item.gone:
        text = f"~~{line.text}~~" if item.gone else _unmarked(line.text)
    lead = line.lead
    if line.ticked is not item.ticked:
        before, _, after = lead.rpartition("[")
        lead = f"{before}[{'x' if item.ticked else ' '}{after[1:]}"
    return f"{lead}{text} <!-- {item.id} -->"


def _new_rows(
    report: str, items: Sequence[Item], ends: Mapping[str, int], newline: str
) -> list[tuple[int, int, str]]:
    """The rows of items that the report does not have: below the last one of their group, else in a
    section of their own at the end.
    """
    edits: list[tuple[int, int, str]] = []
    last = "" if report.endswith("\n") or not report else newline
    for section in (*GROUPS, GONE):
        of_section = [item for item in items if (GONE if item.gone else item.group) == section]
        rows = [row(item).rstrip("\n") for item in of_section]
        if rows and section in ends:
            at = ends[section]
            edits.append((at, at, "".join(f"{newline}{line}" for line in rows)))
        elif rows:
            last += newline.join(["", f"## {section}", "", *rows, ""])
    if last.strip():
        edits.append((len(report), len(report), last))
    return edits


def _is_struck(text: str) -> bool:
    return len(text) > 4 and text.startswith("~~") and text.endswith("~~")


def _unmarked(text: str) -> str:
    return text[2:-2] if _is_struck(text) else text


def _words(text: str) -> str:
    return " ".join(_unmarked(text).split()).casefold()
