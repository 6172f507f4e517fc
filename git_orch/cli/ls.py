"""git orch ls: all plans, one a line."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.views import console, documents, report


@click.command("ls")
@click.option(
    "--open", "only_open", is_flag=True, help="Only plans that are not complete or rejected."
)
@click.option("--all", "with_archived", is_flag=True, help="Also plans that are archived.")
@here.json_option
def command(*, only_open: bool, with_archived: bool, as_json: bool) -> None:
    """Plans, oldest first, one a line."""
    if only_open and with_archived:
        raise errors.UsageError("--open cannot be used with --all", "git orch ls --all")
    repository = here.find_repository()
    with here.open_objects(repository) as database:
        every = here.every_status(repository, database, with_archived=with_archived)
        statuses = [status for status in every if status.is_open() or not only_open]
        running = {status.id: here.is_running(repository, status.id) for status in statuses}
    if as_json:
        here.print_json(
            [documents.document(status, running=running[status.id]) for status in statuses]
        )
        return
    for status in statuses:
        console.out(*report.headline(status, running=running[status.id]))
