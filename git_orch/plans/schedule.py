"""Which step may start and which result may land: the books of one run. Pure: `flow.run` has the
workers and the refs.

A step starts when its dependencies have landed and no running step declares one of its paths.
Results land in the plan's order, except that a result lands at once when another step could start
after it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Set
from graphlib import TopologicalSorter

from git_orch.plans import graph, paths
from git_orch.plans.plan import Plan, Step


class Phase(enum.Enum):
    """The phases of a step in a run; a blocked step will not start in this run."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    LANDED = "landed"
    FAILED = "failed"
    ASKED = "asked"
    BLOCKED = "blocked"


_STOPPING = (Phase.FAILED, Phase.ASKED)
_OVER = (Phase.LANDED, *_STOPPING, Phase.BLOCKED)


class Schedule:
    """The steps of one run: the `chosen` ones without those that are `done` before it.

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
        own = frozenset(chosen) - done
        self._steps = {step.id: step for step in plan.steps if step.id in own}
        self._needs = {
            step_id: (frozenset(step.depends_on) | self._places(plan, step_id)) - done
            for step_id, step in self._steps.items()
        }
        self._phases = dict.fromkeys(self._steps, Phase.WAITING)
        self._sorter = TopologicalSorter(self._needs)
        self._sorter.prepare()
        self._ready: set[str] = set()
        self._asleep: set[str] = set()
        self._stopped = False
        self._take_ready()
        self._block()

    def _places(self, plan: Plan, step_id: str) -> Set[str]:
        """The steps of this run before a step that keeps its place behind them, because it waits
        for an event, or they do.
        """
        if not any(step.kind == "wait" for step in self._steps.values()):
            return frozenset()
        return {
            other
            for other in graph.waits(plan)[step_id] & self._steps.keys()
            if "wait" in (self._steps[step_id].kind, self._steps[other].kind)
        }

    def in_phase(self, *phases: Phase) -> list[str]:
        """Steps of this run in one of these phases, by position."""
        return [step for step, phase in self._phases.items() if phase in phases]

    def startable_steps(self, free: int) -> list[Step]:
        """At most `free` steps to start now, the most urgent first; no two of them share a path."""
        chosen: list[Step] = []
        busy = [self._steps[step] for step in self.in_phase(Phase.RUNNING, Phase.FINISHED)]
        waiting = [self._steps[step] for step in self._steps if step in self._ready]
        waiting.sort(key=lambda step: -self._weights.get(step.id, 0.0))  # stable: then by position
        for step in waiting:
            if len(chosen) < free and not any(overlap(step, other) for other in [*busy, *chosen]):
                chosen.append(step)
        return chosen

    def start(self, step: str) -> None:
        """Record that the step runs."""
        self._ready.discard(step)
        self._phases[step] = Phase.RUNNING

    def wait_again(self, step: str) -> None:
        """Let the step wait for another start, or block it when the run is stopping."""
        self._phases[step] = Phase.BLOCKED if self._stopped else Phase.WAITING
        if not self._stopped:
            self._ready.add(step)

    def sleep(self, step: str) -> None:
        """Let the step wait for an event; others go on meanwhile."""
        self.wait_again(step)
        if step in self._ready:
            self._ready.discard(step)
            self._asleep.add(step)

    def wake(self, step: str) -> None:
        """Let a step that sleeps start again."""
        if step in self._asleep:
            self._asleep.discard(step)
            self._ready.add(step)

    def sleepers(self) -> list[str]:
        """The steps that wait for an event."""
        return [step for step in self._steps if step in self._asleep]

    def finish(self, step: str) -> None:
        """Record that the step has a result, which waits for its turn to land."""
        self._phases[step] = Phase.FINISHED

    def next_landing(self) -> str | None:
        """The step whose result may land now, by ID; None while all results have to wait."""
        finished = self.in_phase(Phase.FINISHED)
        for step in finished:
            if not self._is_held_back(step) or self._holds_up(step):
                return step
        return None

    def land(self, step: str) -> None:
        """Record that the step has landed, so that the steps that waited for it may start."""
        self._phases[step] = Phase.LANDED
        self._sorter.done(step)
        self._take_ready()
        self._block()

    def fail(self, step: str) -> None:
        """Record that the step has failed for good, and block the steps that depend on it."""
        self._phases[step] = Phase.FAILED
        self._block()

    def ask(self, step: str) -> None:
        """Record that the step waits for an answer, and block the steps that depend on it."""
        self._phases[step] = Phase.ASKED
        self._block()

    def stop(self) -> None:
        """Start no more steps; the running ones finish."""
        self._stopped = True
        self._ready.clear()
        self._asleep.clear()
        for step in self.in_phase(Phase.WAITING):
            self._phases[step] = Phase.BLOCKED

    def _take_ready(self) -> None:
        ready = self._sorter.get_ready()
        self._ready.update(step for step in ready if step in self._steps)

    def _block(self) -> None:
        """Block the steps that need a step which failed, is not part of this run, or needs a
        person.
        """
        if self.in_phase(*_STOPPING) and not self._keep_going:
            self.stop()
            return
        changed = True
        while changed:
            changed = False
            for step in self.in_phase(Phase.WAITING):
                lost = any(
                    self._phases.get(need) in (None, *_STOPPING, Phase.BLOCKED)
                    for need in self._needs[step]
                )
                if lost:
                    self._phases[step] = Phase.BLOCKED
                    self._ready.discard(step)
                    changed = True

    def _is_held_back(self, step: str) -> bool:
        """Whether an earlier step has yet to land and does not itself wait for this one."""
        for other in self._steps:
            if other == step:
                return False
            passed_by = other in self._asleep or self._phases[other] in _OVER
            if not passed_by and not self._waits_for(other, step):
                return True
        return False

    def _waits_for(self, step: str, other: str) -> bool:
        """Whether `step` depends on `other`, directly or through others."""
        seen: set[str] = set()
        open_steps = [step]
        while open_steps:
            now = open_steps.pop()
            if now == other:
                return True
            if now not in seen:
                seen.add(now)
                open_steps.extend(self._needs.get(now, ()))
        return False

    def _holds_up(self, step: str) -> bool:
        """Whether a waiting step could start as soon as all finished results, and this one, have
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
    theirs = graph.step_paths(other)
    return any(_is_related(path, theirs) for path in graph.step_paths(one))


def _is_related(path: str, others: Iterable[str]) -> bool:
    return any(paths.are_related(path, other) for other in others)
