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


def waits(plan: Plan) -> dict[str, frozenset[str]]:
    """By step ID: the steps that it waits for where one worker runs the plan.

    Where nobody declared what it needs, a step keeps its place: a manual one, or one that
    waits, waits for all before it, another one for those of these kinds before it.

    Raises graphlib.CycleError.
    """
    steps = {step.id: step for step in plan.steps}
    before: list[Step] = []
    waits_for: dict[str, frozenset[str]] = {}
    for step in map(steps.__getitem__, order(plan)):
        needs = set(step.depends_on)
        if not needs and not step.independent:
            needs = {other.id for other in before if _keeps_place(step) or _keeps_place(other)}
        waits_for[step.id] = frozenset(needs)
        before.append(step)
    return waits_for


def _keeps_place(step: Step) -> bool:
    return step.kind in ("manual", "wait")


def ready_steps(plan: Plan, done: Set[str], left_out: Set[str] = frozenset()) -> list[Step]:
    """Steps, by position, that are not done and wait only for done ones, or keep their place behind
    some that are left out.
    """
    waits_for = waits(plan)
    return [
        step
        for step in plan.steps
        if step.id not in done
        and done >= set(step.depends_on)
        and done | left_out >= waits_for[step.id]
    ]


def next_manual(plan: Plan, done: Set[str], left_out: Set[str] = frozenset()) -> Step | None:
    """The manual step that a person can work on now."""
    ready = ready_steps(plan, done, left_out)
    return next((step for step in ready if step.kind == "manual"), None)


def needing(plan: Plan, left_out: Set[str], done: Set[str]) -> set[str]:
    """The IDs of the steps, not done, that need one which is left out, directly or through others.

    Raises graphlib.CycleError.
    """
    steps = {step.id: step for step in plan.steps}
    lost = set(left_out)
    for step_id in order(plan):
        if step_id not in done and not lost.isdisjoint(steps[step_id].depends_on):
            lost.add(step_id)
    return lost - left_out


def prerequisites(plan: Plan, step_id: str) -> set[str]:
    """The IDs of the steps that this step depends on, directly or through others."""
    waits_for = {step.id: step.depends_on for step in plan.steps}
    steps: set[str] = set()
    open_steps = [step_id]
    while open_steps:
        new = [other for other in waits_for[open_steps.pop()] if other not in steps]
        steps.update(new)
        open_steps += new
    return steps


def levels(plan: Plan) -> list[list[Step]]:
    """Steps by the length of the longest chain of dependencies below them, shortest first.

    Steps of one level do not depend on each other. Raises graphlib.CycleError.
    """
    steps = {step.id: step for step in plan.steps}
    height: dict[str, int] = {}
    rows: list[list[Step]] = []
    for step_id in order(plan):
        height[step_id] = 1 + max((height[need] for need in steps[step_id].depends_on), default=-1)
        if height[step_id] == len(rows):
            rows.append([])
    for step in plan.steps:
        rows[height[step.id]].append(step)
    return rows


def critical_weights(plan: Plan, weight: Callable[[Step], float]) -> dict[str, float]:
    """By step ID: the heaviest way from the step to the end of the plan, its own weight included.

    Raises graphlib.CycleError.
    """
    weights: dict[str, float] = {}
    followers = _followers(plan)
    steps = {step.id: step for step in plan.steps}
    for step_id in reversed(order(plan)):
        after = max((weights[follower.id] for follower in followers[step_id]), default=0.0)
        weights[step_id] = weight(steps[step_id]) + after
    return weights


def critical_path(plan: Plan, weight: Callable[[Step], float]) -> list[Step]:
    """The heaviest chain of steps that wait for one another; of equal ones the first by position.

    A run takes at least that long, however many workers it has. Raises graphlib.CycleError.
    """
    weights = critical_weights(plan, weight)
    followers = _followers(plan)
    path: list[Step] = []
    starts = [step for step in plan.steps if not step.depends_on]
    while starts:
        path.append(max(starts, key=lambda step: weights[step.id]))
        starts = followers[path[-1].id]
    return path


def step_paths(step: Step) -> tuple[str, ...]:
    """The paths that a step declares, and the files that a `files` step writes or deletes."""
    return (*step.paths, *step.files)


def conflicts(plan: Plan) -> list[tuple[Step, Step]]:
    """Pairs of steps that may run at once and name the same path, by position.

    A directory has the files below it in common. Raises graphlib.CycleError.
    """
    sharing, serial = _sharing(plan), _serial(plan)
    pairs: list[tuple[int, int]] = []
    for number in range(len(plan.steps)):
        earlier = (1 << number) - 1
        clashing = sharing[number] & ~serial[number] & earlier
        pairs += [(other, number) for other in _bits(clashing)]
    return [(plan.steps[one], plan.steps[other]) for one, other in sorted(pairs)]


def _sharing(plan: Plan) -> list[int]:
    """By position, the steps that name a path in common with that step, as bits of a number.

    Bits, because a plan may have many steps.
    """
    split = [[paths.parts(path) for path in step_paths(step)] for step in plan.steps]
    at: dict[tuple[str, ...], int] = {}
    below: dict[tuple[str, ...], int] = {}
    for number, places in enumerate(split):
        for place in places:
            at[place] = at.get(place, 0) | 1 << number
            for above in _directories(place):
                below[above] = below.get(above, 0) | 1 << number
    sharing = [0] * len(split)
    for number, places in enumerate(split):
        for place in places:
            sharing[number] |= at[place] | below.get(place, 0)
            for above in _directories(place):
                sharing[number] |= at.get(above, 0)
    return sharing


def _directories(place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (place[:length] for length in range(len(place)))


def _serial(plan: Plan) -> list[int]:
    """By position, the steps that never run beside that step, because one waits for the other, as
    bits of a number.
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
    """By step ID: the steps that depend on it directly, by position."""
    followers: dict[str, list[Step]] = {step.id: [] for step in plan.steps}
    for step in plan.steps:
        for need in dict.fromkeys(step.depends_on):
            followers[need].append(step)
    return followers


def cycle(edges: Mapping[str, Iterable[str]]) -> list[str] | None:
    """A cycle among `edges` (a name to the names it depends on), or None.

    Every name in it depends on the next one, and the last name is the first. The cycle begins with
    the name that comes first in `edges`.
    """
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1][:0:-1]  # graphlib lists a name before its dependents
        position = {name: number for number, name in enumerate(edges)}
        start = ring.index(min(ring, key=position.__getitem__))
        return [*ring[start:], *ring[:start], ring[start]]
    return None


def _sorter(plan: Plan) -> TopologicalSorter[str]:
    sorter = TopologicalSorter({step.id: step.depends_on for step in plan.steps})
    sorter.prepare()
    return sorter
