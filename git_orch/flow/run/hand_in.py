"""Handing in what a person did for a step: verify and land it."""

from __future__ import annotations

import shlex
from dataclasses import replace

from git_orch import errors
from git_orch.flow.approval import required
from git_orch.flow.attempt import by_hand, prepare
from git_orch.flow.branch import conflict
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.run import execute, fix
from git_orch.flow.run.execute import Summary
from git_orch.flow.run.fix import Waiting
from git_orch.flow.run.options import Options
from git_orch.flow.run.run import Run
from git_orch.plans import ids, sentences
from git_orch.plans.schedule import Schedule
from git_orch.repo.worktree import worktrees


def hand_in(plan: OpenPlan, options: Options, number: int | None = None) -> Summary:
    """Verify and land what a person did for a step: the one with this number, else the one that
    they mend, else the manual step that is next. Raises Refused when none is, Conflict where a
    conflict in their worktree is not resolved.
    """
    status = plan.status()
    grant = required.require_approval(plan, status)
    means = prepare.means(plan)
    work = fix.to_hand_in(means, plan, status, number)
    step, worktree = work.step, work.worktree
    plan.refuse_checked_out()
    tip = status.branch.tip if status.branch is not None else ""
    _refuse_behind(plan, work, tip)
    by_hand.refuse_unresolved(worktree)
    head = worktrees.head(worktree)
    if head != tip:
        plan.keep([head], f"commits made for step {step.number}")
    options = replace(options, left_out=status.skipped)
    terms = execute.begin(plan, status, options, grant, means)
    dispatch = execute.start_dispatch(terms, tip, [None])
    run = Run(terms, dispatch)
    schedule = Schedule(status.plan, status.satisfied_steps(), [step.id])
    summary = execute.carry_out(run, schedule, means, execute.in_threads)
    if summary.landed:
        worktrees.remove(plan.repository, plan.id, prepare.purpose_of(step.step))
        return summary
    worktrees.hold(worktree, dispatch.tip.commit)  # a person goes on with the same files
    again = (
        f"git orch done {ids.short(plan.id)} {step.number}  # once it is mended in {worktree.path}"
    )
    return replace(summary, hint=summary.hint or again)


def is_conflict_meant(plan: OpenPlan) -> bool:
    """Whether a conflict of a landing or a rebase waits, and nobody stands in the worktree of a step
    that they mend.
    """
    there = conflict.waiting(plan)
    if there is None:
        return False
    places = fix.waiting(prepare.means(plan), plan, plan.status())
    return plan.repository.top not in [place.worktree.path for place in places]


def _refuse_behind(plan: OpenPlan, work: Waiting, tip: str) -> None:
    """Raises Busy where the branch has moved on since a person's work began."""
    path = work.worktree.path
    moved = f"the branch has moved on since the work in {sentences.quoted(path)} began"
    if work.beginning is not None and work.beginning.base != tip:
        hint = f"git orch fix {ids.short(plan.id)} {work.step.number}  # brings your work along"
        raise errors.Busy(moved, hint)
    if not plan.is_ancestor(tip, worktrees.head(work.worktree)):
        hint = f"git -C {shlex.quote(str(path))} checkout --merge --detach {tip[:12]}"
        raise errors.Busy(moved, hint)
