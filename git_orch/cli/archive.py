"""git orch archive: put a plan away."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.plans import ids
from git_orch.views import console


@click.command("archive")
@here.plan_argument
@click.option("--why", default="", metavar="TEXT", help="The reason, which the log keeps.")
def command(plan: str | None, why: str) -> None:
    """Put a plan away: its log goes to the archive, its branch goes, what is on it is kept."""
    from git_orch.flow import archiving, openplan
    from git_orch.views.progress import ConsoleReporter

    found = here.repository()
    plan_id = here.plan_id(found, plan)
    with openplan.opened(found, plan_id, ConsoleReporter()) as opened:
        tip = opened.tip()
        archiving.archive(opened, why.strip() or "archived")
    name = ids.short(plan_id)
    gone = f"branch orch/{plan_id} is gone, its tip {tip[:10]} is kept" if tip is not None else "it had no branch"
    console.out(f"{name} is archived; {gone}")
    console.out(f"next: git orch unarchive {name}  # brings it back")
