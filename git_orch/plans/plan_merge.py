"""Two texts of a plan that two people made of the same one, as one text: step by step, and in each
step field by field. Where both changed the same in different ways, the later text counts, and the
place has a name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from git_orch.plans import ids, merge, plan_document
from git_orch.plans.document import BadDocument, Document
from git_orch.plans.merge import Sides
from git_orch.plans.plan import Plan

T = TypeVar("T")
ORDER = "order"
_PROSE = frozenset(("objective", "body", "approach", "design", "prompt", "why"))
_LISTS = frozenset(("criteria", "dependencies", "missing"))


class Clash(NamedTuple):
    """A field that two edits changed in different ways: of a step (its ID), or of the plan. A step that
    one of them removed has no field. `other` is the value that does not count, as JSON.
    """

    step: str
    field: str
    other: str = "null"

    @property
    def place(self) -> tuple[str, str]:
        """The step and the field."""
        return self.step, self.field


class Merged(NamedTuple):
    """One text of two, and what they disagree on."""

    plan: Plan
    clashes: tuple[Clash, ...] = ()


def digest(plan: Plan) -> str:
    """The digest of a text, by which an edit names the text that it is an edit of."""
    text = json.dumps(plan_document.to_document(plan), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def merged(base: Plan, first: Plan, later: Plan, used: Collection[str] = ()) -> Merged:
    """The text with the changes that the `first` and the `later` one made to `base`. A new step of the
    later one whose ID the first gave away gets one that nothing of `used` has.
    """
    merger = _Merger()
    documents = [plan_document.to_document(plan) for plan in (base, first, later)]
    steps = [_by_id(document.pop("steps")) for document in documents]
    sides = Sides(steps[0], _renamed(steps, used), steps[1])
    whole = merger.fields(Sides(documents[0], documents[2], documents[1]), "")
    whole["steps"] = merger.steps(sides)
    try:
        return Merged(plan_document.from_document(whole), tuple(merger.clashes))
    except BadDocument:  # such as steps that wait for each other
        return Merged(later, (Clash("", "steps"),))


_Steps = dict[str, Document]


def _by_id(steps: object) -> _Steps:
    return {str(step["id"]): step for step in steps} if isinstance(steps, list) else {}


def _renamed(steps: Sequence[_Steps], used: Collection[str]) -> _Steps:
    """The later steps, those that only share their ID with new ones of the first text under
    another.
    """
    base, first, later = steps
    taken = {*used, *base, *first, *later}
    names: dict[str, str] = {}
    for name in later:
        if name not in base and name in first and first[name] != later[name]:
            names[name] = ids.next_step_id(taken)
            taken.add(names[name])
    if not names:
        return later
    return {names.get(name, name): _with_names(step, names) for name, step in later.items()}


def _with_names(step: Document, names: Mapping[str, str]) -> Document:
    needs = step.get("depends_on")
    renamed = {**step, "id": names.get(str(step["id"]), step["id"])}
    if isinstance(needs, list):
        renamed["depends_on"] = [names.get(need, need) for need in needs]
    return renamed


class _Merger:
    """Merges parts of two texts, and collects where they clash. The `file` of its sides is the later
    text, the `plan` the first.
    """

    def __init__(self) -> None:
        self.clashes: list[Clash] = []

    def _merge(self, sides: Sides[T], merge_of: Callable[[Sides[T]], T], clash: Clash) -> T:
        try:
            return merge_of(sides)
        except merge.Clash:
            self.clashes.append(clash._replace(other=json.dumps(sides.plan)))
            return sides.file

    def fields(self, sides: Sides[Document], step: str) -> Document:
        """The fields of a step, or of the plan."""
        base = sides.base or {}
        whole: Document = {}
        for name in dict.fromkeys((*sides.file, *sides.plan)):
            value = Sides(base.get(name), sides.file.get(name), sides.plan.get(name))
            kept = self._merge(value, _way(name, value), Clash(step, name))
            if kept is not None:
                whole[name] = kept
        return whole

    def steps(self, sides: Sides[_Steps]) -> list[Document]:
        """The steps that are left, in the order of the text that changed it."""
        base, later, first = sides.base or {}, sides.file, sides.plan
        kept: _Steps = {}
        for name in dict.fromkeys((*later, *first)):
            if name in later and name in first:
                before = base.get(name)
                kept[name] = self.fields(Sides(before, later[name], first[name]), name)
                continue
            step = later.get(name) or first[name]
            if name in base and step != base[name]:
                self.clashes.append(Clash(name, ""))  # changed here, removed there: it stays
            if name not in base or step != base[name]:
                kept[name] = step
        self._keep_needed(kept, {**base, **first, **later})
        return [kept[name] for name in self._order(sides) if name in kept]

    def _keep_needed(self, kept: _Steps, every: _Steps) -> None:
        """Keep each step that one edit removed, and for which a step that stays waits."""
        waiting = [*kept.values()]
        while waiting:
            needs = waiting.pop().get("depends_on")
            for name in needs if isinstance(needs, list) else ():
                if name not in kept and name in every:
                    self.clashes.append(Clash(name, ""))
                    kept[name] = every[name]
                    waiting.append(every[name])

    def _order(self, sides: Sides[_Steps]) -> list[str]:
        names = Sides([*(sides.base or {})], [*sides.file], [*sides.plan])
        every = [*dict.fromkeys((*names.file, *names.plan))]
        return self._merge(
            Sides(names.base, every, names.plan),
            lambda _: merge.order(names.base or [], names.file, names.plan),
            Clash("", ORDER),
        )


def _way(name: str, value: Sides[object]) -> Callable[[Sides[object]], object]:
    """How to merge a field: prose by line, a list by entry, all others as a whole."""
    if name in _PROSE and all(isinstance(side, str) for side in value):
        return merge.lines  # type: ignore[return-value]
    if name in _LISTS:
        return _entries
    if name == "requirements":
        return _named
    return merge.value


def _named(sides: Sides[object]) -> object:
    try:
        return merge.value(sides)
    except merge.Clash:
        lists = [side if isinstance(side, list) else [] for side in sides]
        named = [[(str(item["id"]), item) for item in side] for side in lists]
        return merge.entries(Sides(*named), merge.fields) or None


def _entries(sides: Sides[object]) -> object:
    try:
        return merge.value(sides)
    except merge.Clash:
        lists = [side if isinstance(side, list) else [] for side in sides]
        named = [[(text, text) for text in side] for side in lists]
        return merge.entries(Sides(*named), merge.value) or None
