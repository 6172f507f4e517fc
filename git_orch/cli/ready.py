"""git orch ready: mark an idea ready for its spec."""

from __future__ import annotations

import click

from git_orch.cli import here, ideas
from git_orch.views import console


@click.command("ready")
@here.plan_argument
@click.option("--undo", is_flag=True, help="Make a ready plan a draft again.")
def command(plan: str | None, *, undo: bool) -> None:
    """Mark an idea ready: git orch orchestrate writes its spec."""
    from git_orch.flow.documents import draft

    with here.open_plan(ideas.only(plan), idea=True) as opened:
        changed = draft.set_ready(opened, ready=not undo)
    word = "a draft" if undo else "ready"
    console.out(f"{opened.name} is {word}{'' if changed else ' already'}")
    console.out(f"next: git orch {'ready' if undo else 'spec'} {opened.name}")
