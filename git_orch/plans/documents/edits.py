"""What people changed in the exported files of a plan, beside what became of the plan meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from git_orch.plans import merge
from git_orch.plans.document import Document
from git_orch.plans.documents import boxes, front_matter, spec, templates
from git_orch.plans.merge import Clash, Sides

T = TypeVar("T")
_EDITABLE = ("title", "owner", "status")


class PlanValues(NamedTuple):
    """What a plan's file says."""

    fields: Mapping[str, str]
    body: str


class SpecValues(NamedTuple):
    """What a spec's file says."""

    fields: Mapping[str, str]
    text: spec.Text
    ticks: Mapping[str, bool]


@dataclass(slots=True)
class Edits:
    """New values by field, and the fields that file and plan changed in different ways, for which
    `keep` may name the side that counts; a file is `overruled` where that is the plan.
    """

    keep: str | None = None
    overruled: bool = False
    values: dict[str, object] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)

    def take(self, name: str, merged: Callable[[Sides[T]], T], sides: Sides[T]) -> None:
        """Take the merged value of a field, where it is not the plan's."""
        try:
            new = merged(sides)
        except Clash:
            if self.keep is None:
                self.clashes.append(name)
                return
            new = sides.file if self.keep == "file" else sides.plan
            self.overruled = self.overruled or self.keep == "plan"
        if new == sides.plan:
            return
        if name in self.values and self.values[name] != new:
            self.clashes.append(name)
        self.values[name] = new


def plan_values(text: str) -> PlanValues:
    """Read a plan's file. Raises front_matter.Malformed."""
    front = front_matter.read(text)
    if front is None:
        return PlanValues({}, text.replace("\r\n", "\n"))
    return PlanValues(_fields(front), text[front.body :].replace("\r\n", "\n"))


def spec_values(text: str) -> SpecValues:
    """Read a spec's file. Raises front_matter.Malformed, spec.Malformed."""
    front = front_matter.read(text)
    if front is None:
        return SpecValues({}, spec.read(text), spec.ticks(text))
    ticks = spec.ticks(text, front.body)
    return SpecValues(_fields(front), spec.read(text, front.body), ticks)


def _fields(front: front_matter.FrontMatter) -> dict[str, str]:
    return {name: front.text(name) for name in _EDITABLE if name in front.values}


def of_plan(edits: Edits, sides: Sides[PlanValues], milestones: Mapping[str, str]) -> None:
    """Add the edits of a plan's file. Where its text is not a person's, `milestones` has the IDs of
    the steps by the texts of their boxes, and a tick there is one of the checklist.
    """
    _take_fields(edits, sides, _EDITABLE)
    base = sides.base.body if sides.base else None
    bodies = Sides(base, sides.file.body, sides.plan.body)
    cleared = Sides(
        None if base is None else boxes.cleared(base, milestones),
        boxes.cleared(sides.file.body, milestones),
        boxes.cleared(sides.plan.body, milestones),
    )
    if milestones and cleared.file in (cleared.base, cleared.plan):
        named = (_milestone_ticks(body or "", milestones) for body in bodies)
        _take_ticks(edits, *named)
    else:
        edits.take("body", merge.lines, bodies)


def _milestone_ticks(body: str, milestones: Mapping[str, str]) -> dict[str, bool]:
    return {milestones[box.text]: box.ticked for box in boxes.read(body) if box.text in milestones}


def _take_ticks(
    edits: Edits, base: Mapping[str, bool], file: Mapping[str, bool], plan: Mapping[str, bool]
) -> None:
    """Add the boxes that a person ticked or unticked in a file. A box has two states, so no two sides
    ever change it in different ways.
    """
    ticks = {
        name: ticked
        for name, ticked in file.items()
        if ticked != base.get(name, False) and ticked != plan.get(name, False)
    }
    if ticks:
        edits.values["ticks"] = {**cast("dict[str, bool]", edits.values.get("ticks", {})), **ticks}


def of_spec(edits: Edits, sides: Sides[SpecValues]) -> None:
    """Add the edits of a spec's file."""
    _take_fields(edits, sides, ("title", "owner"))
    base, file, plan = sides.base.text if sides.base else None, sides.file.text, sides.plan.text
    for name in spec.PROSE:
        texts = Sides(base.prose[name] if base else None, file.prose[name], plan.prose[name])
        edits.take(name, merge.lines, texts)
    criteria = Sides(base.criteria if base else None, file.criteria, plan.criteria)
    edits.take("criteria", _criteria, criteria)
    requirements = Sides(base.requirements if base else None, file.requirements, plan.requirements)
    edits.take("requirements", _requirements, requirements)
    steps = Sides(base.steps if base else None, file.steps, plan.steps)
    edits.take("steps", _steps, steps)
    _take_ticks(edits, *_spec_ticks(sides))


def _take_fields(
    edits: Edits, sides: Sides[PlanValues] | Sides[SpecValues], names: Sequence[str]
) -> None:
    base, file, plan = sides.base.fields if sides.base else {}, sides.file.fields, sides.plan.fields
    for name in names:
        if name in file:
            value = Sides(base.get(name), file[name], plan.get(name, ""))
            edits.take(name, merge.value, value)


def _criteria(sides: Sides[tuple[str, ...]]) -> tuple[str, ...]:
    return _entries(sides, lambda text: text, merge.value)


def _entries(
    sides: Sides[tuple[T, ...]], name: Callable[[T], str], merged: Callable[[Sides[T]], T]
) -> tuple[T, ...]:
    """The merged values; where both sides changed them, one by one, by their names."""
    try:
        return merge.value(sides)
    except Clash:
        if sides.base is None:
            raise
    named = [[(name(entry), entry) for entry in side or ()] for side in sides]
    return tuple(merge.entries(Sides(*named), merged))


def _spec_ticks(sides: Sides[SpecValues]) -> Iterator[Mapping[str, bool]]:
    """The boxes of the remembered file, the file and the plan, by the IDs of steps."""
    known = [*(sides.base.text.steps if sides.base is not None else ()), *sides.plan.text.steps]
    by_title = {str(step["title"]): str(step["id"]) for step in known}
    yield sides.base.ticks if sides.base is not None else {}
    yield {by_title.get(name, name): ticked for name, ticked in sides.file.ticks.items()}
    yield sides.plan.ticks


def _requirements(sides: Sides[tuple[Document, ...]]) -> tuple[Document, ...]:
    return _entries(sides, lambda item: str(item.get("id")), merge.fields)


def _steps(sides: Sides[tuple[Document, ...]]) -> tuple[Document, ...]:
    base = sides.base
    file = with_ids(sides.file, base or sides.plan)
    whole = Sides(base, file, sides.plan)
    try:
        return merge.value(whole)
    except Clash:
        if base is None:
            raise
    named = [[(_name(step, at), step) for at, step in enumerate(side or ())] for side in whole]
    return tuple(merge.entries(Sides(*named), merge.fields))


def _name(step: Document, at: int) -> str:
    return str(step.get("id") or f"new {at}: {step.get('title')}")


def with_ids(steps: Sequence[Document], old: Sequence[Document]) -> tuple[Document, ...]:
    """The steps of a file; one without an ID has that of the old step with its title."""
    taken = {step.get("id") for step in steps}
    by_title = {step["title"]: step["id"] for step in old if step.get("id") not in taken}
    named: list[Document] = []
    for step in steps:
        step_id = by_title.pop(step["title"], None) if "id" not in step else None
        named.append({**step, "id": step_id} if step_id is not None else step)
    return tuple(named)


def merged_file(text: str, fresh: str, *, is_spec: bool) -> str:
    """The file `text` saying what the file `fresh` says, byte for byte as it is elsewhere."""
    front = front_matter.read(fresh)
    if front is None:
        return fresh
    fields = {name: front.text(name) for name in front.values}
    updated = front_matter.update(text, fields)
    begin = templates.body_start(updated)
    if is_spec:
        return spec.updated(updated, begin, fresh, front.body)
    body = fresh[front.body :]
    if updated[begin:].replace("\r\n", "\n") == body.replace("\r\n", "\n"):
        return updated
    newline = front_matter.newline_of(text)
    return updated[:begin] + body.replace("\r\n", "\n").replace("\n", newline)
