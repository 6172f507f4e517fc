"""Putting results onto the plan branch, one after the other, and keeping those that cannot land.

Only the landing thread is here: workers make objects, it moves refs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints
from git_orch.flow.attempt import ending
from git_orch.flow.attempt.ending import Ending, Interrupted, Verified
from git_orch.flow.attempt.job import Job, LastTry
from git_orch.flow.reports import Note, StepAsked, StepLanded, StepNotLanded
from git_orch.flow.run import log_entries
from git_orch.flow.run.dispatch import Dispatch, Terms, Tip
from git_orch.flow.run.loop import Failed, Halted, Landed, Later, Verify
from git_orch.plans import reasons
from git_orch.repo.local import conversations
from git_orch.repo.log import kept, results
from git_orch.repo.objects.objects import Written

if TYPE_CHECKING:
    from git_orch.repo.objects import merges

_OF_CHECKS = frozenset(("check", "timeout"))  # reasons
_FORGOTTEN_AT_ONCE = 32  # refs of results that landed; one process deletes them all
_CONFLICT_SHOWN = 2000  # characters


class Failure(NamedTuple):
    """Why a step failed for good."""

    step: str
    error: str
    hint: str | None
    exit_code: int


class Ready(NamedTuple):
    """A result that may land on the tip: the commit, its tree, and the objects that no ref holds."""

    commit: str
    tree: str
    written: Written


class Results:
    """Results of attempts: their objects go onto the branch or are kept, and their refs go."""

    def __init__(self, terms: Terms, dispatch: Dispatch) -> None:
        self._terms = terms
        self._dispatch = dispatch
        self._settled: list[str] = []

    def stored(self, job: Job) -> str | None:
        """The result that an attempt has stored under its ref, as JSON."""
        if not job.held:
            return None
        plan = self._terms.plan
        return results.result_of(plan.place, plan.objects, job.attempt)

    def written(self, job: Job) -> Written:
        """The objects of an attempt that no ref holds, if there are any; until it is settled."""
        return self._terms.made.setdefault(job.attempt, Written(self._terms.plan.objects))

    def settle(self, job: Job) -> None:
        """The commit of a result is on the branch or kept: nothing else need hold it any more."""
        self._terms.made.pop(job.attempt, None)
        if job.held:
            self._settled.append(job.attempt)
        if len(self._settled) >= _FORGOTTEN_AT_ONCE:
            self.forget_settled()

    @checkpoints.around("forget settled")
    def forget_settled(self) -> None:
        """Delete the refs of results that are dealt with."""
        results.forget(self._terms.plan.place, self._settled)
        self._settled = []

    @checkpoints.around("record failure")
    def record_failed(self, job: Job, failed: ending.Failed | Interrupted, *, again: bool) -> None:
        """Keep what a failed attempt made, and have the log and the reporter tell of it."""
        plan, written = self._terms.plan, self.written(job)
        if failed.commit is not None:
            plan.keep([failed.commit], f"{kept.FAILED_ATTEMPT} at step {job.number}", written)
        plan.record((plan.home, log_entries.failure_event(plan, job, failed, again=again)))
        if failed.reason not in reasons.STOPPED:  # nobody goes on from there
            conversations.forget(plan.place, job.step_id)
        self.settle(job)
        pause = self._dispatch.pause(job.step_id) if again else None
        word = reasons.word(failed.reason)
        title, commit = job.step.title, failed.commit
        turn = self._dispatch.turn(job) if again else ""
        report = StepNotLanded(job.number, title, failed.error, commit, pause, word, turn)
        plan.reporter.emit(report)

    @checkpoints.around("record question")
    def record_question(self, job: Job, asked: ending.Asked) -> None:
        """Keep what an attempt made before it asked, and have the log and the reporter tell of it."""
        plan, written = self._terms.plan, self.written(job)
        if asked.commit is not None:
            plan.keep([asked.commit], f"{kept.QUESTION} at step {job.number}", written)
        plan.record((plan.home, log_entries.question_event(plan, job, asked)))
        self.settle(job)
        plan.reporter.emit(StepAsked(job.number, job.step.title, asked.question))

    def keep(self, job: Job, verified: Verified) -> None:
        """Keep a result that will not land any more."""
        plan = self._terms.plan
        why = "an interrupted attempt"
        plan.keep([verified.commit], why, self.written(job))
        self.settle(job)
        plan.reporter.emit(Note(f"kept the work that can no longer land: {verified.commit[:10]}"))


class StepLanding:
    """Lands results on the tip. `verifying` is the worktree for checks of those that were picked.

    A result that was made on another base than the tip is picked onto it. Where that conflicts, or
    its checks fail there, the step is done anew, once.
    """

    def __init__(
        self, terms: Terms, dispatch: Dispatch, results: Results, verifying: str | None
    ) -> None:
        self._terms = terms
        self._dispatch = dispatch
        self._results = results
        self._verifying = verifying
        self._picked: dict[str, Ready] = {}
        self._rebased: set[str] = set()
        self._anew: dict[str, LastTry] = {}
        self.numbers: list[int] = []
        self.reviews: list[int] = []
        self.failures: list[Failure] = []

    def land(self, job: Job, result: Verified) -> Landed | Halted | Verify | Later | Failed:
        """Put the result onto the branch."""
        written, tip = self._results.written(job), self._dispatch.tip
        if job.base == tip.commit:
            return self._move(job, result, Ready(result.commit, result.tree, written))
        from git_orch.repo.chain import Chain  # most runs pick nothing

        plan = self._terms.plan
        chain = Chain(plan.repository, plan.identity, written, tip.commit)
        picked = chain.pick(result.commit)
        if picked.conflicts:
            return self._conflicting(job, result, picked)
        ready = Ready(chain.tip, picked.tree, written)
        if picked.tree == result.tree or not (job.step.checks or result.made.checks):
            return self._move(job, result, ready)
        written.flush()  # a worktree is made of it
        self._picked[job.step_id] = ready
        verified = replace(
            job,
            verify=True,
            base=ready.commit,
            tree=ready.tree,
            worktree=self._verifying,
            after=plan.new_id(),
        )
        return Verify(verified.text())

    def land_verified(
        self, job: Job, result: Verified, now: Ending | None
    ) -> Landed | Halted | Later | Failed:
        """Land what was picked, or not: `now` is how its checks ended on the tree that it has there
        (None: they could not be run).
        """
        ready = self._picked.pop(job.step_id)
        if isinstance(now, Verified):
            usd = result.made.usd + now.made.usd
            made = result.made._replace(checks=now.made.checks, usd=usd)
            return self._move(job, result._replace(made=made), ready)
        reason = "its checks could not be run"
        if isinstance(now, ending.Failed | Interrupted):
            reason = now.error
        checks = now.made.checks if now is not None else ()
        error = f"on top of the steps that landed meanwhile, {reason}"
        made = result.made._replace(checks=checks)
        return self._do_anew(job, ending.failed(result, error, "check", made))

    def last_try(self, step_id: str) -> LastTry | None:
        """Why the step has to be done anew on top of others, if it has; told once."""
        return self._anew.pop(step_id, None)

    def _conflicting(self, job: Job, result: Verified, picked: merges.Picked) -> Later | Failed:
        """Both sides changed the same lines: the step is done anew on top of the other side, once."""
        from git_orch.repo.objects import merges

        paths = ", ".join(dict.fromkeys(conflict.path for conflict in picked.conflicts))
        error = f"it conflicts with steps that landed meanwhile in {paths}"
        shown = merges.shown(self._terms.plan.repository, picked, _CONFLICT_SHOWN)
        error += f"\n{shown}" if shown else ""
        return self._do_anew(job, ending.failed(result, error, "conflict"))

    def _do_anew(self, job: Job, failed: ending.Failed) -> Later | Failed:
        again = job.step_id not in self._rebased and not job.by_hand
        self._results.record_failed(job, failed, again=again)
        if again:
            self._rebased.add(job.step_id)
            self._dispatch.forgive(job)
            self._anew[job.step_id] = LastTry(failed.error, "", failed.commit)
            return Later()  # all worktrees may be in use
        tip, commit = self._dispatch.tip.commit, failed.commit
        hint = f"git diff {tip[:12]} {commit[:12]}" if commit is not None else None
        code = 7 if failed.reason == "conflict" else 1
        self.failures.append(Failure(job.step_id, failed.error, hint, code))
        return Failed()

    def _move(self, job: Job, result: Verified, ready: Ready) -> Landed | Halted:
        plan, tip = self._terms.plan, Tip(ready.commit, ready.tree)
        entry = (ready.commit, log_entries.landing_event(plan, job, result, tip))
        # Before it lands: cut off in between, the next run finds it on the branch.
        self._terms.grant.ground.extend(tip.tree, self._dispatch.tip.tree, job.tree)
        log_entries.record_verified(plan.place, job.step, tip.tree)
        plan.move(
            self._dispatch.tip.commit,
            ready.commit,
            f"land step {job.number}",
            [entry],
            written=ready.written,
            in_place=self._terms.options.in_place,
        )
        conversations.forget(plan.place, job.step_id)
        self._dispatch.note_landing(job, tip, result.made.changed, result.made.summary)
        self._results.settle(job)
        self.numbers.append(job.number)
        self._report(job, result)
        if not result.review:
            return Landed()
        self.reviews.append(job.number)
        return Halted() if self._terms.options.strict else Landed()

    def _report(self, job: Job, result: Verified) -> None:
        made = result.made
        landed = StepLanded(
            job.number,
            job.step.title,
            self._dispatch.tip.commit,
            len(made.changed),
            made.seconds,
            made.usd,
            made.code,
            result.review,
        )
        self._terms.plan.reporter.emit(landed)


def last_try(failed: ending.Failed) -> LastTry:
    """The failed attempt, as the next attempt at the step hears of it."""
    checks: Sequence[object] = failed.made.checks
    output = failed.made.checks[-1].text if checks and failed.reason in _OF_CHECKS else ""
    return LastTry(failed.error, output, failed.commit)
