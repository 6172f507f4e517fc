"""git orch drop: take one step out of the middle of a plan branch."""

from __future__ import annotations

import click

from git_orch.cli import here, words
from git_orch.views import console


@click.command("drop")
@words.plan_and_step_arguments
def command(plan: str | None, step: str | None) -> None:
    """Take the commit of STEP off the branch; the later ones are picked onto what is below it."""
    from git_orch.flow.branch import rewrite

    handle, typed = words.plan_and_step(plan, step)
    number = words.required(typed)
    with here.open_plan(handle) as opened:
        done = rewrite.drop(opened, number)
        rewrite.report(opened, done)
    name = opened.name
    console.out(f"{name}: step {number} is dropped; git orch exec does it again")
    console.out(f"next: git orch undo {name}  # takes this back")
