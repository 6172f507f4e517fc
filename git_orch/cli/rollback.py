"""git orch rollback: take steps back."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import ids
from git_orch.views import console, report


@click.command("rollback")
@here.plan_argument
@click.option("--to-step", type=int, metavar="N", help="Back to where step N left it; else to the cover commit.")
@click.option("--undo", is_flag=True, help="Take the last rollback back.")
@click.option("--checkout", is_flag=True, help="Also where the branch is checked out; local changes are kept.")
def command(plan: str | None, *, to_step: int | None, undo: bool, checkout: bool) -> None:
    """Move the plan branch back: a ref reset. What it leaves is kept; your files are not touched."""
    if undo and to_step is not None:
        raise errors.UsageError("--undo and --to-step exclude each other", "git orch rollback --undo")
    from git_orch.flow import openplan, rollback
    from git_orch.views.progress import ConsoleReporter

    found = here.repository()
    plan_id = here.plan_id(found, plan)
    with openplan.opened(found, plan_id, ConsoleReporter()) as opened:
        moved = (
            rollback.undo(opened, in_checkout=checkout)
            if undo
            else rollback.roll_back(opened, to_step, in_checkout=checkout)
        )
        after = opened.status()
    name = ids.short(plan_id)
    if moved is None:
        console.out(f"{name}: nothing to roll back")
        return
    steps = ", ".join(str(number) for number in moved.steps) or "none"
    word = "done again" if undo else "taken back"
    console.out(f"{name}: branch moved from {moved.old[:10]} to {moved.new[:10]}; steps {word}: {steps}")
    console.out(f"{moved.old[:10]} is kept; ignored files and files outside the repository were not touched")
    if undo:
        console.out(*report.next_command(after, running=False))
    else:
        console.out(f"next: git orch rollback --undo {name}")
