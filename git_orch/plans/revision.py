"""Two texts of one plan: which steps of the new text are steps of the old, and what differs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable

from git_orch.plans import plan_document, sentences
from git_orch.plans.plan import Plan, Step


def with_old_ids(old: Plan, new: Plan, unnamed: Collection[str]) -> Plan:
    """The new text, whose steps that the file gave no ID (`unnamed`) have that of the old step they
    are: the one with equal content, else the one with the same title and kind. Of several equal
    steps, the first is the first.
    """
    free = [step for step in old.steps if new.step(step.id) is None]
    open_steps = [step for step in new.steps if step.id in unnamed]
    renamed: dict[str, str] = {}
    for key in (_content, _name):
        pairs = _pairs(free, open_steps, key)
        renamed |= pairs
        free = [step for step in free if step.id not in pairs.values()]
        open_steps = [step for step in open_steps if step.id not in pairs]
    return new._replace(steps=tuple(_renamed(step, renamed) for step in new.steps))


def _pairs(
    old: Iterable[Step], new: Iterable[Step], key: Callable[[Step], Hashable]
) -> dict[str, str]:
    """By the ID of a new step, that of the old step with the same key."""
    waiting: defaultdict[Hashable, list[str]] = defaultdict(list)
    for step in old:
        waiting[key(step)].append(step.id)
    pairs = {}
    for step in new:
        if waiting[key(step)]:
            pairs[step.id] = waiting[key(step)].pop(0)
    return pairs


def _content(step: Step) -> Hashable:
    """All of a step but its ID and what it waits for, which a file names by numbers."""
    return _text(step._replace(id="", depends_on=()))


def _name(step: Step) -> Hashable:
    return step.title, step.kind


def _renamed(step: Step, names: dict[str, str]) -> Step:
    needs = tuple(names.get(need, need) for need in step.depends_on)
    return step._replace(id=names.get(step.id, step.id), depends_on=needs)


def differences(old: Plan, new: Plan) -> str:
    """The changes of a text against the one before, in words: `step 2 changed, step 4 added`. Steps
    that went have their numbers in the old text. Empty where nothing differs.
    """
    before = {step.id: step for step in old.steps}
    after = {step.id: step for step in new.steps}
    gone = [old.position(step) for step in before if step not in after]
    added = [new.position(step) for step in after if step not in before]
    common = [step for step in after if step in before]
    changed = [new.position(step) for step in common if _text(after[step]) != _text(before[step])]
    words = [
        f"{sentences.steps(numbers)} {word}"
        for numbers, word in ((changed, "changed"), (added, "added"), (gone, "removed"))
        if numbers
    ]
    if common != [step for step in before if step in after]:
        words.append("steps reordered")
    if old._replace(steps=()) != new._replace(steps=()):
        words.append("description changed")
    return ", ".join(words)


def _text(step: Step) -> str:
    return json.dumps(plan_document.step_document(step), sort_keys=True)
