"""The order steps run in, and which steps wait for which.

Plans that were read by `plan.from_document` or `planfile.read` have no cycle; for others the
functions that need an order raise graphlib.CycleError.
"""

from __future__ import annotations

import heapq
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from git_orch.plans import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Set

    from git_orch.plans.plan import Plan, Step


def order(plan: Plan) -> list[str]:
    """Step IDs as one worker runs them: a step after all it depends on, otherwise by position.

    Raises graphlib.CycleError.
    """
    position = {step.id: number for number, step in enumerate(plan.steps)}
    sorter = _sorter(plan)
    waiting: list[int] = []
    ordered: list[str] = []
    while sorter.is_active():
        for step_id in sorter.get_ready():
            heapq.heappush(waiting, position[step_id])
        step_id = plan.steps[heapq.heappop(waiting)].id
        ordered.append(step_id)
        sorter.done(step_id)
    return ordered


def ready(plan: Plan, done: Set[str]) -> list[Step]:
    """Steps that are not done and whose dependencies are all done, by position."""
    return [step for step in plan.steps if step.id not in done and done >= set(step.depends_on)]


def needed(plan: Plan, step_id: str) -> set[str]:
    """The IDs of the steps that have to be done before this one, directly or not."""
    waits_for = {step.id: step.depends_on for step in plan.steps}
    found: set[str] = set()
    asked = [step_id]
    while asked:
        new = [other for other in waits_for[asked.pop()] if other not in found]
        found.update(new)
        asked += new
    return found


def levels(plan: Plan) -> list[list[Step]]:
    """Steps by how many others have to be done first, one after the other; those of one level wait
    for none of it.

    Raises graphlib.CycleError.
    """
    steps = {step.id: step for step in plan.steps}
    height: dict[str, int] = {}
    found: list[list[Step]] = []
    for step_id in order(plan):
        height[step_id] = 1 + max((height[need] for need in steps[step_id].depends_on), default=-1)
        if height[step_id] == len(found):
            found.append([])
    for step in plan.steps:
        found[height[step.id]].append(step)
    return found


def critical_weights(plan: Plan, weight: Callable[[Step], float]) -> dict[str, float]:
    """By step ID: the heaviest way from the step to the end of the plan, its own weight included.

    Raises graphlib.CycleError.
    """
    weights: dict[str, float] = {}
    followed = _followers(plan)
    steps = {step.id: step for step in plan.steps}
    for step_id in reversed(order(plan)):
        after = max((weights[follower.id] for follower in followed[step_id]), default=0.0)
        weights[step_id] = weight(steps[step_id]) + after
    return weights


def critical_path(plan: Plan, weight: Callable[[Step], float]) -> list[Step]:
    """The heaviest chain of steps, each of which waits for the one before it; of equal ones the
    first by position.

    However many workers there are, a run takes at least that long. Raises graphlib.CycleError.
    """
    weights = critical_weights(plan, weight)
    followed = _followers(plan)
    found: list[Step] = []
    starts = [step for step in plan.steps if not step.depends_on]
    while starts:
        found.append(max(starts, key=lambda step: weights[step.id]))
        starts = followed[found[-1].id]
    return found


def touched(step: Step) -> tuple[str, ...]:
    """The paths a step says it changes: those it declares, and the files of a `files` step."""
    return (*step.paths, *step.files)


def conflicts(plan: Plan) -> list[tuple[Step, Step]]:
    """Pairs of steps that could run at once and say that they change the same path, by position.

    A directory has the files below it in common. Raises graphlib.CycleError.
    """
    meeting, waiting = _meeting(plan), _waiting(plan)
    pairs = (
        (one, other)
        for other in range(len(plan.steps))
        for one in _bits(meeting[other] & ~waiting[other] & ((1 << other) - 1))
    )
    return [(plan.steps[one], plan.steps[other]) for one, other in sorted(pairs)]


def _meeting(plan: Plan) -> list[int]:
    """For each position the steps that name a path in common with it, as bits of a number: a plan
    may have many.
    """
    split = [[paths.parts(path) for path in touched(step)] for step in plan.steps]
    at: dict[tuple[str, ...], int] = {}
    below: dict[tuple[str, ...], int] = {}
    for number, places in enumerate(split):
        for place in places:
            at[place] = at.get(place, 0) | 1 << number
            for above in _directories(place):
                below[above] = below.get(above, 0) | 1 << number
    found = [0] * len(split)
    for number, places in enumerate(split):
        for place in places:
            found[number] |= at[place] | below.get(place, 0)
            for above in _directories(place):
                found[number] |= at.get(above, 0)
    return found


def _directories(place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (place[:length] for length in range(len(place)))


def _waiting(plan: Plan) -> list[int]:
    """For each position the steps that cannot run at the same time, as bits: one waits for the
    other.
    """
    position = {step.id: number for number, step in enumerate(plan.steps)}
    before, after = [0] * len(plan.steps), [0] * len(plan.steps)
    ordered = [position[step_id] for step_id in order(plan)]
    needs = [[position[need] for need in step.depends_on] for step in plan.steps]
    for number in ordered:
        for need in needs[number]:
            before[number] |= before[need] | 1 << need
    for number in reversed(ordered):
        for need in needs[number]:
            after[need] |= after[number] | 1 << number
    return [one | other for one, other in zip(before, after, strict=True)]


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _followers(plan: Plan) -> dict[str, list[Step]]:
    """By step ID: those that wait for it directly, by position."""
    found: dict[str, list[Step]] = {step.id: [] for step in plan.steps}
    for step in plan.steps:
        for need in dict.fromkeys(step.depends_on):
            found[need].append(step)
    return found


def cycle(edges: Mapping[str, Iterable[str]]) -> list[str] | None:
    """A cycle among `edges` (a name to what it depends on), or None: each depends on the next, the
    last is the first.

    It begins with the one of its names that comes first in `edges`.
    """
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1][:0:-1]  # graphlib lists each before those that depend on it
        position = {name: number for number, name in enumerate(edges)}
        start = ring.index(min(ring, key=position.__getitem__))
        return [*ring[start:], *ring[:start], ring[start]]
    return None


def _sorter(plan: Plan) -> TopologicalSorter[str]:
    sorter = TopologicalSorter({step.id: step.depends_on for step in plan.steps})
    sorter.prepare()
    return sorter
