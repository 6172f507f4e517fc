"""git orch status: open plans and what to do next."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.views import console, report


@click.command("status")
@here.plan_argument
@here.json_option
def command(plan: str | None, *, as_json: bool) -> None:
    """Open plans and what to do next; with PLAN, that one."""
    found = here.repository()
    with here.reading(found) as database:
        if plan is not None:
            statuses = [here.status_of(found, database, plan)]
        else:
            statuses = [each for each in here.statuses(found, database) if each.is_open()]
        running = {each.id: here.is_running(found, each.id) for each in statuses}
    if as_json:
        here.print_json([report.document(each, running=running[each.id]) for each in statuses])
        return
    if not statuses:
        console.out('no plan is open; begin with: git orch plan "what to do"')
    for each in statuses:
        console.out(*report.headline(each, running=running[each.id]))
    if len(statuses) == 1:
        for line in report.step_lines(statuses[0]):
            console.out(*line)
        console.out(*report.next_command(statuses[0], running=running[statuses[0].id]))
