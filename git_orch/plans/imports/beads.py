"""The issues.jsonl of beads: one issue a line, with dependencies by IDs such as bd-a1b2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from git_orch.plans import sentences
from git_orch.plans.imports import json_text, task
from git_orch.plans.imports.task import Files, Reading, Task

TOOL = "issues of beads"
_DONE = frozenset(("closed", "tombstone", "done"))
_LEFT_OUT = frozenset(("deferred", "pinned", "hooked"))
_WORK = frozenset(("", "task", "bug", "feature", "epic", "chore", "docs", "story", "spike"))
_WORK |= {"refactor", "enhancement", "decision", "milestone"}
_NEEDS = frozenset(("", "blocks", "conditional-blocks", "waits-for"))
_PARENT = "parent-child"
_LAST = 9  # the rank of an issue without a priority
_MARKS = frozenset(("issue_type", "priority", "dependencies", "created_at", "description"))


def is_meant(text: str) -> bool:
    """Whether the first line is the whole of an issue, or of another record of beads."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    value = json_text.value(first)
    if not isinstance(value, dict) or "steps" in value or "tasks" in value:
        return False
    is_issue = {"id", "title", "status"} <= value.keys() and bool(_MARKS & value.keys())
    return is_issue or value.get("_type") in ("issue", "memory")


def read(files: Files) -> Reading:
    """The issues of a file. Raises UsageError for a line that is none."""
    reader = _Reader(files, Reading(TOOL, f"Issues of {files.stem.strip('.')}"))
    for number, line in enumerate(files.text.split("\n"), start=1):
        if line.strip():
            reader.add(json_text.value(line), number)
    reader.finish()
    return reader.reading


@dataclass(slots=True)
class _Reader:
    files: Files
    reading: Reading
    left_out: Counter[str] = field(default_factory=Counter)
    links: Counter[str] = field(default_factory=Counter)
    holders: set[str] = field(default_factory=set)

    def add(self, value: object, number: int) -> None:
        """Add the issue of a line. Raises UsageError for a line that is none."""
        if not isinstance(value, dict):
            hint = "repair the line, or export the issues again"
            raise self.files.error(f"line {number} is no JSON object", hint)
        record = json_text.name(value, "_type") or "issue"
        kind = json_text.name(value, "issue_type").casefold()
        if record != "issue" or kind not in _WORK:
            self.left_out[record if record != "issue" else kind] += 1
            if record != "issue":
                return
        name = json_text.require_id(self.files, value, f"line {number}")
        parent, needs = self._links(value, name)
        if kind == "epic":
            self.holders.add(name)
        state = json_text.name(value, "status").casefold()
        self.reading.tasks.append(
            Task(
                id=name,
                title=f"{name} {json_text.text(value, 'title')}",
                text=_text(value),
                needs=needs,
                parent=parent,
                done=state in _DONE or kind not in _WORK,
                left_out=f"is {state}" if state in _LEFT_OUT else "",
                parts=tuple(json_text.names(value, "labels")),
                rank=(_priority(value), json_text.name(value, "created_at"), name),
            )
        )
        if state in ("in_progress", "blocked"):
            note = f"issue {sentences.quoted(name)} is '{state}': it begins as open"
            self.reading.notes.append(note)

    def _links(self, value: Mapping[str, object], name: str) -> tuple[str, tuple[str, ...]]:
        """The parent of an issue, and the issues that it needs."""
        parent = ""
        needs: list[str] = []
        for link in json_text.objects(value, "dependencies"):
            kind = json_text.name(link, "type").casefold()
            target = json_text.name(link, "depends_on_id")
            if kind == _PARENT:
                parent = parent or target
            elif kind in _NEEDS and target.startswith("external:"):
                self.links["external"] += 1
            elif kind in _NEEDS and target and target != name:
                needs.append(target)
            else:
                self.links[kind or "unnamed"] += 1
        return parent, tuple(dict.fromkeys(needs))

    def finish(self) -> None:
        """Set the title and the notes, and leave out epics that hold nothing."""
        parents = {item.parent for item in self.reading.tasks}
        roots = [item for item in self.reading.tasks if item.id in parents and not item.done]
        if len(roots) == 1:
            self.reading.title = roots[0].title.partition(" ")[2]
        self.reading.tasks = [
            replace(item, left_out="is an epic without issues")
            if item.id in self.holders and item.id not in parents
            else item
            for item in self.reading.tasks
        ]
        for kind, number in sorted(self.left_out.items()):
            records = json_text.count(number, "record")
            self.reading.notes.append(f"{records} of the type {sentences.quoted(kind)} left out")
        for kind, number in sorted(self.links.items()):
            links = json_text.count(number, "link")
            self.reading.notes.append(f"{links} of the type {sentences.quoted(kind)} left out")


def _priority(value: Mapping[str, object]) -> int:
    priority = value.get("priority")
    is_number = isinstance(priority, int) and not isinstance(priority, bool)
    return priority if is_number and isinstance(priority, int) else _LAST


def _text(value: Mapping[str, object]) -> str:
    """What the issue says, for whoever does it."""
    accepted = json_text.text(value, "acceptance_criteria")
    notes = json_text.text(value, "notes")
    return task.paragraphs(
        json_text.text(value, "title"),
        json_text.text(value, "description"),
        json_text.text(value, "design"),
        f"It is accepted when:\n{accepted}" if accepted else "",
        f"Notes: {notes}" if notes else "",
    )
