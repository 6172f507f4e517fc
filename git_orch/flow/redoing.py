"""Running one step again in the middle of a plan: the later steps are picked onto the new result.

Whether they can be is known before anything is paid for, as far as it can be: the later steps have to apply without the
old result.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

from git_orch import errors
from git_orch.flow import approval, execution, recording, rewriting, sites, verification
from git_orch.flow import run as books
from git_orch.flow.agentstep import Service
from git_orch.flow.driver import Landed
from git_orch.flow.execution import Summary
from git_orch.flow.jobs import Job, Result
from git_orch.flow.openplan import OpenPlan
from git_orch.flow.rewriting import Chain, Rewritten
from git_orch.flow.run import Options
from git_orch.plans import ids
from git_orch.plans.schedule import Schedule
from git_orch.plans.status import Commit, Status
from git_orch.repo import objects as odb


class _Redo(books.Run):
    """A run whose result is not put onto the branch, but held for whoever picks the later steps onto it."""

    held: tuple[Job, Result] | None = None

    def landed(self, step: str) -> Landed:
        """Hold the result; its ref keeps it."""
        self.held = self.jobs[step], self.results.pop(step)
        return Landed()


def redo(plan: OpenPlan, number: int, options: Options, service: Service | None) -> tuple[Summary, Rewritten | None]:
    """Run a step again on its base; None when it failed, and the branch is as it was.

    Raises Refused, Conflict and StepFailed as a rewrite does.
    """
    status, branch, each, commit = rewriting.landed(plan, number)
    if each.step.kind == "manual":
        raise errors.Refused(
            f"step {number} was done by a person", f"git orch rollback {ids.short(plan.id)} --to-step {number - 1}"
        )
    later = rewriting.after(branch, commit)
    base = commit.parents[0]
    rewriting.picked(plan, status, later, base)
    grant = approval.required(plan, status)
    execution.open_ledger(plan, status, options, grant)
    with sites.taken(plan, 1) as names:
        means = sites.means(plan, service, use_cache=options.use_cache)
        run_id = recording.begin(plan, status, frozenset([each.step.id]))
        tree = odb.commit(plan.objects, base).tree
        alone = replace(options, check_tip=False, jobs=1)  # the tip is not what it will be
        run = _Redo(plan, status, alone, grant, run_id, base, tree, [*names], with_setup=means.with_setup)
        schedule = Schedule(status.plan, status.satisfied() - {each.step.id}, [each.step.id])
        summary = execution.carried_out(run, schedule, means, _one)
    if run.held is None:
        return summary, None
    done = _put_in(plan, status, run, later)
    after = plan.status()
    if options.check_tip and after.satisfied() >= {each.step.id for each in after.steps}:
        verification.check_tip(plan, after, use_cache=options.use_cache)
    return summary, done


def _one(count: int) -> Executor:
    return ThreadPoolExecutor(count, "attempt")


def _put_in(plan: OpenPlan, status: Status, run: _Redo, later: tuple[Commit, ...]) -> Rewritten:
    """Pick the later steps onto the new result, and move the branch to that."""
    if run.held is None:
        raise errors.StepFailed("there is no result", "git orch show --attempts")
    job, result = run.held
    new = result.commit or ""
    try:
        chain = rewriting.picked(plan, status, later, new)
        entry = (new, recording.landed(plan, job, result, (new, result.tree or "")))
        done = rewriting.moved(
            plan, status, Chain(chain.tip, chain.written, chain.commits), f"redo step {job.number}", [entry]
        )
    except errors.OrchError:
        plan.keep([new], f"a new result for step {job.number} that the later steps do not fit")
        raise
    finally:
        run.settle(job.attempt)
        run.forget_settled()
    return done
