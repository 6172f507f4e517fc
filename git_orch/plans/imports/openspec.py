"""A change of OpenSpec: tasks.md with numbered groups, proposal.md, design.md, and the specs."""

from __future__ import annotations

import re

from git_orch.plans.imports import checklist, outline, task
from git_orch.plans.imports.outline import Outline
from git_orch.plans.imports.task import Files, Reading, Task

TOOL = "a change of OpenSpec"
_NUMBERED = re.compile(r"\**([0-9]{1,4}(?:\.[0-9]{1,4}[a-z]?)+)\.?\**[:.)]?\s+(.+)")
_GROUP = re.compile(r"([0-9]{1,4})[.)]?\s+\S")
_DELTA = re.compile(r"(added|modified|removed|renamed) requirements", re.IGNORECASE)
_REQUIREMENT = re.compile(r"requirement:\s*(.+)", re.IGNORECASE)
_MOST_CRITERIA = 200


def is_meant(files: Files, text: Outline) -> bool:
    """Whether half of the boxes have numbers such as 1.2, or there is a proposal beside them."""
    numbered = sum(_NUMBERED.fullmatch(item.text) is not None for item in text.items)
    return "proposal.md" in files.beside or (numbered > 0 and 2 * numbered >= len(text.items))


def read(files: Files, text: Outline) -> Reading:
    """The tasks of a change, each after the one before it."""
    reading = Reading(TOOL, _title(files), notes=checklist.odd_marks(text))
    open_before: tuple[str, ...] = ()
    parents = {item.parent for item in text.items}
    names: list[str] = []
    for place, item in enumerate(text.items):
        match = _NUMBERED.fullmatch(item.text)
        name = match[1] if match is not None else f"line {item.line}"
        if name in names:
            reading.notes.append(f"line {item.line}: another task has the number {name}")
            name = f"line {item.line}"
        groups = [match[1] for one in item.headings if (match := _GROUP.match(one))]
        reading.tasks.append(
            Task(
                id=name,
                title=item.text,
                text=checklist.text_of(item),
                follows=open_before,
                parent=names[item.parent] if item.parent >= 0 else "",
                done=item.ticked,
                parts=(*groups, *item.headings),
            )
        )
        names.append(name)
        if not item.ticked and place not in parents:
            open_before = (name,)
    _read_beside(reading, files)
    return reading


def _title(files: Files) -> str:
    heading = outline.first_heading(files.beside.get("proposal.md", ""))
    named = re.sub(r"^(?:change|proposal|change proposal)\s*:\s*", "", heading, flags=re.IGNORECASE)
    is_section = named.casefold() in ("", "why", "what changes", "proposal", "summary", "intent")
    return files.stem if is_section else named


def _read_beside(reading: Reading, files: Files) -> None:
    proposal = files.beside.get("proposal.md", "")
    reading.objective = task.clean(outline.section(proposal, "Why"))
    reading.approach = task.clean(outline.section(proposal, "What Changes"))
    reading.design = task.clean(files.beside.get("design.md", ""))
    criteria: list[str] = []
    for name in sorted(files.beside):
        if name.startswith("specs/"):
            criteria += _requirements(files.beside[name])
    if len(criteria) > _MOST_CRITERIA:
        more = len(criteria) - _MOST_CRITERIA
        reading.notes.append(f"{more} more requirements of its specs are left out")
    reading.criteria = tuple(dict.fromkeys(criteria[:_MOST_CRITERIA]))


def _requirements(spec: str) -> list[str]:
    """The requirements that a spec adds, changes or removes, each on a line."""
    deed = ""
    lines: list[str] = []
    for line in outline.read(spec).lines:
        names = [match for one in line.headings if (match := _REQUIREMENT.match(one))]
        deltas = [match for one in line.headings if (match := _DELTA.match(one))]
        deed = deltas[0][1].casefold() if deltas else ""
        mark = "" if deed in ("", "added") else f"{deed}: "
        if names and not any(text.startswith(f"{mark}{names[0][1]}: ") for text in lines[-1:]):
            lines.append(task.line(f"{mark}{names[0][1]}: {line.text}"))
    return lines
