"""Answering what the model of a step asks; the next run goes on with the answer."""

from __future__ import annotations

from git_orch import errors
from git_orch.flow.model.typed_text import paragraphs
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import sentences
from git_orch.plans.history import life
from git_orch.plans.history.status import Status, StepState, StepStatus


def answer(plan: OpenPlan, number: int | None, text: str) -> int:
    """Write an answer into the log, redacted, with who gave it; gives the number of the step. An
    answer that no run has taken yet may be given anew.

    Raises Refused where the step asks nothing, NotFound and UsageError.
    """
    typed = "".join(paragraphs([text], f"git orch edit {plan.name}"))
    if not typed:
        raise errors.UsageError("the answer is empty", f'git orch answer {plan.name} "ANSWER"')
    step = _asking_step(plan, plan.status(), number)
    if step.attempt is None:
        raise errors.Refused(f"step {step.number} asks nothing", f"git orch status {plan.name}")
    event = plan.event(
        "step.answered",
        step=step.id,
        attempt=step.attempt.id,
        answer=typed,
        by=plan.identity.author,
    )
    plan.record((plan.home, event))
    return step.number


def _asking_step(plan: OpenPlan, status: Status, number: int | None) -> StepStatus:
    if number is not None:
        step = life.numbered_step(status, number)
        if step.state is not StepState.ASKED and not _is_answered(step):
            raise errors.Refused(f"step {number} asks nothing", f"git orch status {plan.name}")
        return step
    asking = [step for step in status.steps if step.state is StepState.ASKED]
    asking = asking or [step for step in status.steps if _is_answered(step)]
    if not asking:
        raise errors.Refused("no step asks anything", f"git orch status {plan.name}")
    if len(asking) > 1:
        numbers = sentences.steps(step.number for step in asking)
        raise errors.UsageError(
            f"{numbers} wait for an answer: name one",
            f'git orch answer {plan.name} {asking[0].number} "ANSWER"',
        )
    return asking[0]


def _is_answered(step: StepStatus) -> bool:
    """Whether the step has an answer that no run has taken."""
    waits = step.state is StepState.PENDING
    return waits and step.attempt is not None and step.attempt.is_answered
