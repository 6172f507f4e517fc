"""Log entries of a run: its beginning, the end of every attempt, its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from git_orch.flow.attempt.ending import Asked, Failed, Interrupted, Verified
from git_orch.flow.attempt.job import Job
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.run.dispatch import Tip
from git_orch.plans import approval, ids
from git_orch.plans.document import Document
from git_orch.plans.history import life
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import CheckResult, PlanState, Status
from git_orch.plans.plan import Step
from git_orch.repo import tree_records
from git_orch.repo.plan_place import PlanPlace

_NAMES = 40  # changed paths of a step; later steps are told of them, the commit has them all


def begin(
    plan: OpenPlan, status: Status, left_out: frozenset[str], command: str | None = None
) -> str:
    """Write down validation and approval, where the plan has neither yet, and the run's beginning
    with the IDs of the steps that it leaves out on purpose; gives its ID. `command` is the one that
    runs a step where that is not exec.
    """
    run_id = plan.new_id()
    begun = _beginning(plan, status, run_id, left_out, command)
    plan.record(*((plan.home, event) for event in begun))
    return run_id


def hand_over(plan: OpenPlan, status: Status, left_out: frozenset[str]) -> None:
    """Write down a run in which nothing could start, because it is a person's turn."""
    run_id = plan.new_id()
    events = [*_beginning(plan, status, run_id, left_out), _end(plan, run_id, "waiting", 0.0)]
    plan.record(*((plan.home, event) for event in events))


def _beginning(
    plan: OpenPlan,
    status: Status,
    run_id: str,
    left_out: frozenset[str],
    command: str | None = None,
) -> list[Event]:
    passed = life.states_to_run(status.recorded_state, ids.short(plan.id))
    begun = [plan.event("plan.validated")] if PlanState.VALIDATED in passed else []
    begun += [plan.event("plan.approved", by="exec")] if PlanState.APPROVED in passed else []
    skipped = [step.id for step in status.plan.steps if step.id in left_out]
    fields: Document = {"skipped": skipped} if skipped else {}
    fields |= {"command": command} if command is not None else {}
    return [*begun, plan.event("run.started", run=run_id, **fields)]


def end(plan: OpenPlan, run: str, outcome: str, seconds: float) -> None:
    """Write down how the run ended."""
    plan.record((plan.home, _end(plan, run, outcome, seconds)))


def _end(plan: OpenPlan, run: str, outcome: str, seconds: float) -> Event:
    return plan.event("run.ended", run=run, outcome=outcome, seconds=round(seconds, 3))


def landing_event(plan: OpenPlan, job: Job, result: Verified, now: Tip) -> Event:
    """The event that makes a commit count as the step: `now` is what lands."""
    made = result.made
    body: Document = {
        "step": job.step_id,
        "attempt": job.attempt,
        "run": job.run,
        "commit": now.commit,
        "tree": now.tree,
        "checks": [_check(check) for check in made.checks],
        "seconds": round(made.seconds, 3),
        "files": len(made.changed),
        "changed": list(made.changed[:_NAMES]),
    }
    for name, value in (
        ("summary", made.summary),
        ("code", list(made.code[:_NAMES])),
        ("review", list(result.review)),
        ("model", made.model),
    ):
        if value:
            body[name] = value
    return plan.event("step.landed", **body)


class Work(NamedTuple):
    """A step that lands as a person's commit."""

    step: str
    attempt: str
    run: str
    commit: str
    tree: str
    seconds: float


def adoption_event(
    plan: OpenPlan,
    work: Work,
    checks: Sequence[CheckResult],
    changed: Sequence[str],
    made_of: Sequence[str],
) -> Event:
    """The event that makes a commit count as the step, which was made of a person's commits."""
    body: Document = {
        **work._asdict(),
        "checks": [_check(check) for check in checks],
        "seconds": round(work.seconds, 3),
        "files": len(changed),
        "changed": list(changed[:_NAMES]),
        "adopted": list(made_of),
    }
    return plan.event("step.landed", **body)


def record_verified(place: PlanPlace, step: Step, tree: str) -> None:
    """Have this machine remember that a step is done here, and its checks passed on the tree."""
    tree_records.add(place, verified=[(step.id, approval.step_digest(step), tree)])


def failure_event(plan: OpenPlan, job: Job, failed: Failed | Interrupted, *, again: bool) -> Event:
    """The event of a failed attempt; `again` says that another one follows by itself."""
    body: Document = {
        "step": job.step_id,
        "attempt": job.attempt,
        "run": job.run,
        "reason": failed.reason,
        "error": failed.error,
        "checks": [_check(check) for check in failed.made.checks],
        "seconds": round(failed.made.seconds, 3),
    }
    if failed.commit is not None:
        body["commit"] = failed.commit
    if again:
        body["retry"] = True
    return plan.event("attempt.failed", **body)


def question_event(plan: OpenPlan, job: Job, asked: Asked) -> Event:
    """The event of an attempt whose model asks a person."""
    body: Document = {
        "step": job.step_id,
        "attempt": job.attempt,
        "run": job.run,
        "question": asked.question,
        "seconds": round(asked.made.seconds, 3),
    }
    if asked.commit is not None:
        body["commit"] = asked.commit
    return plan.event("step.asked", **body)


def _check(result: CheckResult) -> Document:
    body: Document = {
        "type": result.type,
        "command": result.command,
        "exit": result.exit,
        "passed": result.passed,
        "seconds": round(result.seconds, 3),
        "output": result.output,
        "reason": result.reason,
    }
    more = {"note": result.note, "model": result.model, "usd": result.usd}
    return body | {name: value for name, value in more.items() if value}
