"""Whether an attempt goes on where an earlier one was stopped, so that nobody pays twice."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from git_orch.flow.attempt.brief import digest
from git_orch.flow.attempt.job import Continued, Job
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import sentences
from git_orch.plans.history.status import StepState, StepStatus
from git_orch.repo.local import conversations
from git_orch.repo.local.conversations import Saved
from git_orch.repo.objects.objects import Written


class _Anew(NamedTuple):
    """Why the step begins anew."""

    why: str


def continued(plan: OpenPlan, job: Job, step: StepStatus, calls: frozenset[str]) -> Job:
    """The job for an agent step, which goes on with the conversation of an attempt that was stopped
    or that asked, if its base, its text and its files are still there. People hear of either.

    `calls` are the attempts that were paid for.
    """
    saved = conversations.read(plan.place, job.step_id)
    if saved is None:
        if _was_stopped(step, calls):
            _tell(plan, job, "its conversation is not on this machine any more")
        return job
    tree = _tree(plan, job, saved)
    if isinstance(tree, _Anew):
        _tell(plan, job, tree.why)
        conversations.forget(plan.place, job.step_id)
        return job
    attempt = step.attempt
    answer = attempt.answer if attempt is not None and attempt.id == saved.attempt else None
    turns = sentences.count(saved.turns, "turn")
    paid = f", {sentences.usd(saved.usd)}" if saved.usd else ""
    plan.reporter.emit(
        Note(f"step {job.number} goes on where it was stopped (so far {turns}{paid})")
    )
    landed = saved.base_tree != job.tree
    remarks = job.remarks if job.remarks != saved.remarks else ()
    before = Continued(saved.attempt, tree, answer or None, landed, remarks)
    return replace(job, continued=before)


def anew_in_place(plan: OpenPlan, job: Job, step: StepStatus, calls: frozenset[str]) -> Job:
    """The job as it is: in the user's checkout nobody knows what an attempt has left. People hear
    that an attempt that was stopped does not go on.
    """
    if _was_stopped(step, calls) or conversations.read(plan.place, job.step_id) is not None:
        _tell(plan, job, "with --in-place no attempt goes on where it was stopped")
    return job


def _was_stopped(step: StepStatus, calls: frozenset[str]) -> bool:
    """Whether work of a model on the step was paid for, and did not fail."""
    attempt = step.attempt
    if attempt is None or attempt.id not in calls:
        return False
    return step.state is StepState.STOPPED or attempt.is_answered


def _tell(plan: OpenPlan, job: Job, why: str) -> None:
    plan.reporter.emit(Note(f"step {job.number} begins anew: {why}"))


def _tree(plan: OpenPlan, job: Job, saved: Saved) -> str | _Anew:
    """What the worktree is to hold."""
    if saved.digest != digest(job):
        return _Anew("its text, its model or its tools have changed")
    if job.remarks != saved.remarks and (saved.summary is not None or not job.remarks):
        return _Anew("a person says something else about it")
    if saved.tree is None:
        return _Anew("the state of its last attempt is unknown")
    if plan.objects.read_many([saved.tree])[0] is None:
        return _Anew("the files of its last attempt are gone")
    if saved.base_tree == job.tree:
        return saved.tree
    stored = plan.objects.read_many([saved.base, saved.commit or saved.base])
    if None in stored or not plan.is_ancestor(saved.base, job.base):
        return _Anew("its base has changed")
    return job.tree if saved.commit is None else _picked(plan, job, saved.commit)


def _picked(plan: OpenPlan, job: Job, commit: str) -> str | _Anew:
    """What the stopped attempt made, on top of the steps that have landed since."""
    from git_orch.repo.objects import merges  # most runs pick nothing

    written = Written(plan.objects)
    picked = merges.picked(plan.repository, written, commit, job.base)
    if picked.conflicts:
        paths = sentences.quoted_names([*dict.fromkeys(item.path for item in picked.conflicts)])
        return _Anew(f"it conflicts with steps that landed since, in {paths}")
    written.flush()
    return picked.tree
