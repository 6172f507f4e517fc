"""git orch ls: all plans, one a line."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.views import console, report


@click.command("ls")
@click.option("--open", "only_open", is_flag=True, help="Only plans that are not complete or rejected.")
@here.json_option
def command(*, only_open: bool, as_json: bool) -> None:
    """All plans, oldest first, one a line."""
    found = here.repository()
    with here.reading(found) as database:
        statuses = [each for each in here.statuses(found, database) if each.is_open() or not only_open]
        running = {each.id: here.is_running(found, each.id) for each in statuses}
    if as_json:
        here.print_json([report.document(each, running=running[each.id]) for each in statuses])
        return
    for each in statuses:
        console.out(*report.headline(each, running=running[each.id]))
