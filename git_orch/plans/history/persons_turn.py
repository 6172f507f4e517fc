"""The steps of a plan that a person has to act on before anything goes on."""

from __future__ import annotations

from collections.abc import Set

from git_orch.plans import graph
from git_orch.plans.history.status import Status, StepState, StepStatus


def waits_for_person(step: StepStatus) -> bool:
    """Whether no run takes the step on: it is manual, or its model waits for an answer."""
    return step.step.waits_for_person or step.state is StepState.ASKED


def persons_turn(status: Status, chosen: Set[str] | None = None) -> tuple[StepStatus, ...]:
    """The steps that wait for a person, by position; none as long as another of the `chosen` ones
    (None: of all) can start.
    """
    satisfied = status.satisfied_steps()
    ready = {step.id for step in graph.ready_steps(status.plan, satisfied, status.skipped)}
    steps = [
        step for step in status.steps if step.id in ready and (chosen is None or step.id in chosen)
    ]
    return tuple(steps) if all(waits_for_person(step) for step in steps) else ()
