"""The tasks.md of spec-kit: phases, `- [ ] T012 [P] [US1] Text`, and dependencies in prose.

A phase waits for the phases before it, and phases of user stories only for those before the first
story. In a phase a task waits for the task before it; tasks marked [P] wait only for the last one
without the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from git_orch.plans import sentences
from git_orch.plans.imports import checklist, outline, prose, task
from git_orch.plans.imports.outline import Item, Line, Outline
from git_orch.plans.imports.task import Files, Reading, Task

TOOL = "tasks of spec-kit"
_TASK = re.compile(
    rf"((?:\[[^\]]{{1,20}}\]\s*)*)\**({prose.ID})\b\**[:.]?\s*((?:\[[^\]]{{1,20}}\]\s*)*)(.*)"
)
_TAG = re.compile(r"\[([^\]]+)\]")
_STORY = re.compile(r"US-?[0-9]+", re.IGNORECASE)
_STORY_HEADING = re.compile(r"\buser stor(?:y|ies)\b|\bUS[0-9]+\b", re.IGNORECASE)
_PHASE = re.compile(r"(Phase\s+[\w.]+)", re.IGNORECASE)
_ORDER = re.compile(r"depend|execution order", re.IGNORECASE)
_NO_TASKS = re.compile(
    r"checklist|validation|depend|execution order|parallel|notes\b", re.IGNORECASE
)
_ABOUT = re.compile(r"\**(goal|independent test|purpose)\**\s*:?\**\s*:?\s*(.+)", re.IGNORECASE)
_TITLE = re.compile(r"^(?:tasks?|task list)\s*:\s*", re.IGNORECASE)
_REQUIREMENT = re.compile(r"\s*[-*]\s+\**((?:FR|NFR|SC)-[0-9]+\w*)\**\s*:?\**\s*:?\s*(.+)")
_PHASES = re.compile(r"\bphases?\b|\bstor(?:y|ies)\b", re.IGNORECASE)  # their order is clear
_CLAUSE = re.compile(r"(?<=[.;])\s+")
_BULLET = re.compile(r"[-*+>|]|[0-9]+[.)]")
_MOST_CRITERIA = 200


def is_meant(text: Outline) -> bool:
    """Whether half of the boxes begin with an ID such as T012."""
    numbered = sum(_TASK.fullmatch(item.text) is not None for item in text.items)
    return numbered > 0 and 2 * numbered >= len(_listed(text))


def read(files: Files, text: Outline) -> Reading:
    """The tasks of a tasks.md."""
    heading = outline.first_heading(files.text[outline.body_start(files.text) :])
    reading = Reading(TOOL, _TITLE.sub("", heading) or files.stem, notes=checklist.odd_marks(text))
    reader = _Reader(reading, text)
    reader.read_tasks()
    reader.read_order()
    reading.tasks = [*reader.tasks.values(), *reader.twice]
    _read_beside(reading, files)
    return reading


def _listed(text: Outline) -> list[Item]:
    """The boxes that are tasks, and not the checklist of whoever wrote them."""
    return [item for item in text.items if not _is_checklist(item)]


def _is_checklist(item: Item) -> bool:
    below = item.headings[-1] if item.headings else ""
    return _TASK.fullmatch(item.text) is None and bool(_NO_TASKS.search(below))


@dataclass(slots=True)
class _Phase:
    """A phase: whether it is one of a user story, the phases that it waits for, and its tasks."""

    is_story: bool
    first: list[str] = field(default_factory=list)  # what its first tasks wait for
    barrier: list[str] = field(default_factory=list)  # the last tasks without [P]
    beside: list[str] = field(default_factory=list)  # the tasks with [P] since

    def add(self, name: str, *, parallel: bool) -> tuple[str, ...]:
        """Put a task into the phase; gives the tasks that it comes after."""
        before = self.barrier or self.first
        if parallel:
            self.beside.append(name)
            return tuple(before)
        after = tuple(self.beside or before)
        self.barrier, self.beside = [name], []
        return after

    def ends(self) -> list[str]:
        """The tasks that a later phase waits for."""
        return self.beside or self.barrier or self.first


@dataclass(slots=True)
class _Reader:
    reading: Reading
    text: Outline
    tasks: dict[str, Task] = field(default_factory=dict)
    twice: list[Task] = field(default_factory=list)
    _phases: list[_Phase] = field(default_factory=list)
    _now: tuple[str, ...] | None = None

    def read_tasks(self) -> None:
        """Read the boxes."""
        about = _about(self.text)
        there = {match[2] for item in self.text.items if (match := _TASK.fullmatch(item.text))}
        for item in _listed(self.text):
            made = self._task(item, about, there)
            if made.id in self.tasks:
                self.twice.append(made)
            else:
                self.tasks[made.id] = made
        others = len(self.text.items) - len(_listed(self.text))
        if others:
            boxes = "1 box" if others == 1 else f"{others} boxes"
            verb = sentences.verb(others, "is", "are")
            self.reading.notes.append(f"{boxes} of a checklist about the tasks {verb} left out")

    def _task(self, item: Item, about: dict[str, str], there: set[str]) -> Task:
        match = _TASK.fullmatch(item.text)
        text = match[4] if match is not None else item.text
        name = match[2] if match is not None else f"line {item.line}"
        tags = _TAG.findall(match[1] + match[3]) if match is not None else []
        phase = self._phase(item)
        whole = " ".join([item.text, *item.more])
        done = item.ticked
        stories = [tag for tag in tags if _STORY.fullmatch(tag)]
        return Task(
            id=name,
            title=f"{name} {text}" if match is not None else text,
            text=task.paragraphs(
                checklist.text_of(item), *(about[one] for one in item.headings if one in about)
            ),
            needs=tuple(prose.needs(whole, there)),
            follows=() if done else phase.add(name, parallel="P" in (tag.upper() for tag in tags)),
            done=done,
            parts=(*stories, *_phase_names(item), *item.headings),
        )

    def _phase(self, item: Item) -> _Phase:
        """The phase of a box, begun where it is the first of it."""
        depth = next((n for n, one in enumerate(item.headings) if _PHASE.match(one)), None)
        now = item.headings[: depth + 1] if depth is not None else item.headings[:2]
        if now != self._now or not self._phases:
            self._now = now
            is_story = bool(now and _STORY_HEADING.search(now[-1]))
            self._phases.append(_Phase(is_story, self._before(is_story=is_story)))
        return self._phases[-1]

    def _before(self, *, is_story: bool) -> list[str]:
        """What the first tasks of a new phase wait for."""
        names: list[str] = []
        for phase in reversed(self._phases):
            if is_story and phase.is_story:
                continue
            if phase.is_story or not names:
                names += phase.ends()
            if not phase.is_story:
                break
        return [*dict.fromkeys(names)]

    def read_order(self) -> None:
        """Read what tasks block, and the lines about their order."""
        for item in _listed(self.text):
            match = _TASK.fullmatch(item.text)
            for late in prose.blocks(" ".join([item.text, *item.more]), self.tasks):
                if match is not None and late in self.tasks:
                    self._link(late, match[2])
        about_order = [one for one in self.text.lines if any(map(_ORDER.search, one.headings))]
        for line in _joined(about_order):
            if prose.mentions(line.text):
                self._read_line(line)

    def _read_line(self, line: Line) -> None:
        short = task.title(line.text, "")
        clauses = [prose.links(part, self.tasks) for part in _CLAUSE.split(line.text)]
        links = [link for clause in clauses for link in clause or ()]
        if not links:
            if prose.may_link(line.text) and not _PHASES.search(line.text):
                self.reading.notes.append(f"line {line.number} is not understood: {short}")
            return
        for late, need in links:
            if late == need:
                continue
            missing = [name for name in (late, need) if name not in self.tasks]
            if missing:
                self.reading.notes.append(
                    f"line {line.number} names no task of this file: {missing[0]}"
                )
            elif self._waits(need, late):
                self.reading.notes.append(
                    f"line {line.number} is left out: {late} and {need} would wait for each other"
                )
            else:
                self._link(late, need)

    def _link(self, late: str, need: str) -> None:
        old = self.tasks[late]
        if need != late and need not in old.needs:
            self.tasks[late] = replace(old, needs=(*old.needs, need))

    def _waits(self, start: str, goal: str) -> bool:
        """Whether a task needs another, directly or through others."""
        seen, waiting = {start}, [start]
        while waiting:
            name = waiting.pop()
            if name == goal:
                return True
            new = [
                need for need in self.tasks[name].needs if need in self.tasks and need not in seen
            ]
            seen.update(new)
            waiting += new
        return False


def _joined(lines: list[Line]) -> Iterator[Line]:
    """The lines, each with those that go on with it."""
    held: list[Line] = []
    for line in lines:
        goes_on = held and line.number == held[-1].number + 1 and not _BULLET.match(line.text)
        if held and not (goes_on and not line.in_code):
            yield held[0]._replace(text=" ".join(one.text for one in held))
            held = []
        held.append(line)
    if held:
        yield held[0]._replace(text=" ".join(one.text for one in held))


def _phase_names(item: Item) -> list[str]:
    return [match[1] for one in item.headings if (match := _PHASE.match(one))]


def _about(text: Outline) -> dict[str, str]:
    """By the heading of a phase: its goal, its purpose and its test."""
    about: dict[str, list[str]] = {}
    for line in text.lines:
        match = _ABOUT.match(line.text)
        if match is not None and line.headings:
            about.setdefault(line.headings[-1], []).append(f"{match[1].capitalize()}: {match[2]}")
    return {heading: task.clean("\n".join(lines)) for heading, lines in about.items()}


def _read_beside(reading: Reading, files: Files) -> None:
    """Read the requirements of spec.md, and the summary of plan.md."""
    spec = files.beside.get("spec.md", "")
    listed = [match for line in spec.splitlines() if (match := _REQUIREMENT.match(line))]
    reading.criteria = tuple(
        dict.fromkeys(task.line(f"{match[1]}: {match[2]}") for match in listed[:_MOST_CRITERIA])
    )
    reading.approach = task.clean(outline.section(files.beside.get("plan.md", ""), "Summary"))
