"""One run's books: what goes to the workers, and what becomes of their results on the plan branch.

Only the landing thread is here: workers make objects, it moves refs.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints
from git_orch.flow.approval import required
from git_orch.flow.approval.grant import Grant
from git_orch.flow.attempt import job as jobs
from git_orch.flow.attempt import leftovers
from git_orch.flow.attempt.job import Earlier, Job, LastTry, Result
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note, StepLanded, StepNotLanded, StepStarted
from git_orch.flow.run import log_entries
from git_orch.flow.run.loop import Again, Failed, Finished, Halted, Landed, Later, Verify
from git_orch.flow.run.options import Options
from git_orch.plans import step_retry
from git_orch.plans.history.status import SATISFIED, Status, StepStatus
from git_orch.plans.plan import Plan, Step
from git_orch.repo.log import results
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Written

if TYPE_CHECKING:
    from git_orch.repo.objects import merges

_LOST_TRIES = 3  # jobs whose worker died: the third death is the job's own doing
_FORGOTTEN_AT_ONCE = 32  # refs of results that landed; one process deletes them all
_CONFLICT_SHOWN = 2000  # characters


class Failure(NamedTuple):
    """Why a step failed for good."""

    step: str
    error: str
    hint: str | None
    exit_code: int


class _Waiting(NamedTuple):
    """A result on its way to the branch, after it was put onto another base than it was made on."""

    commit: str
    tree: str
    written: Written


@dataclass
class Run:
    """The books of one run; `tip` is where the plan branch is."""

    plan: OpenPlan
    status: Status
    options: Options
    grant: Grant
    id: str
    tip: str
    tip_tree: str
    worktrees: list[str | None]
    verifying: str | None = None
    earlier: dict[str, Earlier] = field(default_factory=dict)
    plan_checks: tuple[str, ...] = ()
    with_setup: bool = False
    checkpoint: Callable[[int, str, str], tuple[str, str]] | None = (
        None  # in place: before each step, the tip and its tree
    )
    began: float = field(default_factory=time.monotonic)
    jobs: dict[str, Job] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    waiting: dict[str, _Waiting] = field(default_factory=dict)
    landed_now: list[int] = field(default_factory=list)
    reviews: list[int] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    _tries: Counter[str] = field(default_factory=Counter)
    _rebased: set[str] = field(default_factory=set)
    _anew: dict[str, LastTry] = field(default_factory=dict)
    _lost: Counter[str] = field(default_factory=Counter)
    _settled: list[str] = field(default_factory=list)

    # -- jobs --------------------------------------------------------------------------------------

    @checkpoints.around("start step")
    def begun(self, step: Step) -> str:
        """The job for a step that starts. Raises Refused when the plan is not the approved one any
        more.
        """
        required.refuse_changed(self.plan, self.status, self.grant)
        if self.checkpoint is not None:
            self.tip, self.tip_tree = self.checkpoint(self._number(step.id), step.title, self.tip)
        self._report_start(step)
        return self._job(step.id, last=self._anew.pop(step.id, None) or self._last_of_log(step))

    def _report_start(self, step: Step) -> None:
        number = self._number(step.id)
        self.plan.reporter.emit(StepStarted(number, len(self.status.steps), step.title, step.kind))

    def _job(self, step_id: str, last: LastTry | None = None) -> str:
        step = self._of(step_id).step
        self._tries[step_id] += 1
        failed = self._tries[step_id] - 1
        escalated = self.options.retry_model if failed else None
        with_model = step.kind == "agent"
        job = Job(
            directory=str(self.plan.repository.top or self.plan.repository.common_dir),
            run=self.id,
            plan_id=self.plan.id,
            plan=self.status.plan
            if with_model
            else self.status.plan._replace(steps=(step._replace(depends_on=()),)),
            step_id=step_id,
            number=self._number(step_id),
            attempt=self.plan.new_id(),
            base=self.tip,
            tree=self.tip_tree,
            worktree=self.worktrees.pop(0),
            in_place=self.options.in_place,
            after=self.plan.new_id(),
            model=escalated or step.model or self.options.model,
            tools=self.options.tools,
            earlier=tuple(self._earlier_steps()) if with_model else (),
            network=self.grant.of(step),
            plan_checks=self.plan_checks if step.kind in ("agent", "run") else (),
            last=last if with_model else None,
            setup=self.grant.what.grants.setup if self.with_setup else None,
            delay=step_retry.delay(self.options.backoff, failed) if failed else 0.0,
        )
        self.jobs[step_id] = job
        return job.text()

    def _earlier_steps(self) -> list[Earlier]:
        return [
            self.earlier[each.step.id] for each in self.status.steps if each.step.id in self.earlier
        ]

    def _last_of_log(self, step: Step) -> LastTry | None:
        """What a run before this one failed with."""
        attempt = self._of(step.id).attempt
        if attempt is None or attempt.outcome != "failed" or step.kind != "agent":
            return None
        output = attempt.checks[-1].output if attempt.checks else ""
        return LastTry(attempt.error or "failed", output, attempt.commit)

    def _of(self, step_id: str) -> StepStatus:
        return self.status.steps[self._number(step_id) - 1]

    def _number(self, step_id: str) -> int:
        return self.status.plan.position(step_id)

    # -- results -----------------------------------------------------------------------------------

    @checkpoints.around("end step")
    def ended(self, step: str, future: Future[str]) -> Finished | Again | Failed:
        """What to do after an attempt at a step."""
        job = self.jobs[step]
        result = self._result(job, future)
        if result is None:
            return Again(job.text())
        self.worktrees.insert(0, job.worktree)
        self.plan.take_spool(job.attempt)
        if result.outcome == "verified":
            self.results[step] = result
            return Finished()
        return self._failed(job, result)

    def _result(self, job: Job, future: Future[str]) -> Result | None:
        """The result of a job; None when its worker died without one, and the job is to be done
        again.

        Whatever went wrong between the worker and us, git has the last word.
        """
        error = future.exception()
        if error is None:
            return jobs.result(future.result())
        known = results.found(self.plan.repository, self.plan.objects, self.plan.id, job.attempt)
        if known is not None and not job.verify:
            return jobs.result(known)
        self._lost[job.step_id] += 1
        if not isinstance(error, BrokenExecutor) or self._lost[job.step_id] >= _LOST_TRIES:
            raise error
        self.plan.reporter.emit(
            Note(f"the worker of step {job.number} died; its job is done again")
        )
        return None

    def _failed(self, job: Job, result: Result) -> Again | Failed:
        again = (
            result.outcome == "failed"
            and step_retry.is_recoverable(result.reason)
            and not self.options.in_place
            and self._tries[job.step_id] < step_retry.attempts(job.step.kind, self.options.retries)
        )
        self._record_failed(job, result, again=again)
        if not again:
            error = result.error or result.reason
            self.failures.append(Failure(job.step_id, error, result.hint, result.exit_code))
            return Failed()
        output = result.checks[-1].output if result.checks and result.reason == "check" else ""
        return Again(
            self._job(job.step_id, LastTry(result.error or result.reason, output, result.commit))
        )

    @checkpoints.around("record failure")
    def _record_failed(self, job: Job, result: Result, *, again: bool) -> None:
        if result.commit is not None:
            self.plan.keep([result.commit], f"a failed attempt at step {job.number}")
        self.plan.record((self.plan.home, log_entries.failed(self.plan, job, result, again=again)))
        self.settle(job.attempt)
        error = result.error or result.reason
        pause = step_retry.delay(self.options.backoff, self._tries[job.step_id]) if again else None
        self.plan.reporter.emit(
            StepNotLanded(job.number, job.step.title, error, result.commit, pause)
        )

    # -- landing -----------------------------------------------------------------------------------

    @checkpoints.around("land step")
    def landed(self, step: str) -> Landed | Halted | Verify | Later | Failed:
        """Put the result of a step onto the branch; where it was made on another base, its commit
        is picked.
        """
        job, result = self.jobs[step], self.results[step]
        commit, tree = result.commit or "", result.tree or ""
        if job.base == self.tip:
            return self._move(job, result, _Waiting(commit, tree, Written(self.plan.objects)))
        from git_orch.repo.objects import merges  # most runs pick nothing

        picked = merges.picked(self.plan.repository, self.plan.objects, commit, self.tip)
        if picked.conflicts:
            return self._conflicting(job, result, picked)
        written = Written(self.plan.objects)
        onto = self.plan.identity.commit_again(written, commit, picked.tree, self.tip)
        waiting = _Waiting(onto, picked.tree, written)
        if picked.tree == tree or not (job.step.checks or result.checks):
            return self._move(job, result, waiting)
        self.waiting[step] = waiting
        verified = replace(
            job,
            verify=True,
            base=onto,
            tree=picked.tree,
            worktree=self.verifying,
            after=self.plan.new_id(),
        )
        return Verify(verified.text())

    def verified(self, step: str, future: Future[str]) -> Landed | Halted | Later | Failed:
        """Land what was picked, now that its checks ran on the tree that it has there."""
        job, waiting = self.jobs[step], self.waiting.pop(step)
        result = self._result(replace(job, verify=True), future)
        if result is not None and result.outcome == "verified":
            return self._move(job, replace(self.results[step], checks=result.checks), waiting)
        failed = replace(self.results.pop(step), outcome="failed", reason="check")
        told = result.error if result is not None else "its checks could not be run"
        error = f"on top of the steps that landed meanwhile {told}"
        return self._on_new_base(
            job, replace(failed, error=error, checks=result.checks if result else ())
        )

    def _conflicting(self, job: Job, result: Result, picked: merges.Picked) -> Later | Failed:
        """Both sides changed the same lines: the step is done anew on top of the other side, once."""
        del self.results[job.step_id]
        paths = ", ".join(dict.fromkeys(each.path for each in picked.conflicts))
        told = f"it conflicts with steps that landed meanwhile in {paths}"
        from git_orch.repo.objects import merges

        shown = merges.shown(self.plan.repository, picked, _CONFLICT_SHOWN)
        error = f"{told}\n{shown}" if shown else told
        return self._on_new_base(
            job, replace(result, outcome="failed", reason="conflict", error=error)
        )

    def _on_new_base(self, job: Job, result: Result) -> Later | Failed:
        again = job.step_id not in self._rebased and job.step.kind != "manual"
        self._record_failed(job, result, again=again)
        if again:
            self._rebased.add(job.step_id)
            self._tries[job.step_id] -= 1  # a conflict with others is no failure of its own
            self._anew[job.step_id] = LastTry(result.error or "", "", result.commit)
            return Later()  # all worktrees may be in use
        hint = (
            f"git diff {self.tip[:12]} {result.commit[:12]}" if result.commit is not None else None
        )
        self.failures.append(
            Failure(
                job.step_id,
                result.error or result.reason,
                hint,
                7 if result.reason == "conflict" else 1,
            )
        )
        return Failed()

    def _move(self, job: Job, result: Result, waiting: _Waiting) -> Landed | Halted:
        entry = (
            waiting.commit,
            log_entries.landed(self.plan, job, result, (waiting.commit, waiting.tree)),
        )
        why, written, in_place = f"land step {job.number}", waiting.written, self.options.in_place
        self.plan.move(self.tip, waiting.commit, why, [entry], written=written, in_place=in_place)
        self.tip, self.tip_tree = waiting.commit, waiting.tree
        self.results.pop(job.step_id, None)
        self.settle(job.attempt)
        self.landed_now.append(job.number)
        self.earlier[job.step_id] = Earlier(job.step.title, result.changed)
        self._report_landed(job, result)
        if not result.review:
            return Landed()
        self.reviews.append(job.number)
        return Halted() if self.options.strict else Landed()

    def _report_landed(self, job: Job, result: Result) -> None:
        self.plan.reporter.emit(
            StepLanded(
                job.number,
                job.step.title,
                self.tip,
                len(result.changed),
                result.seconds,
                result.usd,
                result.code,
                result.review,
            )
        )

    def settle(self, attempt: str) -> None:
        """The ref of a result whose commit is on the branch or kept is not needed any more."""
        self._settled.append(attempt)
        if len(self._settled) >= _FORGOTTEN_AT_ONCE:
            self.forget_settled()

    @checkpoints.around("forget settled")
    def forget_settled(self) -> None:
        """Delete the refs of results that are dealt with."""
        results.forget(self.plan.repository, self.plan.id, self._settled)
        self._settled = []

    # -- the end -----------------------------------------------------------------------------------

    def wound_down(self, step: str, future: Future[str]) -> None:
        """After a signal: what a running attempt gives back is kept, not landed."""
        job = self.jobs[step]
        self.plan.take_spool(job.attempt)
        if future.cancelled():
            return
        if future.exception() is not None:  # a Ctrl-C reaches git as well, and ends it
            if job.worktree is not None:
                leftovers.recover(self.plan, job.worktree)
            result = Result("interrupted", 0.0, error="interrupted", reason="interrupted")
        else:
            result = jobs.result(future.result())
        if result.outcome == "verified":
            self._keep_unlanded(job, result)
        else:
            self._record_failed(job, result, again=False)

    def keep_finished(self) -> None:
        """Results that wait for their turn when a run is cut off are kept."""
        for step, result in self.results.items():
            self._keep_unlanded(self.jobs[step], result)
        self.results = {}

    def _keep_unlanded(self, job: Job, result: Result) -> None:
        if result.commit is None:
            return
        self.plan.keep([result.commit], "an attempt that was cut off before it landed")
        self.settle(job.attempt)
        self.plan.reporter.emit(
            Note(f"the work that did not land any more is kept as {result.commit[:10]}")
        )


def begun(
    plan: OpenPlan, status: Status, options: Options, grant: Grant, worktrees: list[str | None]
) -> Run:
    """The books at the beginning; the log says that the run has begun."""
    tip = status.branch.tip if status.branch is not None else ""
    run_id = log_entries.begin(plan, status, options.chosen)
    told = earlier(each for each in status.steps if each.state in SATISFIED)
    tree = odb.commit(plan.objects, tip).tree
    commands = check_commands(status.plan)
    return Run(
        plan,
        status,
        options,
        grant,
        run_id,
        tip,
        tree,
        worktrees,
        earlier=told,
        plan_checks=commands,
    )


def earlier(done: Iterable[StepStatus]) -> dict[str, Earlier]:
    """What later steps are told of these, by step ID."""
    return {
        each.step.id: Earlier(
            each.step.title, each.attempt.changed if each.attempt is not None else ()
        )
        for each in done
    }


def check_commands(plan: Plan) -> tuple[str, ...]:
    """The command of each check of the plan, once."""
    return tuple(
        dict.fromkeys(check.command.text() for step in plan.steps for check in step.checks)
    )
