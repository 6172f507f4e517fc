"""The books of one run: what the loop does next with a step, by what became of it so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace

from git_orch import checkpoints
from git_orch.flow.approval import required
from git_orch.flow.attempt import ending, leftovers
from git_orch.flow.attempt.ending import Asked, Ending, Interrupted, NotYet, Verified
from git_orch.flow.attempt.job import Job
from git_orch.flow.reports import Note
from git_orch.flow.run import loop, step_landing
from git_orch.flow.run.dispatch import Dispatch, Terms, Tip
from git_orch.flow.run.loop import Again, Failed, Finished, Halted, Landed, Later, Sleeps, Verify
from git_orch.flow.run.step_landing import Failure, Results, StepLanding
from git_orch.plans import step_retry
from git_orch.plans.plan import Step
from git_orch.repo.local import phases

_LOST_TRIES = 3  # jobs whose worker died: the third death is the job's own doing

# In place, before each step: commits what is uncommitted; takes number, title and tip of the step,
# and gives the tip that the step starts from.
Checkpoint = Callable[[int, str, str], Tip]


class Run:
    """One run of a plan; the loop asks it what to do with each step."""

    def __init__(
        self,
        terms: Terms,
        dispatch: Dispatch,
        *,
        verifying: str | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.terms = terms
        self.results = Results(terms, dispatch)
        self.landing = StepLanding(terms, dispatch, self.results, verifying)
        self.began = time.monotonic()
        self._dispatch = dispatch
        self._checkpoint = checkpoint
        self._jobs: dict[str, Job] = {}
        self._verified: dict[str, Verified] = {}
        self._lost: Counter[str] = Counter()
        self._asleep: dict[str, float] = {}
        self._seen: dict[str, str] = {}  # what the last look at an event gave
        self.asked: list[str] = []  # the steps that wait for an answer

    @property
    def tried(self) -> Collection[str]:
        """The steps that began."""
        return self._jobs.keys()

    @property
    def failures(self) -> Sequence[Failure]:
        """The steps that failed for good, the first one first."""
        return self.landing.failures

    @checkpoints.around("start step")
    def begin(self, step: Step) -> str:
        """The job for a step that starts. Raises Refused when the plan is not the approved one any
        more.
        """
        terms = self.terms
        required.refuse_changed(terms.plan, terms.status, terms.grant)
        if self._checkpoint is not None:
            before = self._dispatch.tip
            now = self._checkpoint(terms.number(step.id), step.title, before.commit)
            # What was not committed in this checkout is the user's own.
            terms.grant.ground.extend(now.tree, before.tree)
            self._dispatch.tip = now
        job = self._dispatch.start(step, self.landing.last_try(step.id))
        self._jobs[step.id] = job
        return job.text()

    @checkpoints.around("end step")
    def take_end(
        self, step: str, future: Future[str]
    ) -> Finished | Again | Failed | loop.Asked | Sleeps:
        """Take the end of an attempt at a step, and say how to go on."""
        job = self._jobs[step]
        result = self._ending(job, future)
        if result is None:
            return Again(job.text())
        self._dispatch.give_back(job)
        self.terms.plan.take_spool(job.attempt)
        if isinstance(result, Verified):
            self._verified[step] = result
            return Finished()
        if isinstance(result, NotYet):
            return self._sleeps(job, result)
        if step in self._seen:
            phases.begin_run(self.terms.plan.place)
        if isinstance(result, Asked):
            self.results.record_question(job, result)
            self.asked.append(step)
            return loop.Asked()
        return self._failed(job, result)

    def _sleeps(self, job: Job, seen: NotYet) -> Sleeps:
        """The event has not come: look again in a while."""
        self.results.settle(job)
        wait = job.step.wait
        if self._seen.get(job.step_id) != seen.words:
            words, place = f"step {job.number} waits: {seen.words}", self.terms.plan.place
            phases.begin(place.repository, place.id, phases.Phase(words))
            self.terms.plan.reporter.emit(Note(words))
        self._seen[job.step_id] = seen.words
        self._asleep[job.step_id] = time.monotonic() + (wait.every if wait is not None else 0)
        return Sleeps()

    def awake(self) -> Collection[str]:
        """The steps for whose event it is time to look again."""
        now = time.monotonic()
        return [step for step, moment in self._asleep.items() if moment <= now]

    @checkpoints.around("land step")
    def land(self, step: str) -> Landed | Halted | Verify | Later | Failed:
        """Put the result of a step onto the branch."""
        outcome = self.landing.land(self._jobs[step], self._verified[step])
        if not isinstance(outcome, Verify):
            del self._verified[step]
        return outcome

    def land_verified(self, step: str, future: Future[str]) -> Landed | Halted | Later | Failed:
        """Land what was picked, now that its checks ran on the tree that it has there."""
        job = self._jobs[step]
        now = self._ending(replace(job, verify=True), future)
        self.terms.plan.take_spool(job.attempt)
        return self.landing.land_verified(job, self._verified.pop(step), now)

    def take(self, step: str) -> tuple[Job, Verified]:
        """A result that somebody else puts onto the branch."""
        return self._jobs[step], self._verified.pop(step)

    def _ending(self, job: Job, future: Future[str]) -> Ending | None:
        """How an attempt ended; None when its worker died without a word, and the job is to be done
        again.

        Whatever went wrong between the worker and us, git has the last word.
        """
        error = future.exception()
        if error is None:
            return ending.read(future.result())
        stored = self.results.stored(job)
        if stored is not None and not job.verify:
            return ending.read(stored)
        self._lost[job.step_id] += 1
        if not isinstance(error, BrokenExecutor) or self._lost[job.step_id] >= _LOST_TRIES:
            raise error
        note = Note(f"the worker of step {job.number} died; running the step again")
        self.terms.plan.reporter.emit(note)
        return None

    def _failed(self, job: Job, failed: ending.Failed | Interrupted) -> Again | Failed:
        if (
            isinstance(failed, Interrupted)
            or not step_retry.is_recoverable(failed.reason, self._retries(job.step))
            or not self._dispatch.may_retry(job)
        ):
            self.results.record_failed(job, failed, again=False)
            failure = Failure(job.step_id, failed.error, failed.hint, failed.exit_code)
            self.landing.failures.append(failure)
            return Failed()
        self.results.record_failed(job, failed, again=True)
        last = step_landing.last_try(failed)
        retried = (
            self._dispatch.repeat(job, last)
            if job.step.times
            else self._dispatch.retry(job.step_id, last)
        )
        self._jobs[job.step_id] = retried
        return Again(retried.text())

    def _retries(self, step: Step) -> int | None:
        """How often the step may be tried again where its author or the user says so."""
        return step.times - 1 if step.times else self.terms.options.retries

    # -- after a signal ----------------------------------------------------------------------------

    def wound_down(self, step: str, future: Future[str]) -> None:
        """Keep what a running attempt gives back; it does not land."""
        job = self._jobs[step]
        self.terms.plan.take_spool(job.attempt)
        if future.cancelled():
            return
        result: Ending = Interrupted(ending.Made())
        if future.exception() is None:
            result = ending.read(future.result())
        elif job.worktree is not None:  # a Ctrl-C reaches git as well, and ends it
            leftovers.recover(self.terms.plan, job.worktree)
        if isinstance(result, Verified):
            self.results.keep(job, result)
        elif isinstance(result, Asked):
            self.results.record_question(job, result)
        elif isinstance(result, NotYet):
            self.results.settle(job)
        else:
            self.results.record_failed(job, result, again=False)

    def keep_finished(self) -> None:
        """Keep results that wait for their turn when a run is cut off."""
        for step, result in self._verified.items():
            self.results.keep(self._jobs[step], result)
        self._verified = {}
