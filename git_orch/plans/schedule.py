"""Which step may start and which result may land: the books of one run. Pure: workers and refs are
somebody else's.

A step starts when all it depends on has landed and no running step declares a path of its own. A
result lands in the plan's order: it waits for earlier steps, except when a step that waits for it
could start.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Set
from graphlib import TopologicalSorter

from git_orch.plans import graph, paths
from git_orch.plans.plan import Plan, Step


class Phase(enum.Enum):
    """Where a step of a run stands; a blocked one will not start in this run."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    LANDED = "landed"
    FAILED = "failed"
    BLOCKED = "blocked"


_OVER = frozenset({Phase.LANDED, Phase.FAILED, Phase.BLOCKED})


class Schedule:
    """The steps of one run. `done` are steps that were satisfied before it; `chosen` those it is
    about.

    `weights` say how long the way from a step to the plan's end is: the longest starts first.
    Without them steps start in the plan's order. With `keep_going` steps that do not depend on a
    failed one still start.
    """

    def __init__(
        self,
        plan: Plan,
        done: Set[str],
        chosen: Iterable[str],
        *,
        weights: Mapping[str, float] | None = None,
        keep_going: bool = False,
    ) -> None:
        self._plan = plan
        self._weights = weights or {}
        self._keep_going = keep_going
        wanted = frozenset(chosen) - done
        self._steps = {step.id: step for step in plan.steps if step.id in wanted}
        self._needs = {each.id: frozenset(each.depends_on) - done for each in self._steps.values()}
        self._phases = dict.fromkeys(self._steps, Phase.WAITING)
        self._sorter = TopologicalSorter(self._needs)
        self._sorter.prepare()
        self._ready: set[str] = set()
        self._stopped = False
        self._take_ready()
        self._block()

    def in_phase(self, *phases: Phase) -> list[str]:
        """Steps of this run in one of these phases, by position."""
        return [step for step, phase in self._phases.items() if phase in phases]

    def startable(self, free: int) -> list[Step]:
        """At most `free` steps to start now, the most urgent first; none of them is in another's
        way.
        """
        chosen: list[Step] = []
        busy = [self._steps[step] for step in self.in_phase(Phase.RUNNING, Phase.FINISHED)]
        waiting = [self._steps[step] for step in self._steps if step in self._ready]
        for step in sorted(
            waiting, key=lambda each: -self._weights.get(each.id, 0.0)
        ):  # stable: then by position
            if len(chosen) < free and not any(overlap(step, other) for other in [*busy, *chosen]):
                chosen.append(step)
        return chosen

    def start(self, step: str) -> None:
        """The step runs."""
        self._ready.discard(step)
        self._phases[step] = Phase.RUNNING

    def again(self, step: str) -> None:
        """The step waits once more: it starts when there is room, unless nothing is started any
        more.
        """
        self._phases[step] = Phase.BLOCKED if self._stopped else Phase.WAITING
        if not self._stopped:
            self._ready.add(step)

    def finish(self, step: str) -> None:
        """Its result is there, and waits for its turn to land."""
        self._phases[step] = Phase.FINISHED

    def landable(self) -> str | None:
        """The result that may land now."""
        finished = self.in_phase(Phase.FINISHED)
        for step in finished:
            if not self._before(step) or self._holds_up(step):
                return step
        return None

    def land(self, step: str) -> None:
        """The step has landed: what waited for it may start."""
        self._phases[step] = Phase.LANDED
        self._sorter.done(step)
        self._take_ready()
        self._block()

    def fail(self, step: str) -> None:
        """The step has failed for good: what depends on it will not start."""
        self._phases[step] = Phase.FAILED
        self._block()

    def stop(self) -> None:
        """Nothing is started any more; what runs is let finish."""
        self._stopped = True
        self._ready.clear()
        for step in self.in_phase(Phase.WAITING):
            self._phases[step] = Phase.BLOCKED

    def _take_ready(self) -> None:
        found = self._sorter.get_ready()
        self._ready.update(step for step in found if step in self._steps)

    def _block(self) -> None:
        """Mark what cannot start in this run: something it needs failed, is not part of it, or
        needs a person.
        """
        if self.in_phase(Phase.FAILED) and not self._keep_going:
            self.stop()
            return
        changed = True
        while changed:
            changed = False
            for step in self.in_phase(Phase.WAITING):
                lost = any(
                    self._phases.get(need) in (None, Phase.FAILED, Phase.BLOCKED)
                    for need in self._needs[step]
                )
                if lost:
                    self._phases[step] = Phase.BLOCKED
                    self._ready.discard(step)
                    changed = True

    def _before(self, step: str) -> bool:
        """Whether an earlier step is still to land that does not itself wait for this one."""
        for other in self._steps:
            if other == step:
                return False
            if self._phases[other] not in _OVER and not self._waits_for(other, step):
                return True
        return False

    def _waits_for(self, step: str, other: str) -> bool:
        """Whether `step` needs `other`, directly or not."""
        seen: set[str] = set()
        asked = [step]
        while asked:
            now = asked.pop()
            if now == other:
                return True
            if now not in seen:
                seen.add(now)
                asked.extend(self._needs.get(now, ()))
        return False

    def _holds_up(self, step: str) -> bool:
        """Whether a step could start as soon as this one, and others that are finished, have
        landed.
        """
        here = frozenset(self.in_phase(Phase.LANDED, Phase.FINISHED))
        able = [other for other in self.in_phase(Phase.WAITING) if self._needs[other] <= here]
        return any(
            step in self._needs[other] or overlap(self._steps[step], self._steps[other])
            for other in able
        )


def overlap(one: Step, other: Step) -> bool:
    """Whether the steps declare or write a path in common; a directory has the files below it in
    common.
    """
    ours, others = graph.touched(one), graph.touched(other)
    return any(paths.related(mine, theirs) for mine in ours for theirs in others)
