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


def ready(plan: Plan, done: Set[str], excluded: Set[str] = frozenset()) -> list[Step]:
    """Steps that are neither done nor excluded and whose dependencies are all done, by position."""
    over = done | excluded
    return [step for step in plan.steps if step.id not in over and done >= set(step.depends_on)]


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
