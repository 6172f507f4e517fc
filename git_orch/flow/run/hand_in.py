"""Handing in a manual step: verify and land what a person did for it."""

from __future__ import annotations

import shlex

from git_orch import errors
from git_orch.flow.approval import required
from git_orch.flow.attempt import prepare
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.run import execute
from git_orch.flow.run.execute import Summary
from git_orch.flow.run.options import Options
from git_orch.flow.run.run import Run
from git_orch.plans import graph, ids, sentences
from git_orch.plans.schedule import Schedule
from git_orch.repo.worktree import worktrees


def hand_in(plan: OpenPlan, options: Options) -> Summary:
    """Verify and land what a person did for the manual step that is next. Raises Refused when none
    is.
    """
    status = plan.status()
    step = next(
        (
            ready_step
            for ready_step in graph.ready_steps(status.plan, status.satisfied_steps())
            if ready_step.kind == "manual"
        ),
        None,
    )
    if step is None or status.branch is None:
        raise errors.Refused(
            "no manual step is waiting for its work", f"git orch exec {ids.short(plan.id)}"
        )
    grant = required.require_approval(plan, status)
    plan.refuse_checked_out()
    means = prepare.means(plan)
    worktree = prepare.existing_manual_worktree(means, plan.id)
    if worktree is None:
        number = status.plan.position(step.id)
        raise errors.Refused(
            f"there is no worktree with the work for step {number}",
            f"git orch exec {ids.short(plan.id)}  # makes it",
        )
    head = worktrees.head(worktree)
    if not plan.is_ancestor(status.branch.tip, head):
        raise errors.Busy(
            f"the branch has moved on since the work in {sentences.quoted(worktree.path)} began",
            f"git -C {shlex.quote(str(worktree.path))} checkout --merge --detach "
            f"{status.branch.tip[:12]}",
        )
    if head != status.branch.tip:
        plan.keep([head], f"commits made for step {status.plan.position(step.id)}")
    terms = execute.begin(plan, status, options, grant, means)
    dispatch = execute.start_dispatch(terms, status.branch.tip, [None])
    run = Run(terms, dispatch)
    schedule = Schedule(status.plan, status.satisfied_steps(), [step.id])
    summary = execute.carry_out(run, schedule, means, execute.in_threads)
    if summary.landed:
        worktrees.remove(plan.repository, plan.id, "manual")
    else:
        worktrees.hold(worktree, dispatch.tip.commit)  # a person goes on with the same files
    return summary
