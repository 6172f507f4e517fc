"""git orch archive: put a plan away."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from git_orch.cli import here
from git_orch.plans import sentences
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.branch.archive import PutAway


@click.command("archive")
@here.plan_argument
@click.option("--why", default="", metavar="TEXT", help="The reason, which the log keeps.")
def command(plan: str | None, why: str) -> None:
    """Put a plan away: its log goes to the archive, its branch goes, what is on it is kept."""
    from git_orch.flow.branch import archive

    with here.open_plan(plan, put_away=True) as opened:
        done = archive.archive(opened, why.strip() or "archived")
    here.give({"plan": opened.id, "why": why.strip(), **dataclasses.asdict(done)})
    name = opened.name
    console.out(f"{name} is archived; {_branch_text(opened.id, done)}")
    console.out(f"next: git orch unarchive {name}  # brings it back")


def _branch_text(plan_id: str, done: PutAway) -> str:
    if done.tip is None:
        return "it had no branch"
    where = (
        f"part of {sentences.quoted(done.merged.removeprefix('refs/heads/'))}"
        if done.merged is not None
        else "kept"
    )
    return f"branch orch/{plan_id} is gone, its tip {done.tip[:10]} is {where}"
