"""The tasks.json of Task Master: tags, tasks, subtasks, dependencies, test strategies, states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from git_orch.plans import sentences
from git_orch.plans.imports import json_text, task
from git_orch.plans.imports.task import Files, Reading, Task

TOOL = "tasks of Task Master"
_DONE = frozenset(("done", "completed", "closed"))
_LEFT_OUT = frozenset(("cancelled", "canceled", "deferred"))
_OPEN = frozenset(("", "pending", "open", "todo"))
_DEFAULT = "master"
_MAPPED = frozenset(
    ("id", "title", "description", "details", "status", "dependencies", "subtasks", "testStrategy")
) | {"acceptanceCriteria", "test_strategy", "parentId", "parentTaskId", "updatedAt", "createdAt"}


def tags(value: object) -> dict[str, list[object]] | None:
    """The tasks by their tag ("" before there were tags); None for the value of another file."""
    if not isinstance(value, dict) or "steps" in value:
        return None
    if isinstance(value.get("tasks"), list):
        return {"": value["tasks"]}
    tagged = {
        str(name): one["tasks"]
        for name, one in value.items()
        if isinstance(one, dict) and isinstance(one.get("tasks"), list)
    }
    return tagged or None


def read(files: Files, tagged: Mapping[str, list[object]]) -> tuple[Files, Reading]:
    """The tasks of a tag: the one that was asked for, else the one with open tasks, else `master`.
    The part of the files is what is left to choose. Raises UsageError.
    """
    tag, left = _tag(files, tagged)
    title = files.stem.strip(".") if tag in ("", _DEFAULT) else tag
    reading = Reading(TOOL, f"Tasks of {title}")
    reader = _Reader(files, reading)
    for number, one in enumerate(tagged[tag], start=1):
        reader.add(one, f"task {number}")
    roots = [item for item in reading.tasks if not item.parent and not item.done]
    if len(roots) == 1:
        reading.title = roots[0].title.partition(" ")[2]
    for key, times in sorted(reader.others.items()):
        tasks = sentences.count(times, "task")
        reading.notes.append(f"the field {sentences.quoted(key)} of {tasks} is left out")
    for name, listed in tagged.items():
        count = sum(isinstance(one, dict) and _state(one) not in _DONE for one in listed)
        if name != tag and count:
            tasks = json_text.count(count, "open task")
            reading.notes.append(f"{tasks} of the tag {sentences.quoted(name)} left out (--part)")
    return left, reading


def _tag(files: Files, tagged: Mapping[str, list[object]]) -> tuple[str, Files]:
    """The tag, and the files without it as a part. Raises UsageError for a choice that is a person's."""
    asked = files.part.strip()
    for name in tagged:
        if asked and name.casefold() == asked.casefold():
            return name, Files(files.name, files.text, files.beside)
    active = [
        name
        for name, listed in tagged.items()
        if any(isinstance(one, dict) and _state(one) not in _DONE for one in listed)
    ]
    if len(active) == 1 and not asked:
        return active[0], files
    if _DEFAULT in tagged or len(tagged) == 1:
        return (_DEFAULT if _DEFAULT in tagged else next(iter(tagged))), files
    names = sentences.names([sentences.quoted(name) for name in active or tagged])
    first = (active or [*tagged])[0]
    raise files.error(
        f"it has several tags: {names}", f"git orch plan --from {files.name} --part '{first}'"
    )


def _state(values: Mapping[str, object]) -> str:
    return json_text.name(values, "status").casefold()


@dataclass(slots=True)
class _Reader:
    """Tasks become those of a reading; `others` counts fields that have no place in a plan."""

    files: Files
    reading: Reading
    others: Counter[str] = field(default_factory=Counter)

    def add(self, values: object, what: str) -> None:
        """Add a task and its subtasks. Raises UsageError for one that is none."""
        name, subtasks = self._add_one(values, what, "", frozenset())
        names = {json_text.name(one) for one in subtasks if isinstance(one, dict)}
        for number, one in enumerate(subtasks, start=1):
            what = f"subtask {number} of task {name}"
            _, below = self._add_one(one, what, name, names)
            if below:
                raise self.files.error(f"{what} has subtasks of its own", "repair the file")

    def _add_one(
        self, values: object, what: str, parent: str, siblings: Set[str]
    ) -> tuple[str, list[object]]:
        """Add a task; gives its ID and its subtasks."""
        if not isinstance(values, dict):
            raise self.files.error(f"{what} is no object", "repair the file")
        name = _whole(json_text.require_id(self.files, values, what), parent)
        state = _state(values)
        needs = [_need(need, parent, siblings) for need in _needs(values)]
        self.reading.tasks.append(
            Task(
                id=name,
                title=f"{name} {json_text.text(values, 'title', 'description')}",
                text=_text(values),
                needs=tuple(needs),
                parent=parent,
                done=state in _DONE,
                left_out=f"is {state}" if state in _LEFT_OUT else "",
            )
        )
        if state not in _DONE | _LEFT_OUT | _OPEN:
            note = f"task {sentences.quoted(name)} is '{state}': it begins as open"
            self.reading.notes.append(note)
        empty: tuple[object, ...] = (None, "", [], {})
        self.others.update(key for key in values.keys() - _MAPPED if values[key] not in empty)
        subtasks = values.get("subtasks")
        return name, subtasks if isinstance(subtasks, list) else []


def _whole(own: str, parent: str) -> str:
    """The ID of a task, or of a subtask with that of its task."""
    return own if not parent or own.startswith(f"{parent}.") else f"{parent}.{own}"


def _needs(values: Mapping[str, object]) -> list[str]:
    return json_text.names(values, "dependencies")


def _need(need: str, parent: str, siblings: Set[str]) -> str:
    """The ID that a dependency means: in a subtask a bare number is a subtask beside it."""
    return f"{parent}.{need}" if parent and need in siblings else need


def _text(values: Mapping[str, object]) -> str:
    """What the task says, for whoever does it."""
    test = json_text.text(values, "testStrategy", "test_strategy")
    accepted = json_text.text(values, "acceptanceCriteria")
    return task.paragraphs(
        json_text.text(values, "title"),
        json_text.text(values, "description"),
        json_text.text(values, "details"),
        f"It is accepted when:\n{accepted}" if accepted else "",
        f"How to test it: {test}" if test else "",
    )
