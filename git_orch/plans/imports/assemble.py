"""A plan of the tasks of another tool: which of them become steps, in which order, after which.

Tasks that are done are left out, and nothing waits for them.
"""

from __future__ import annotations

import difflib
import heapq
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import graph, one_line, sentences
from git_orch.plans.file import schema, source
from git_orch.plans.file.fields import MAX_STEPS
from git_orch.plans.imports import task
from git_orch.plans.imports.task import Files, Reading, Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_orch.plans.plan import Plan

_MOST_PARTS = 8  # that an error lists


class Imported(NamedTuple):
    """The plan, and a line for everything that it leaves out."""

    plan: Plan
    notes: tuple[str, ...]


def plan_of(files: Files, reading: Reading) -> Imported:
    """The plan of what a reader took from files. Raises UsageError."""
    tree = _Tree(files, reading)
    tree.refuse_broken_links()
    chosen = tree.chosen()
    edges = tree.edges(chosen)
    ordered = _ordered(chosen, edges)
    number = {item.id: place for place, item in enumerate(ordered, start=1)}
    steps = [
        {
            "title": task.title(item.title, item.shown or item.id),
            "prompt": task.paragraphs(item.text or item.title, tree.context(item)),
            **_order_of(edges[item.id], number),
        }
        for item in ordered
    ]
    plan = schema.plan_of(source.Source(_document(reading, steps, files), {}, ()), files.name)
    return Imported(plan, (tree.summary(len(steps)), *reading.notes))


def _order_of(needs: Iterable[str], number: dict[str, int]) -> dict[str, object]:
    numbers = sorted(number[need] for need in needs)
    return {"depends_on": [str(place) for place in numbers]} if numbers else {}


def _document(reading: Reading, steps: list[dict[str, object]], files: Files) -> dict[str, object]:
    """The plan as a plan file has it. Raises UsageError for one that nobody could edit."""
    texts = {
        "objective": reading.objective,
        "approach": reading.approach,
        "design": reading.design,
        "criteria": [*reading.criteria],
    }
    document: dict[str, object] = {"title": one_line.of(reading.title), "steps": steps}
    document |= {name: value for name, value in texts.items() if value}
    hint = _part_hint(files)
    if len(steps) > MAX_STEPS:
        raise files.error(f"{len(steps)} open tasks are more than {MAX_STEPS} steps", hint)
    if len(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")) > source.MAX_BYTES:
        cause = f"its open tasks make a plan of more than {source.MAX_BYTES >> 10} KiB"
        raise files.error(cause, hint)
    return document


def _part_hint(files: Files) -> str:
    return f"git orch plan --from {files.name} --part NAME  # a part of it"


@dataclass(slots=True)
class _Tree:
    """The tasks of a file by their IDs, with parents and children."""

    files: Files
    reading: Reading
    by_id: dict[str, Task] = field(init=False)
    children: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        times = Counter(item.id for item in self.reading.tasks)
        for item in self.reading.tasks:
            if times[item.id] > 1:
                raise self.files.error(
                    f"{times[item.id]} tasks have the ID {item.name}",
                    "give each task an ID of its own",
                )
        self.by_id = {item.id: item for item in self.reading.tasks}
        self.children = {}
        for item in self.reading.tasks:
            if item.parent in self.by_id:
                self.children.setdefault(item.parent, []).append(item.id)

    def refuse_broken_links(self) -> None:
        """Raises UsageError for a task that open ones need and that is not there, and for parents
        that are children of their children.
        """
        ring = graph.cycle(
            {
                item.id: [item.parent] if item.parent in self.by_id else []
                for item in self.reading.tasks
            }
        )
        if ring is not None:
            raise self.files.error(
                f"a task is a part of itself: {self._names(ring)}", "take the task out of its part"
            )
        for item in self.reading.tasks:
            if len(self._line(item)) > source.MAX_DEPTH:
                cause = f"task {item.name} is nested deeper than {source.MAX_DEPTH} levels"
                raise self.files.error(cause, "nest the tasks less deep")
            for need in item.needs:
                if need not in self.by_id and self._is_open(item):
                    raise self.files.error(
                        f"task {item.name} waits for {sentences.quoted(need)}, "
                        "and the file has no such task",
                        f"take {sentences.quoted(need)} out of its dependencies",
                    )

    def chosen(self) -> list[Task]:
        """The tasks that become steps. Raises UsageError where none is open."""
        part = self.files.part.strip().casefold()
        leaves = [item for item in self.reading.tasks if item.id not in self.children]
        if part:
            leaves = [item for item in leaves if part in self._parts(item)]
            if not leaves:
                raise self._unknown_part()
        for item in self.reading.tasks:
            below = self.children.get(item.id)
            if below and self._is_open(item) and not any(map(self._has_open, below)):
                self.reading.notes.append(
                    f"task {item.name} is open and all its parts are done: it is left out"
                )
        for item in leaves:
            if item.left_out and not item.done:
                self.reading.notes.append(f"task {item.name} {item.left_out}: it is left out")
        steps = [item for item in leaves if self._is_open(item)]
        if not steps:
            where = f"of {sentences.quoted(self.files.part)} " if part else ""
            cause = f"no task {where}is open" if leaves else "it has no task"
            raise self.files.error(cause, 'git orch plan "what to do next"')
        return steps

    def edges(self, chosen: list[Task]) -> dict[str, set[str]]:
        """By the ID of a step: the IDs of those that it waits for. Raises UsageError for a circle."""
        names = {item.id for item in chosen}
        edges: dict[str, set[str]] = {item.id: set() for item in chosen}
        for item in chosen:
            for holder in self._line(item):
                for need in holder.needs:
                    edges[item.id] |= self._steps_of(need, item, names)
        ring = graph.cycle({name: sorted(needs) for name, needs in edges.items()})
        if ring is not None:
            cause = f"tasks wait for each other: {self._names(ring)}"
            raise self.files.error(cause, "take one of these dependencies out")
        for item in chosen:
            for before in item.follows:
                if before in names and not _reaches(edges, before, item.id):
                    edges[item.id].add(before)
        return edges

    def context(self, item: Task) -> str:
        """What the tasks that a task is a part of say, the nearest first."""
        above = self._line(item)[1:]
        return task.paragraphs(
            *(f"This is a part of: {task.paragraphs(one.title, one.text)}" for one in above)
        )

    def summary(self, steps: int) -> str:
        """How many tasks became steps."""
        leaves = [item for item in self.reading.tasks if item.id not in self.children]
        done = sum(item.done for item in leaves)
        rest = f", {done} done and left out" if done else ""
        return f"read as {self.reading.tool}: {sentences.count(steps, 'open task')}{rest}"

    def _steps_of(self, need: str, item: Task, names: set[str]) -> set[str]:
        """The steps that a task stands for; none for one that holds the task which needs it."""
        line = {one.id for one in self._line(item)}
        if need in line or need not in self.by_id:
            return set()
        leaves = [one for one in self._leaves(need) if one not in line]
        lost = [
            one
            for one in leaves
            if one not in names and self._is_open(self.by_id[one], or_left_out=True)
        ]
        for other in lost[:1]:
            self.reading.notes.append(
                f"task {item.name} waits for {self.by_id[other].name}, which is left out: "
                "it does not wait"
            )
        return {one for one in leaves if one in names}

    def _leaves(self, name: str) -> list[str]:
        leaves: list[str] = []
        waiting = [name]
        while waiting:
            one = waiting.pop()
            below = self.children.get(one, [])
            waiting += reversed(below)
            if not below:
                leaves.append(one)
        return leaves

    def _line(self, item: Task) -> list[Task]:
        """The task, its parent, the parent's parent ... up to one more than may be nested."""
        line = [item]
        while line[-1].parent in self.by_id and len(line) <= source.MAX_DEPTH:
            line.append(self.by_id[line[-1].parent])
        return line

    def _is_open(self, item: Task, *, or_left_out: bool = False) -> bool:
        return not item.done and (or_left_out or not item.left_out)

    def _has_open(self, name: str) -> bool:
        return any(self._is_open(self.by_id[leaf], or_left_out=True) for leaf in self._leaves(name))

    def _parts(self, item: Task) -> set[str]:
        return {
            name.casefold()
            for one in self._line(item)
            for name in (one.id, one.shown, *one.parts)
            if name
        }

    def _unknown_part(self) -> Exception:
        names = [name for item in self.reading.tasks for name in item.parts]
        every = [*dict.fromkeys(filter(None, names))]
        close = difflib.get_close_matches(self.files.part, every, n=1, cutoff=0.3)
        listed = sentences.names([sentences.quoted(name) for name in every], _MOST_PARTS)
        cause = f"it has no part {sentences.quoted(self.files.part)}"
        meant = close or every[:1] or ["NAME"]
        return self.files.error(
            f"{cause}; its parts: {listed}" if every else cause,
            f"git orch plan --from {self.files.name} --part '{meant[0]}'",
        )

    def _names(self, ring: list[str]) -> str:
        return " -> ".join(self.by_id[name].shown or name for name in ring)


def _reaches(edges: dict[str, set[str]], start: str, goal: str) -> bool:
    """Whether one step waits for another, directly or through others."""
    seen = {start}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        waiting += edges[name] - seen
        seen |= edges[name]
    return False


def _ordered(chosen: list[Task], edges: dict[str, set[str]]) -> list[Task]:
    """The steps in the order they run: a step after all it waits for, otherwise by rank and place."""
    place = {item.id: (item.rank, number) for number, item in enumerate(chosen)}
    by_id = {item.id: item for item in chosen}
    left = {name: set(needs) for name, needs in edges.items()}
    followers: dict[str, list[str]] = {}
    for name, needs in edges.items():
        for need in needs:
            followers.setdefault(need, []).append(name)
    ready = [(place[name], name) for name, needs in left.items() if not needs]
    heapq.heapify(ready)
    ordered: list[Task] = []
    while ready:
        _, name = heapq.heappop(ready)
        ordered.append(by_id[name])
        for follower in followers.get(name, ()):
            left[follower].discard(name)
            if not left[follower]:
                heapq.heappush(ready, (place[follower], follower))
    return ordered
