"""git orch ls: list all plans, one a line."""

from __future__ import annotations

import re

import click

from git_orch import errors
from git_orch.cli import here, listing, reading
from git_orch.repo import localfiles
from git_orch.views import console, document_list, headlines, report

_DATE = re.compile(r"([0-9]{4})(?:-?(0[1-9]|1[0-2])(?:-?(0[1-9]|[12][0-9]|3[01]))?)?", re.ASCII)


def _digits(_context: click.Context, _option: click.Parameter, date: str | None) -> str | None:
    """The digits of a day, a month or a year, such as 2025-10-14, 202510 or 2025."""
    typed = _DATE.fullmatch(date or "")
    if typed is not None:
        return "".join(part for part in typed.groups() if part is not None)
    if date is None:
        return None
    raise errors.UsageError(
        f"'{date}' is not a date such as 2025-10-14, 2025-10 or 2025", "git orch ls -h"
    )


@click.command("ls")
@click.argument(
    "kind", required=False, type=click.Choice(["plans", "specs"]), metavar="[plans|specs]"
)
@click.option("--owner", metavar="NAME", help="List only what belongs to NAME.")
@click.option(
    "--open",
    "only_open",
    is_flag=True,
    help="List only plans that are neither complete nor rejected.",
)
@click.option("--all", "with_archived", is_flag=True, help="List archived plans too.")
@click.option(
    "--date",
    callback=_digits,
    metavar="DATE",
    help="List only plans made on a day, or in a month or year: 2025-10-14, 2025-10.",
)
@click.option("--full", is_flag=True, help="With --json: each plan as `show --json` prints it.")
@here.json_option
def command(
    kind: str | None,
    *,
    owner: str | None,
    only_open: bool,
    with_archived: bool,
    date: str | None,
    full: bool,
    as_json: bool,
) -> None:
    """List plans, oldest first, one a line. `ls plans` and `ls specs` list documents: their whole
    IDs, how far they are, and whom they belong to.
    """
    if only_open and with_archived:
        raise errors.UsageError("--open cannot be used with --all", "git orch ls --all")
    if full and not as_json:
        raise errors.UsageError("--full is for --json", "git orch ls --json --full")
    if not full and kind is None and owner is None:
        listing.ls(only_open=only_open, with_archived=with_archived, as_json=as_json, date=date)
        return
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        asked = reading.Everything(with_archived=with_archived)
        every = reading.every_status(repository, database, asked)
    statuses = [
        status
        for status in every
        if (status.is_open() or not only_open)
        and (date is None or listing.made_on(status.id, date))
        and (owner is None or status.owner.casefold() == owner.strip().casefold())
        and (kind != "specs" or bool(status.plan.steps))
    ]
    if not as_json:
        console.out_lines(document_list.lines(statuses, of_specs=kind == "specs"))
        return
    running = localfiles.held(repository, [status.id for status in statuses])
    if not full:
        short = [report.summary(status) for status in statuses]
        here.print_json([headlines.document(plan, running=plan.id in running) for plan in short])
        return
    here.print_json(
        [
            here.plan_document(repository, status, running=status.id in running)
            for status in statuses
        ]
    )
