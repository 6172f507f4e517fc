"""The order steps run in, and which steps wait for which.

Plans that were read by `plan.from_document` or `planfile.read` have no cycle; for others the functions that
need an order raise graphlib.CycleError.
"""

from __future__ import annotations

import heapq
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

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


def levels(plan: Plan) -> list[list[str]]:
    """Step IDs in waves: those of one wave depend only on earlier waves, so they could run side by side.

    Raises graphlib.CycleError.
    """
    sorter = _sorter(plan)
    waves: list[list[str]] = []
    position = {step.id: number for number, step in enumerate(plan.steps)}
    while sorter.is_active():
        wave = sorted(sorter.get_ready(), key=position.__getitem__)
        waves.append(wave)
        sorter.done(*wave)
    return waves


def ready(plan: Plan, done: Set[str], excluded: Set[str] = frozenset()) -> list[Step]:
    """Steps that are neither done nor excluded and whose dependencies are all done, by position."""
    over = done | excluded
    return [step for step in plan.steps if step.id not in over and done >= set(step.depends_on)]


def dependents(plan: Plan, step_id: str) -> set[str]:
    """Steps that depend on `step_id`, directly or through others."""
    followers: dict[str, list[str]] = {}
    for step in plan.steps:
        for needed in step.depends_on:
            followers.setdefault(needed, []).append(step.id)
    found: set[str] = set()
    frontier = [step_id]
    while frontier:
        fresh = set(followers.get(frontier.pop(), ())) - found
        found |= fresh
        frontier.extend(fresh)
    return found


def cycle(edges: Mapping[str, Iterable[str]]) -> list[str] | None:
    """A cycle among `edges` (a name to what it depends on), or None: each depends on the next, the last is the first.

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
