"""Running one step again in the middle of a plan: the later steps are picked onto the new result.

Whether they can be is known before anything is paid for, as far as it can be: where a model does the
step, the later steps have to apply without the old result.
"""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace

from git_orch import errors
from git_orch.flow.approval import ground, required
from git_orch.flow.attempt import ending, prepare, verify
from git_orch.flow.attempt.ending import Verified
from git_orch.flow.attempt.job import Earlier, Job
from git_orch.flow.branch import rewrite
from git_orch.flow.branch.rewrite import Rewritten
from git_orch.flow.model.service import Service
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.run import execute, log_entries, preconditions
from git_orch.flow.run.dispatch import Dispatch, Terms, Tip, earlier_steps, tip_at
from git_orch.flow.run.execute import Summary
from git_orch.flow.run.loop import Again, Asked, Failed, Finished, Halted, Landed, Later
from git_orch.flow.run.options import Options
from git_orch.flow.run.run import Run
from git_orch.plans import ids, reasons, redact
from git_orch.plans.history.status import Commit, MoveKind, Status, StepStatus
from git_orch.plans.plan import Step
from git_orch.plans.schedule import Schedule
from git_orch.repo.local import conversations
from git_orch.sandbox import secrecy

_LONGEST = 100_000  # characters that a person says about a step


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

    def take_end(self, step: str, future: Future[str]) -> Finished | Again | Failed | Asked:
        """Take the end of an attempt at the step, and say how to go on."""
        return self._run.take_end(step, future)

    def land(self, step: str) -> Landed:
        """Hold the result; its ref keeps it."""
        self.job, self.result = self._run.take(step)
        return Landed()

    def land_verified(self, step: str, future: Future[str]) -> Landed | Halted | Later | Failed:
        """Never needed: a result that is held has not been picked."""
        return self._run.land_verified(step, future)


def redo(
    plan: OpenPlan, number: int, options: Options, service: Service | None
) -> tuple[Summary, Rewritten | None]:
    """Run a step again on its base; None when it failed, and the branch is as it was.

    Raises Refused, Conflict and StepFailed as a rewrite does, and UsageError.
    """
    status, branch, step, commit = rewrite.step_to_rewrite(plan, number)
    if step.kind == "manual":
        raise errors.Refused(f"step {number} is manual", rewrite.again_from(plan, number))
    options = replace(options, remarks=_readable(plan, step, options.remarks))
    preconditions.refuse_unknown_models(plan, [step], options, service)
    later = rewrite.after(branch, commit)
    _foretell(plan, status, step, later)
    tip, below = _below(plan, status, commit)
    grant = required.require_approval(plan, status)
    ground.require_ground(plan, status, grant, tip.tree, [step.step])
    preconditions.open_ledger(plan, status, options, grant)
    with prepare.take_worktrees(plan, 1) as names:
        means = prepare.means(plan, service, use_cache=options.use_cache)
        terms = Terms(
            plan,
            status,
            replace(options, check_tip=False, jobs=1),
            grant,
            log_entries.begin(plan, status, status.skipped),
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


def _readable(
    plan: OpenPlan, step: StepStatus, typed: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """What a person typed about the step, redacted, without empty paragraphs. Raises Refused where
    no model reads it, and UsageError where it is too long for one.
    """
    if typed is None:
        return None
    again = f"git orch redo {plan.name} {step.number}"
    if step.kind != "agent":
        what = f"step {step.number} is a {step.kind} step: no model reads the text of -m"
        raise errors.Refused(what, again)
    if sum(map(len, typed)) > _LONGEST:
        what = f"the text of -m has more than {_LONGEST:,} characters"
        raise errors.UsageError(what, f"git orch edit {plan.name}")
    keys = secrecy.secrets()
    texts = (text.encode("utf-8", "replace").decode().strip() for text in typed)
    return tuple(redact.redacted(text, keys) for text in texts if text)


def _foretell(plan: OpenPlan, status: Status, step: StepStatus, later: tuple[Commit, ...]) -> None:
    """Raises Conflict before a model is paid, where later steps do not apply without the old result,
    and Refused where one cannot be picked at all.

    A command or files cost nothing, and mostly give what they gave: then every later step fits.
    """
    below = step.commit.parents[0] if step.commit is not None else ""
    try:
        with rewrite.with_hint(rewrite.again_from(plan, step.number)):
            rewrite.pick_onto(plan, status, later, below)
    except errors.Conflict:
        if step.kind == "agent":
            raise


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
    try:
        with rewrite.with_hint(rewrite.again_from(plan, job.number)):
            run.terms.grant.ground.extend(result.tree, job.tree)
            log_entries.record_verified(plan.place, job.step, result.tree)
            chain = rewrite.pick_onto(plan, status, later, result.commit)
            landed = log_entries.landing_event(plan, job, result, Tip(result.commit, result.tree))
            why = f"redo step {job.number}"
            done = rewrite.move_branch(
                plan, status, chain, MoveKind.REDO, why, [(result.commit, landed)]
            )
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
