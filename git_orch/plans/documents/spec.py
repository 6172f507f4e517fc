"""The spec of a plan as Markdown, and back.

A step is an item of the list below Implementation Steps: its title, a block of YAML with the fields
that Markdown has no words for, and prose, which is its prompt (of a command or of files: why the step
is done). What cannot be prose byte for byte is in the block.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from git_orch.plans import plan_document
from git_orch.plans.document import Document
from git_orch.plans.documents import checklist, sections
from git_orch.plans.documents.sections import Item, Section
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.plan import Plan, Requirement, Spec, Step

OBJECTIVE = "Objective"
APPROACH = "Approach"
DESIGN = "Technical Design"
STEPS = "Implementation Steps"
CRITERIA = "Acceptance Criteria"
REQUIREMENTS = "Requirements"
HEADINGS = (OBJECTIVE, APPROACH, DESIGN, STEPS, CRITERIA, REQUIREMENTS)
PROSE = {"objective": OBJECTIVE, "approach": APPROACH, "design": DESIGN}

_BLOCK = re.compile(r"(?P<fence>`{3,})ya?ml[ \t]*\n(?P<yaml>.*?)^(?P=fence)[ \t]*$", re.S | re.M)
_REQUIREMENT = re.compile(r"\*\*([A-Za-z0-9._-]+)\*\*[ \t]*:[ \t]+(.*)")
_NUMBER = re.compile(r"\A[0-9]+(?=[.)])")
_RUN = re.compile("`+")
_WHY_IN_PROSE = frozenset(("run", "files"))


class Malformed(Exception):
    """A step that cannot be read: its title, and what is wrong."""

    def __init__(self, step: str, problem: str) -> None:
        super().__init__(problem)
        self.step = step
        self.problem = problem


class Text(NamedTuple):
    """What a spec says: its prose by the field of a plan file, its steps and requirements as documents
    of a plan file, and its criteria.
    """

    prose: Mapping[str, str]
    steps: tuple[Document, ...]
    criteria: tuple[str, ...]
    requirements: tuple[Document, ...] = ()


def body(plan: Plan, ticked: Collection[str] = ()) -> str:
    """The body of a spec's file; the boxes of steps and criteria in `ticked` (IDs) are ticked."""
    spec = plan.spec or Spec()
    texts = {OBJECTIVE: plan.objective, APPROACH: spec.approach, DESIGN: spec.design}
    parts = [f"## {name}\n\n{_prose(text)}" for name, text in texts.items()]
    steps = [
        step_item(step, number, is_done=step.id in ticked)
        for number, step in enumerate(plan.steps, start=1)
    ]
    parts.append(f"## {STEPS}\n\n" + "\n".join(steps))
    criteria = [
        criterion_item(text, is_done=_criterion_id(text) in ticked) for text in spec.criteria
    ]
    parts.append(f"## {CRITERIA}\n\n" + "".join(criteria))
    if spec.requirements:
        parts.append(
            f"## {REQUIREMENTS}\n\n" + "\n".join(map(_requirement_item, spec.requirements))
        )
    return "\n".join(parts)


def _prose(text: str) -> str:
    shown = sections.escaped(text, HEADINGS)
    return f"{shown}\n" if shown else ""


def step_item(step: Step, number: int, *, is_done: bool) -> str:
    """The item of one step."""
    document = plan_document.step_document(step)
    document.pop("title")
    field = _prose_field(step.kind)
    prose = document.get(field)
    if isinstance(prose, str) and _can_be_prose(prose):
        document.pop(field)
    else:
        prose = None
    below = _yaml_block(document) + (f"\n{prose}\n" if prose else "")
    title = " ".join(step.title.split())
    return f"{number}. [{'x' if is_done else ' '}] {title}\n\n{_indented(below)}"


def criterion_item(text: str, *, is_done: bool = False) -> str:
    """The item of one criterion."""
    first, *rest = text.strip().split("\n")
    return f"- [{'x' if is_done else ' '}] {first.strip()}\n" + _indented(
        "\n".join(rest) + "\n" if rest else ""
    )


def _requirement_item(requirement: Requirement) -> str:
    """The item of one requirement: its ID and its text, and a block with the rest."""
    document = plan_document.requirement_document(requirement)
    fields = {name: value for name, value in document.items() if name not in ("id", "text")}
    text = " ".join(requirement.text.split())
    if text != requirement.text:  # white space that Markdown does not keep
        fields = {"text": requirement.text, **fields}
    below = _indented(_yaml_block(fields)) if fields else ""
    return f"- **{requirement.id}**: {text}\n" + (f"\n{below}" if below else "")


def _yaml_block(fields: Document) -> str:
    from git_orch.plans.file import emitter

    block = emitter.document_yaml(fields)
    fence = "`" * max(3, *(len(run) + 1 for run in _RUN.findall(block)), 3)
    return f"{fence}yaml\n{block}{fence}\n"


def _indented(text: str) -> str:
    return "".join(f"   {line}\n" if line.strip() else "\n" for line in text.split("\n")[:-1])


def _prose_field(kind: object) -> str:
    return "why" if kind in _WHY_IN_PROSE else "prompt"


def _can_be_prose(text: str) -> bool:
    """Whether a text comes back from an item byte for byte."""
    rows = text.split("\n")
    blank_ends = not rows[0].strip() or not rows[-1].strip()
    return not blank_ends and "\r" not in text and all(row.strip() or not row for row in rows)


def read(text: str, start: int = 0) -> Text:
    """The spec in a file whose body begins at `start`. Raises Malformed."""
    parts = sections.read(text, HEADINGS, start)
    prose = {
        name: sections.prose(text, parts.get(heading), HEADINGS) for name, heading in PROSE.items()
    }
    steps = tuple(step_document(item) for item in sections.items(text, parts.get(STEPS)))
    criteria = [_criterion(item) for item in sections.items(text, parts.get(CRITERIA))]
    requirements = tuple(map(requirement_document, _requirement_items(text, parts)))
    return Text(prose, steps, tuple(text for text in criteria if text.strip()), requirements)


def _requirement_items(text: str, parts: Mapping[str, sections.Section]) -> list[Item]:
    """The items of the section of requirements; none where it is a text of somebody's own, in which
    no item has an ID.
    """
    items = sections.items(text, parts.get(REQUIREMENTS))
    return items if any(_REQUIREMENT.fullmatch(item.title) for item in items) else []


def requirement_document(item: Item) -> Document:
    """The requirement of an item, as a plan file has it. Raises Malformed."""
    match = _REQUIREMENT.fullmatch(item.title)
    if match is None:
        raise Malformed(item.title, "a requirement begins with its ID: '**R1**: what has to hold'")
    document, prose = _block(item)
    words = [match[2], *(line.strip() for line in prose.split("\n"))]
    return {"id": match[1], "text": " ".join(filter(None, words)), **document}


def line_of_step(text: str, title: str) -> int:
    """The line of a file in which a step begins; 1 where it has no such step."""
    steps = sections.items(text, sections.read(text, HEADINGS).get(STEPS))
    starts = (item.start for item in steps if item.title == title)
    return text.count("\n", 0, next(starts, 0)) + 1


def ticks(text: str, start: int = 0) -> dict[str, bool]:
    """Whether each box is ticked, by the ID of its step or criterion; by the title of a step that has
    no ID in the file. Raises Malformed.
    """
    parts = sections.read(text, HEADINGS, start)
    steps = sections.items(text, parts.get(STEPS))
    named = [(str(step_document(item).get("id") or item.title), item) for item in steps]
    criteria = sections.items(text, parts.get(CRITERIA))
    named += [(_criterion_id(_criterion(item)), item) for item in criteria]
    return {name: item.is_done for name, item in named if item.tick is not None}


def _criterion(item: Item) -> str:
    return "\n".join(filter(None, (item.title, item.below)))


def _criterion_id(text: str) -> str:
    return checklist.text_id("criterion", text)


def step_document(item: Item) -> Document:
    """The step of an item, as a plan file has it; one without a block is manual. Raises Malformed."""
    document, prose = _block(item)
    document = {"title": item.title, **document}
    if not document.keys() & {"kind", "run", "argv", "files", "prompt"}:
        document["kind"] = "manual"
    if prose:
        kind = document.get("kind", "run" if document.keys() & {"run", "argv"} else None)
        field = _prose_field(kind or ("files" if "files" in document else None))
        if field in document:
            raise Malformed(item.title, f"it has '{field}' in its block and text below the block")
        document[field] = prose
    return document


def _block(item: Item) -> tuple[Document, str]:
    """The fields in the block of an item, and its prose: a block comes first, or last."""
    below = item.below
    match = _BLOCK.match(below)
    rest = below[match.end() :] if match is not None else below
    if match is None:
        last = re.search(r"^`{3,}ya?ml[ \t]*$", below, re.MULTILINE)
        match = _BLOCK.fullmatch(below, last.start()) if last is not None else None
        rest = below[: match.start()] if match is not None else below
    if match is None:
        return {}, rest.strip("\n")
    try:
        from git_orch.plans.file import source

        read = source.read(match["yaml"], "block")
    except PlanFileError as wrong:
        raise Malformed(item.title, wrong.findings[0].message) from wrong
    if read.findings:
        raise Malformed(item.title, read.findings[0].message)
    if not isinstance(read.value, dict):
        raise Malformed(item.title, "its block needs lines 'field: value'")
    fields = {name: value for name, value in read.value.items() if value is not None}
    if "title" in fields:
        raise Malformed(item.title, "its block has a 'title': the title is the text of the item")
    return fields, rest.strip("\n")


def updated(text: str, start: int, fresh: str, fresh_start: int) -> str:
    """The file `text` saying what the file `fresh` says. Sections and items that say it already stay
    byte for byte, and so does everything outside of them.
    """
    old, new = sections.read(text, HEADINGS, start), sections.read(fresh, HEADINGS, fresh_start)
    newline = "\r\n" if "\r\n" in text else "\n"
    edits: list[tuple[int, int, str]] = []
    added = ""
    for heading in HEADINGS:
        there, here = old.get(heading), new.get(heading, Section(len(fresh), len(fresh)))
        if heading == REQUIREMENTS and heading not in new:
            gone = there if there is not None and _requirement_items(text, old) else None
            edits += [] if gone is None else [(gone.start, gone.end, newline)]
            continue
        content = fresh[here.start : here.end]
        if there is None:
            if content.strip():
                added += f"\n## {heading}\n{content}"
        elif heading in _MEANINGS:
            items = sections.items(text, there), sections.items(fresh, here)
            meaning = _MEANINGS[heading]
            edits += _item_edits(text, there, fresh, items, meaning, newline)
        elif sections.prose(text, there, HEADINGS) != sections.prose(fresh, here, HEADINGS):
            edits.append((there.start, there.end, content.replace("\n", newline)))
    if added:
        edits.append((len(text), len(text), added.replace("\n", newline)))
    for begin, end, put in sorted(edits, reverse=True):
        text = text[:begin] + put + text[end:]
    return text


def _item_edits(
    text: str,
    section: sections.Section,
    fresh: str,
    items: tuple[Sequence[Item], Sequence[Item]],
    meaning: Callable[[Item], str],
    newline: str,
) -> list[tuple[int, int, str]]:
    old, new = items
    if [meaning(item) for item in old] == [meaning(item) for item in new]:
        return [
            (item.box, item.box + 1, to.tick or " ")
            for item, to in zip(old, new, strict=True)
            if item.tick is not None and to.is_done is not item.is_done
        ]
    by_meaning = {meaning(item): item for item in old}
    parts: list[str] = []
    for item in new:
        same = by_meaning.get(meaning(item))
        if same is None:
            parts.append(fresh[item.start : item.end].strip("\n").replace("\n", newline))
            continue
        shown = text[same.start : same.end]
        if same.tick is not None and item.is_done is not same.is_done:
            box = same.box - same.start
            shown = f"{shown[:box]}{item.tick or ' '}{shown[box + 1 :]}"
        parts.append(_numbered(shown, fresh[item.start : item.end]).strip("\r\n"))
    begin = old[0].start if old else section.end
    end = old[-1].end if old else section.end
    between = newline if any("```" in part for part in parts) else ""
    joined = (newline + between).join(parts) + newline if parts else ""
    return [(begin, end, joined + (newline if end < len(text) else ""))]


def _numbered(shown: str, fresh: str) -> str:
    """An item with the number of a fresh one."""
    number = _NUMBER.match(fresh)
    return shown if number is None else _NUMBER.sub(number[0], shown)


def _step_meaning(item: Item) -> str:
    """What the step of an item is, as one text to compare it by: a comment in its block, the order of
    fields and their quotes say nothing of that.
    """
    return _meaning(item, step_document)


def _requirement_meaning(item: Item) -> str:
    """What the requirement of an item is, as one text to compare it by."""
    return _meaning(item, requirement_document)


def _meaning(item: Item, document_of: Callable[[Item], Document]) -> str:
    try:
        return json.dumps(document_of(item), sort_keys=True)
    except Malformed:
        return _words(item)


def _words(item: Item) -> str:
    """All that an item says, as one text to compare it by."""
    return f"{item.title}\n{item.below}"


# How two items of a list are compared, by the heading above it.
_MEANINGS: Mapping[str, Callable[[Item], str]] = {
    STEPS: _step_meaning,
    CRITERIA: _words,
    REQUIREMENTS: _requirement_meaning,
}
