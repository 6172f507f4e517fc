"""git orch ls: all plans, one a line."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here, listing
from git_orch.repo import localfiles


@click.command("ls")
@click.option(
    "--open", "only_open", is_flag=True, help="Only plans that are not complete or rejected."
)
@click.option("--all", "with_archived", is_flag=True, help="Also plans that are archived.")
@click.option("--full", is_flag=True, help="With --json: each plan as `show --json` has it.")
@here.json_option
def command(*, only_open: bool, with_archived: bool, full: bool, as_json: bool) -> None:
    """Plans, oldest first, one a line."""
    if only_open and with_archived:
        raise errors.UsageError("--open cannot be used with --all", "git orch ls --all")
    if full and not as_json:
        raise errors.UsageError("--full is for --json", "git orch ls --json --full")
    if not full:
        listing.ls(only_open=only_open, with_archived=with_archived, as_json=as_json)
        return
    repository = here.find_repository()
    with here.open_objects(repository) as database:
        asked = here.Everything(with_archived=with_archived)
        every = here.every_status(repository, database, asked)
    statuses = [status for status in every if status.is_open() or not only_open]
    running = localfiles.held(repository, [status.id for status in statuses])
    here.print_json(
        [
            here.plan_document(repository, status, running=status.id in running)
            for status in statuses
        ]
    )
