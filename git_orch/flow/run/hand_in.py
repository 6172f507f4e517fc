"""Handing in what a person did for a step: verify and land it."""

from __future__ import annotations

import shlex
from dataclasses import replace

from git_orch import errors
from git_orch.flow.approval import required
from git_orch.flow.approval.grant import Grant
from git_orch.flow.attempt import by_hand, leftovers, prepare
from git_orch.flow.attempt.means import Means
from git_orch.flow.branch import conflict
from git_orch.flow.model.service import Service
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.run import execute, fix, preconditions
from git_orch.flow.run.execute import Summary
from git_orch.flow.run.fix import Waiting
from git_orch.flow.run.options import Options
from git_orch.flow.run.run import Run
from git_orch.plans import graph, ids, sentences
from git_orch.plans.history.status import Status, StepStatus
from git_orch.plans.schedule import Schedule
from git_orch.repo.worktree import conflict_record, worktrees


def hand_in(
    plan: OpenPlan, options: Options, number: int | None = None, service: Service | None = None
) -> Summary:
    """Verify and land what a person did for a step: the one with this number, else the one that
    they mend, else the manual step that is next. `service` is where reviews of it come from. Raises
    Refused when none is, Conflict where a conflict in their worktree is not resolved.
    """
    status = plan.status()
    grant = required.require_approval(plan, status)
    means = prepare.means(plan, service)
    event = _event(means, plan, status, number)
    if event is not None:
        return _confirm(plan, means, grant, replace(options, left_out=status.skipped), event)
    work = fix.to_hand_in(means, plan, status, number)
    step, worktree = work.step, work.worktree
    preconditions.require_key([step] if step.step.reviews else [], options, service)
    plan.refuse_checked_out()
    tip = status.branch.tip if status.branch is not None else ""
    _refuse_behind(plan, work, tip)
    by_hand.refuse_unresolved(worktree)
    head = worktrees.head(worktree)
    if head != tip:
        plan.keep([head], f"commits made for step {step.number}")
    options = replace(options, left_out=status.skipped)
    if step.step.reviews:
        preconditions.open_ledger(plan, status, options, grant)
    done = f"git orch done {ids.short(plan.id)} {step.number}"
    terms = replace(execute.begin(plan, status, options, grant, means, "done"), again=done)
    dispatch = execute.start_dispatch(terms, tip, [None])
    run = Run(terms, dispatch)
    schedule = Schedule(status.plan, status.satisfied_steps(), [step.id])
    summary = execute.carry_out(run, schedule, means, execute.in_threads)
    worktrees.hold(worktree, dispatch.tip.commit)  # the files stay as they are
    if summary.landed:  # a person may have gone on meanwhile
        leftovers.put_away_person_worktree(plan, prepare.purpose_of(step.step))
        return summary
    again = f"{done}  # once it is mended in {worktree.path}"
    return replace(summary, hint=summary.hint or again)


def _event(means: Means, plan: OpenPlan, status: Status, number: int | None) -> StepStatus | None:
    """The step whose event a person confirms: the one with that number, else the next one that
    waits for a person, where nobody works on another.
    """
    satisfied = status.satisfied_steps()
    if number is not None:
        meant = [step for step in status.steps if step.number == number and step.kind == "wait"]
        for step in meant:
            if step.id not in satisfied:
                fix.refuse_early(status, step)
        return next((step for step in meant if step.id not in satisfied), None)
    ready = graph.ready_steps(status.plan, satisfied, status.skipped)
    persons = next((step for step in ready if step.waits_for_person), None)
    if persons is None or persons.kind != "wait" or fix.waiting(means, plan, status):
        return None
    return status.steps[status.plan.position(persons.id) - 1]


def _confirm(
    plan: OpenPlan, means: Means, grant: Grant, options: Options, step: StepStatus
) -> Summary:
    """Land a step that waits, because a person says that its event has come."""
    status = plan.status()
    plan.refuse_checked_out()
    tip = status.branch.tip if status.branch is not None else ""
    done = f"git orch done {ids.short(plan.id)} {step.number}"
    terms = replace(execute.begin(plan, status, options, grant, means, "done"), again=done)
    run = Run(terms, execute.start_dispatch(terms, tip, [None]))
    schedule = Schedule(status.plan, status.satisfied_steps(), [step.id])
    return execute.carry_out(run, schedule, means, execute.in_threads)


def is_conflict_meant(plan: OpenPlan) -> bool:
    """Whether a conflict waits, and nobody stands in the worktree of a step."""
    if conflict.waiting(plan) is None:
        return False
    of_steps = set(worktrees.purposes(plan.repository, plan.id)) - {conflict_record.PURPOSE}
    places = [worktrees.path_of(plan.repository, plan.id, purpose) for purpose in of_steps]
    return plan.repository.top not in places


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
