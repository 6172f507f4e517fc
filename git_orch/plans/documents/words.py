"""The words for how far the documents of a plan are."""

from __future__ import annotations

from git_orch.plans.documents import names
from git_orch.plans.history.status import PlanState, Status

_S = PlanState
_PLAN_WORDS = {
    _S.DRAFT: "draft",
    _S.READY: "ready",
    _S.CREATED: "in-spec",
    _S.VALIDATED: "in-spec",
    _S.APPROVED: "in-spec",
    _S.ROLLED_BACK: "in-spec",
    _S.EXECUTING: "executing",
    _S.FAILED: "executing",
    _S.COMPLETE: "done",
    _S.REJECTED: "done",
}
_SPEC_WORDS = {
    _S.CREATED: "draft",
    _S.VALIDATED: "designed",
    _S.APPROVED: "designed",
    _S.EXECUTING: "designed",
    _S.FAILED: "designed",
    _S.ROLLED_BACK: "designed",
    _S.COMPLETE: "built",
    _S.REJECTED: "done",
}


def of_state(state: PlanState) -> str:
    """The word for a plan that has not landed."""
    return _PLAN_WORDS[state]


def plan_word(status: Status) -> str:
    """How far a plan is: draft, ready, in-spec, executing or done. One that was rejected or put
    away is done with.
    """
    is_away = status.landed is not None or status.archived is not None
    return "done" if is_away else _PLAN_WORDS[status.state]


def spec_word(status: Status) -> str | None:
    """How far its spec is: draft, designed, built or done; None where it has none. It is built when
    its steps are done, and done when they have landed.
    """
    if not status.plan.steps:
        return None
    return "done" if status.landed is not None else _SPEC_WORDS.get(status.state)


def spec_id(status: Status) -> str | None:
    """The ID of the plan's spec; None where it has none."""
    return names.spec_id(status.id) if status.plan.steps else None
