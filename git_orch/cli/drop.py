"""git orch drop: take one step out of the middle of a plan branch."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.views import console


@click.command("drop")
@click.argument("step", type=int, metavar="N")
@here.plan_argument
def command(step: int, plan: str | None) -> None:
    """Take the commit of step N off the branch; the later ones are picked onto what is below it."""
    from git_orch.flow.branch import rewrite

    with here.open_plan(plan) as opened:
        done = rewrite.drop(opened, step)
        rewrite.report(opened, done)
    name = opened.name
    console.out(f"{name}: step {step} is dropped; git orch exec does it again")
    console.out(f"next: git orch rollback --undo {name}  # takes this back")
