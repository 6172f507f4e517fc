"""The time that steps will take, from what such steps of the repository have taken."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_orch.plans.history.status import Status, StepStatus
    from git_orch.plans.plan import Step

_DONE = "landed"


def seconds_by_step(status: Status, past: Iterable[Status]) -> dict[int, float]:
    """Seconds by the number of a step: of its own last attempt that landed, else the median of the
    steps in `past` that do the same, else of those of its kind. A step without any is left out.
    """
    alike: dict[object, list[float]] = {}
    for other in past:
        steps = {step.id: step for step in other.steps}
        for attempt in other.attempts:
            step = steps.get(attempt.step)
            if attempt.outcome == _DONE and step is not None:
                for key in _keys(step.step):
                    alike.setdefault(key, []).append(attempt.seconds)
    expected: dict[int, float] = {}
    for step in status.steps:
        seconds = _own(status, step) or next(
            (alike[key] for key in _keys(step.step) if key in alike), []
        )
        if seconds:
            expected[step.number] = statistics.median(seconds)
    return expected


def _own(status: Status, step: StepStatus) -> list[float]:
    ended = [
        attempt.seconds
        for attempt in status.attempts
        if attempt.step == step.id and attempt.outcome == _DONE
    ]
    return ended[-1:]


def _keys(step: Step) -> tuple[object, ...]:
    """What a step has in common with others, the closest first."""
    checks = tuple(check.command for check in step.checks)
    deed = step.command or (step.kind, step.prompt)
    return (deed, checks), (step.kind, step.model)
