"""Running one step again in the middle of a plan: the later steps are picked onto the new result.

Whether they can be is known before anything is paid for, as far as it can be: the later steps have
to apply without the old result.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

from git_orch import errors
from git_orch.flow.approval import required
from git_orch.flow.approval.grant import Grant
from git_orch.flow.attempt import prepare, verify
from git_orch.flow.attempt.job import Job, Result
from git_orch.flow.branch import rewrite
from git_orch.flow.branch.rewrite import Rewritten
from git_orch.flow.model.service import Service
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.run import execute, log_entries, preconditions
from git_orch.flow.run import run as books
from git_orch.flow.run.execute import Summary
from git_orch.flow.run.loop import Landed
from git_orch.flow.run.options import Options
from git_orch.plans import ids
from git_orch.plans.history.status import SATISFIED, Commit, MoveKind, Status, StepStatus
from git_orch.plans.schedule import Schedule
from git_orch.repo.objects import objects as odb


class _Redo(books.Run):
    """A run whose result is not put onto the branch, but held for whoever picks the later steps
    onto it.
    """

    held: tuple[Job, Result] | None = None

    def landed(self, step: str) -> Landed:
        """Hold the result; its ref keeps it."""
        self.held = self.jobs[step], self.results.pop(step)
        return Landed()

    def given_up(self, job: Job, result: Result, why: errors.OrchError) -> None:
        """The later steps do not fit the result: a failed attempt, which is kept."""
        reasons = {
            errors.Conflict: "conflict",
            errors.StepFailed: "check",
            errors.Interrupted: "interrupted",
        }
        reason = reasons.get(type(why), "busy")
        self._record_failed(
            job, replace(result, outcome="failed", reason=reason, error=why.cause), again=False
        )
        self.forget_settled()


def redo(
    plan: OpenPlan, number: int, options: Options, service: Service | None
) -> tuple[Summary, Rewritten | None]:
    """Run a step again on its base; None when it failed, and the branch is as it was.

    Raises Refused, Conflict and StepFailed as a rewrite does.
    """
    status, branch, each, commit = rewrite.landed(plan, number)
    if each.step.kind == "manual":
        raise errors.Refused(
            f"step {number} was done by a person", rewrite.again_from(plan, number)
        )
    later = rewrite.after(branch, commit)
    with rewrite.otherwise(rewrite.again_from(plan, number)):
        rewrite.pick_onto(plan, status, later, commit.parents[0])
    grant = required.require_approval(plan, status)
    preconditions.open_ledger(plan, status, options, grant)
    with prepare.taken(plan, 1) as names:
        means = prepare.means(plan, service, use_cache=options.use_cache)
        run = _begun(plan, status, each, replace(options, check_tip=False, jobs=1), grant)
        run.worktrees, run.with_setup = [*names], means.with_setup
        schedule = Schedule(status.plan, status.satisfied_steps() - {each.step.id}, [each.step.id])
        summary = execute.carried_out(run, schedule, means, _one)
    if run.held is None:
        return summary, None
    done = _put_in(plan, status, run, later)
    return _concluded(plan, options, replace(summary, landed=(number,))), done


def _begun(
    plan: OpenPlan, status: Status, each: StepStatus, options: Options, grant: Grant
) -> _Redo:
    """The books of a run of one step on the commit below its own; later steps are nothing that it
    is told of.
    """
    base = each.commit.parents[0] if each.commit is not None else ""
    below = status.branch.commits if status.branch is not None else ()
    below = below[: next((place for place, commit in enumerate(below) if commit == each.commit), 0)]
    run_id = log_entries.begin(plan, status, frozenset([each.step.id]))
    tree = odb.commit(plan.objects, base).tree
    run = _Redo(plan, status, options, grant, run_id, base, tree, [])
    run.earlier = books.earlier(
        other
        for other in status.steps
        if other.state in SATISFIED and (other.commit is None or other.commit in below)
    )
    run.plan_checks = books.check_commands(status.plan)
    return run


def _one(count: int) -> Executor:
    return ThreadPoolExecutor(count, "attempt")


def _put_in(plan: OpenPlan, status: Status, run: _Redo, later: tuple[Commit, ...]) -> Rewritten:
    """Pick the later steps onto the new result, and move the branch to that; a signal leaves the
    result its ref.
    """
    if run.held is None:
        raise errors.StepFailed(
            "there is no result", f"git orch show {ids.short(plan.id)} --attempts"
        )
    job, result = run.held
    new = result.commit or ""
    try:
        with rewrite.otherwise(rewrite.again_from(plan, job.number)):
            chain = rewrite.pick_onto(plan, status, later, new)
            entry = (new, log_entries.landed(plan, job, result, (new, result.tree or "")))
            done = rewrite.moved(
                plan, status, chain, MoveKind.REDO, f"redo step {job.number}", [entry]
            )
    except errors.OrchError as refused:
        run.given_up(job, result, refused)
        raise
    run.settle(job.attempt)
    run.forget_settled()
    return done


def _concluded(plan: OpenPlan, options: Options, summary: Summary) -> Summary:
    """How it ended, with all checks once more on the tip where every step is done."""
    now = plan.status()
    if len(now.satisfied_steps()) < len(now.steps):
        return summary
    broken = verify.broken_tip(plan, use_cache=options.use_cache) if options.check_tip else None
    if broken is None:
        return summary
    return replace(
        summary,
        outcome="failed",
        failed=broken.steps,
        error=broken.error,
        hint=broken.hint,
        exit_code=1,
    )
