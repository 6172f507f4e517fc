"""Running one step again in the middle of a plan: the later steps are picked onto the new result.

Whether they can be is known before anything is paid for, as far as it can be: where a model does the
step, the later steps have to apply without the old result.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace

from git_orch import errors
from git_orch.flow.approval import ground, required
from git_orch.flow.attempt import ending, prepare, verify
from git_orch.flow.attempt.ending import Verified
from git_orch.flow.attempt.job import Earlier, Job
from git_orch.flow.branch import conflict, rewrite
from git_orch.flow.branch.rewrite import Rewritten
from git_orch.flow.model.service import Service
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.flow.run import execute, log_entries, preconditions, remarks
from git_orch.flow.run.dispatch import Dispatch, Terms, Tip, earlier_steps, tip_at
from git_orch.flow.run.execute import Summary
from git_orch.flow.run.loop import Again, Asked, Failed, Finished, Halted, Landed, Later, Sleeps
from git_orch.flow.run.options import Options
from git_orch.flow.run.run import Run
from git_orch.plans import ids, reasons
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Commit, MoveKind, Status, StepStatus
from git_orch.plans.plan import Step
from git_orch.plans.schedule import Schedule
from git_orch.repo.local import conversations, phases
from git_orch.repo.objects import objects as odb
from git_orch.repo.worktree.conflict_record import Operation


def _by_person(plan: OpenPlan, number: int) -> str:
    """The commands by which a person does a step once more."""
    return f"git orch drop {plan.name} {number} && git orch fix {plan.name} {number}"


class _Held:
    """The steps of a run of one step, whose result is not put onto the branch: whoever picks the
    later steps onto it takes it.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.job: Job | None = None
        self.result: Verified | None = None

    def begin(self, step: Step) -> str:
        """The job for the step."""
        return self._run.begin(step)

    def take_end(
        self, step: str, future: Future[str]
    ) -> Finished | Again | Failed | Asked | Sleeps:
        """Take the end of an attempt at the step, and say how to go on."""
        return self._run.take_end(step, future)

    def awake(self) -> Collection[str]:
        """The steps for whose event it is time to look again."""
        return self._run.awake()

    def land(self, step: str) -> Landed:
        """Hold the result; its ref keeps it."""
        self.job, self.result = self._run.take(step)
        return Landed()

    def land_verified(self, step: str, future: Future[str]) -> Landed | Halted | Later | Failed:
        """Never needed: a result that is held has not been picked."""
        return self._run.land_verified(step, future)


def redo(
    plan: OpenPlan,
    number: int,
    options: Options,
    service: Service | None,
    typed: Sequence[str] = (),
) -> tuple[Summary, Rewritten | None]:
    """Run a step again on its base; None when it failed, and the branch is as it was. `typed` are
    paragraphs of a person for the step's model.

    Raises Refused, Conflict and StepFailed as a rewrite does, and UsageError.
    """
    status, branch, step, commit = rewrite.step_to_rewrite(plan, number)
    if step.kind == "manual":
        raise errors.Refused(f"step {number} is manual", _by_person(plan, number))
    options = replace(options, remarks=remarks.of_step(step, typed, plan.name))
    preconditions.refuse_unknown_models(plan, [step], options, service)
    preconditions.require_key([step], options, service)
    later = rewrite.after(branch, commit)
    _foretell(plan, status, step, later)
    tip, below = _below(plan, status, commit)
    grant = required.require_approval(plan, status)
    ground.require_ground(plan, status, grant, tip.tree, [step.step])
    preconditions.require_models(plan, status, [step], options, service)
    preconditions.open_ledger(plan, status, options, grant)
    phases.begin_run(plan.place)
    with prepare.take_worktrees(plan, 1) as names:
        means = prepare.means(plan, service, use_cache=options.use_cache)
        terms = Terms(
            plan,
            status,
            replace(options, check_tip=False, jobs=1),
            grant,
            log_entries.begin(plan, status, status.skipped, "redo"),
            means.made,
            means.with_setup,
            keeps_results=True,
            again=f"git orch redo {ids.short(plan.id)} {number}",
            may_ask=False,  # the branch has the step: it cannot wait for an answer
        )
        run = Run(terms, Dispatch(terms, tip, names, below))
        held = _Held(run)
        schedule = Schedule(status.plan, status.satisfied_steps() - {step.id}, [step.id])
        summary = execute.carry_out(run, schedule, means, _one, held)
    if held.job is None or held.result is None:
        return summary, None
    done = _put_in(run, held.job, held.result, later)
    return _conclude(plan, options, replace(summary, landed=(number,))), done


def _foretell(plan: OpenPlan, status: Status, step: StepStatus, later: tuple[Commit, ...]) -> None:
    """Report, before a model is paid, that later steps do not apply without the old result. Raises
    Refused where one cannot be picked at all.

    A command or files cost nothing, and mostly give what they gave: then every later step fits.
    """
    below = step.commit.parents[0] if step.commit is not None else ""
    try:
        rewrite.pick_onto(plan, status, later, below)
    except errors.Conflict as conflicting:
        if step.kind == "agent":
            where = conflicting.cause.removeprefix("branch unchanged: ")
            plan.reporter.emit(
                Note(
                    f"without the old result of step {step.number}, {where}; where that conflicts "
                    "with the new result, too, you resolve it by hand"
                )
            )


def _below(plan: OpenPlan, status: Status, commit: Commit) -> tuple[Tip, dict[str, Earlier]]:
    """The commit below a step's own, and the steps that the branch has there: the model hears of no
    later ones.
    """
    commits = status.branch.commits if status.branch is not None else ()
    below = commits[: commits.index(commit)] if commit in commits else ()
    steps = [step for step in status.steps if step.commit is None or step.commit in below]
    return tip_at(plan, commit.parents[0]), earlier_steps(steps)


def _one(count: int) -> Executor:
    return ThreadPoolExecutor(count, "attempt")


def _put_in(run: Run, job: Job, result: Verified, later: tuple[Commit, ...]) -> Rewritten:
    """Pick the later steps onto the new result, and move the branch to that; a signal leaves the
    result its ref.
    """
    plan, status = run.terms.plan, run.terms.status
    landed = log_entries.landing_event(plan, job, result, Tip(result.commit, result.tree))
    try:
        run.terms.grant.ground.extend(result.tree, job.tree)
        log_entries.record_verified(plan.place, job.step, result.tree)
        done = _pick_later(plan, status, later, landed)
    except errors.OrchError as refused:
        reason = "check" if isinstance(refused, errors.StepFailed) else reasons.of(refused)
        failed = ending.failed(result, refused.cause, reason)
        run.results.record_failed(job, failed, again=False)
        run.results.forget_settled()
        raise
    conversations.forget(plan.place, job.step_id)
    run.results.settle(job)
    run.results.forget_settled()
    return done


def _pick_later(
    plan: OpenPlan, status: Status, later: tuple[Commit, ...], landed: Event
) -> Rewritten:
    """Pick the later steps onto the commit of an event, and move the branch to that.

    Raises Conflict and StepFailed, which name a worktree in which a person may resolve it.
    """
    step, commit = str(landed.body["step"]), str(landed.body["commit"])
    operation = Operation("redo", steps=(step,), outcome={**landed.body})
    with conflict.offering(plan, operation):
        chain = rewrite.pick_onto(plan, status, later, commit)
        why = f"redo step {status.plan.position(step)}"
        return rewrite.move_branch(plan, status, chain, MoveKind.REDO, why, [(commit, landed)])


def put_in_again(plan: OpenPlan, operation: Operation) -> Rewritten:
    """Put the result of a redo onto the branch, whose conflict a person has resolved.

    Raises Refused where the branch is another one below the step.
    """
    [number] = conflict.numbers(plan, operation)
    status, branch, _, commit = rewrite.step_to_rewrite(plan, number)
    landed = plan.event("step.landed", **(operation.outcome or {}))
    result = str(landed.body["commit"])
    if odb.commit(plan.objects, result).parents[:1] != commit.parents[:1]:
        raise errors.Refused(
            f"the branch below step {number} has changed since it ran as {result[:10]}",
            f"git orch done --abort {plan.name}  # keeps {result[:10]}",
        )
    done = _pick_later(plan, status, rewrite.after(branch, commit), landed)
    conversations.forget(plan.place, str(landed.body["step"]))
    return done


def _conclude(plan: OpenPlan, options: Options, summary: Summary) -> Summary:
    """The summary of a redo, with all checks once more on the tip where every step is done."""
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
