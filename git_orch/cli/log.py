"""git orch log: the events of a plan."""

from __future__ import annotations

import json

import click

from git_orch.cli import here
from git_orch.views import console, live


@click.command("log", cls=here.SINCE)
@here.plan_argument
@here.json_option
@click.option("-n", "--max-count", type=click.IntRange(min=1), help="Only the last N events.")
@here.since_option("Only the events after this one.")
def command(plan: str | None, *, as_json: bool, max_count: int | None, since: str | None) -> None:
    """The events of a plan, oldest first; with --json a list of them, as they are stored."""
    repository = here.find_repository()
    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, plan)
    events = [event for event in status.log.events if event.id > (since or "")]
    events = events[-max_count:] if max_count else events
    if as_json:
        here.print_json([json.loads(event.line()) for event in events])
        return
    for event in events:
        console.out(live.event_line(event))
