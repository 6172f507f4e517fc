"""git orch log: the events of a plan."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.views import console, live


@click.command("log")
@here.plan_argument
@here.json_option
@click.option("-n", "--max-count", type=click.IntRange(min=1), help="Only the last N events.")
def command(plan: str | None, *, as_json: bool, max_count: int | None) -> None:
    """The events of a plan, oldest first; with --json one JSON object a line, as they are stored."""
    repository = here.find_repository()
    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, plan)
    for event in status.log.events[-max_count:] if max_count else status.log.events:
        if as_json:
            console.out(event.line().decode("ascii").rstrip("\n"))
        else:
            console.out(live.event_line(event))
