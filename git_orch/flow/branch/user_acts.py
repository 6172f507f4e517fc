"""Acts of the user on a plan branch since git-orch last looked."""

from __future__ import annotations

from git_orch import errors
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans.history.status import SATISFIED, Status, StepState


def notice(plan: OpenPlan, status: Status) -> None:
    """Keep what a rewrite of the branch left behind, and say what was seen. Raises Busy for a
    deleted branch.
    """
    tip, last = (status.branch.tip if status.branch is not None else None), status.known_tip
    if tip is None:
        if last is not None:
            plan.keep([last], "the tip of a deleted branch")
        raise errors.Busy(
            f"branch 'orch/{plan.id}' was deleted or renamed",
            f"git branch orch/{plan.id} {_goal(plan, status)}",
        )
    if last is None or tip == last:
        return
    if not plan.is_ancestor(last, tip):
        plan.keep([last], "a tip the user moved away from")
        plan.reporter.emit(
            Note(f"the branch was moved from {last[:10]} to {tip[:10]}; {_standing(plan)}")
        )
    plan.record((tip, plan.event("branch.noticed", was=last, now=tip)))


def _goal(plan: OpenPlan, status: Status) -> str:
    """A commit to make the branch from again: its last known tip, or the base where that is gone."""
    for oid in (status.known_tip, status.base.commit):
        if oid is not None and plan.objects.read_many([oid])[0] is not None:
            return oid
    return "HEAD"


def _standing(plan: OpenPlan) -> str:
    status = plan.status()
    left = [str(step.number) for step in status.steps if step.state not in SATISFIED]
    unverified = [str(step.number) for step in status.steps if step.state is StepState.UNVERIFIED]
    parts = [f"no longer done: {', '.join(left)}"] if left else []
    parts += [f"done but no longer verified: {', '.join(unverified)}"] if unverified else []
    return "; ".join(parts) or "every step is still done"
