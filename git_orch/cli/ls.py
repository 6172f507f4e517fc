"""git orch ls: all plans, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.repo.log import archive, catalog
from git_orch.views import console, documents, report

if TYPE_CHECKING:
    from git_orch.plans.history.status import Status
    from git_orch.repo.objects.objects import Objects
    from git_orch.repo.repository import Repository


@click.command("ls")
@click.option(
    "--open", "only_open", is_flag=True, help="Only plans that are not complete or rejected."
)
@click.option("--all", "with_archived", is_flag=True, help="Also plans that are archived.")
@here.json_option
def command(*, only_open: bool, with_archived: bool, as_json: bool) -> None:
    """Plans, oldest first, one a line."""
    if only_open and with_archived:
        raise errors.UsageError("--open and --all exclude each other", "git orch ls --all")
    found = here.repository()
    with here.reading(found) as database:
        statuses = [
            each for each in here.statuses(found, database) if each.is_open() or not only_open
        ]
        if with_archived:
            statuses = sorted([*statuses, *_archived(found, database)], key=lambda each: each.id)
        running = {each.id: here.is_running(found, each.id) for each in statuses}
    if as_json:
        here.print_json([documents.document(each, running=running[each.id]) for each in statuses])
        return
    for each in statuses:
        console.out(*report.headline(each, running=running[each.id]))


def _archived(found: Repository, database: Objects) -> list[Status]:
    """The archived plans; of notes that are none, somebody is told how many there are."""
    put_away = archive.read(found, database)
    statuses = catalog.of_notes(found, database, put_away)
    if put_away.damaged:
        console.err(f"note: {put_away.damaged} of the notes in the archive cannot be read")
    return statuses
