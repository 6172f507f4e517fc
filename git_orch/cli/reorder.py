"""git orch reorder: change the order of the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.repo.worktree.conflict_record import Operation


@click.command("reorder")
@click.argument("plan", required=False, metavar="[PLAN]")
@click.argument("order", required=False, metavar="LIST")
def command(plan: str | None, order: str | None) -> None:
    """Put the steps into the order LIST, such as 3,1,2: in the text and, where they have landed, on
    the branch.
    """
    handle, typed = words.plan_and_steps(plan, order)
    listed = words.required(typed)
    with here.open_plan(handle) as opened:
        name = opened.name
        count = len(opened.status().steps)
        numbers = [int(part) if part.strip().isdecimal() else 0 for part in listed.split(",")]
        if sorted(numbers) != list(range(1, count + 1)):
            raise errors.UsageError(
                f"'{listed}' does not name each of the {count} steps once", f"git orch show {name}"
            )
        reorder(opened, numbers)


def reorder(opened: OpenPlan, numbers: list[int]) -> None:
    """Put the steps into this order, and say so."""
    from git_orch.flow.branch import rewrite

    done, name = rewrite.reorder(opened, numbers), opened.name
    if done is not None:
        rewrite.report(opened, done)
    console.out(f"{name}: the steps stand in the order {', '.join(map(str, numbers))} now")
    console.out(
        f"next: git orch show {name}"
        if done is None
        else f"next: git orch undo {name}  # takes this back"
    )


def go_on(opened: OpenPlan, operation: Operation) -> None:
    """Go on with what a conflict has stopped."""
    from git_orch.flow.branch import conflict

    reorder(opened, conflict.numbers(opened, operation))
