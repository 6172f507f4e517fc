"""A person's remarks about steps, with -m: their models read them before the next attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from git_orch import errors
from git_orch.flow.model.typed_text import paragraphs
from git_orch.plans import ids
from git_orch.plans.history.status import SATISFIED, Status, StepState, StepStatus

Remarks = Mapping[str, tuple[str, ...]]  # paragraphs, by the ID of a step
NOTHING: Remarks = MappingProxyType({})


def of_step(step: StepStatus, typed: Sequence[str], plan: str) -> Remarks:
    """What a person typed about one step that runs again; `plan` is the handle of its plan. Raises
    Refused where no model reads it, and UsageError where it is too long for one.
    """
    if not typed:
        return NOTHING
    if step.kind != "agent":
        what = f"step {step.number} is a {step.kind} step: no model reads the text of -m"
        raise errors.Refused(what, f"git orch redo {plan} {step.number}")
    return {step.id: paragraphs(typed, f"git orch edit {plan}")}


def of_run(
    status: Status, typed: Sequence[str], chosen: frozenset[str] | None, *, named: bool
) -> Remarks:
    """What a person typed about a run of the `chosen` steps (None: all): it is for those that they
    `named`, else for those that failed or were stopped, else for the next one. Raises Refused where
    no model reads it, and UsageError where it is too long for one.
    """
    if not typed:
        return NOTHING
    name = ids.short(status.id)
    steps = _hearers(status, chosen, named=named)
    if not steps:
        what = "no step that runs has a model: nobody reads the text of -m"
        raise errors.Refused(what, f"git orch exec {name}")
    return dict.fromkeys((step.id for step in steps), paragraphs(typed, f"git orch edit {name}"))


def _hearers(status: Status, chosen: frozenset[str] | None, *, named: bool) -> list[StepStatus]:
    asking = [
        step
        for step in status.steps
        if step.kind == "agent"
        and step.state not in SATISFIED | {StepState.ASKED}
        and (chosen is None or step.id in chosen)
    ]
    tried = [step for step in asking if _was_tried(step)]
    return asking if named else tried or asking[:1]


def _was_tried(step: StepStatus) -> bool:
    answered = step.attempt is not None and step.attempt.is_answered
    return answered or step.state in (StepState.FAILED, StepState.STOPPED)
