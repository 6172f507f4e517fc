"""git orch log: show the history of a plan."""

from __future__ import annotations

import json

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans.history import acts
from git_orch.views import console, live, report


@click.command("log", cls=here.SINCE)
@here.plan_argument
@here.json_option
@click.option("--oneline", is_flag=True, help="Print one line for each entry.")
@click.option("--all", "everything", is_flag=True, help="Print all events, oldest first.")
@click.option("-n", "--max-count", type=click.IntRange(min=1), help="Print only the last N.")
@here.since_option("Print only what came after this event.")
def command(
    plan: str | None,
    *,
    as_json: bool,
    oneline: bool,
    everything: bool,
    max_count: int | None,
    since: str | None,
) -> None:
    """Show the history of a plan, newest first. With --json print the events as the log stores
    them.
    """
    if oneline and everything:
        raise errors.UsageError("--oneline cannot be used with --all", "git orch log -h")
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    if as_json or everything:
        events = [event for event in status.log.events if event.id > (since or "")]
        events = events[-max_count:] if max_count else events
        if as_json:
            here.print_json([json.loads(event.line()) for event in events])
            return
        for event in events:
            console.out(live.event_line(event))
        return
    done = [act for act in acts.history(status.log.events) if act.id > (since or "")]
    for act in reversed(done[-max_count:] if max_count else done):
        time = console.Styled(report.when(act.id)[:16].replace("T", " "), "dim")
        by = [] if oneline or not act.actor else [console.Styled(f"  ({act.actor})", "dim")]
        console.out(time, "  ", console.indented(console.excerpt(act.text), 18), *by)
        for line in () if oneline else act.lines:
            text = console.indented(console.excerpt(line), 18)
            console.out(console.Styled(" " * 18 + text, "dim"))
