"""git orch drop: take one step out of the middle of a plan branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch.cli import here, words
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.repo.worktree.conflict_record import Operation


@click.command("drop")
@words.plan_and_step_arguments
def command(plan: str | None, step: str | None) -> None:
    """Take the commit of STEP off the branch, and pick the later steps onto the commit below it."""
    handle, typed = words.plan_and_step(plan, step)
    number = words.required(typed)
    with here.open_plan(handle) as opened:
        drop(opened, number)


def drop(opened: OpenPlan, number: int) -> None:
    """Drop a step, and say so."""
    from git_orch.flow.branch import rewrite

    rewrite.report(opened, rewrite.drop(opened, number))
    name = opened.name
    console.out(f"{name}: step {number} is dropped; git orch exec does it again")
    console.out(f"next: git orch undo {name}  # takes this back")


def go_on(opened: OpenPlan, operation: Operation) -> None:
    """Go on with what a conflict has stopped."""
    from git_orch.flow.branch import conflict

    [number] = conflict.numbers(opened, operation)
    drop(opened, number)
