"""git orch scout: show what a plan asks for, as a checklist."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

import click

from git_orch import errors
from git_orch.cli import exported, here, reading, requirements
from git_orch.plans.documents import checklist
from git_orch.repo import owners
from git_orch.views import checklist as view
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.plans.history.status import Status
    from git_orch.repo.repository import Repository


class _Changes(NamedTuple):
    ticked: tuple[str, ...]
    unticked: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    group: str | None


@click.command("scout")
@here.plan_argument
@click.option("--tick", "ticked", multiple=True, metavar="ITEM", help="Tick an item by hand.")
@click.option("--untick", "unticked", multiple=True, metavar="ITEM", help="Take its tick away.")
@click.option("--add", "added", multiple=True, metavar="TEXT", help="Add an item.")
@click.option("--group", metavar="GROUP", help="With --add: the group of the item.")
@click.option("--remove", "removed", multiple=True, metavar="ITEM", help="Take an item off.")
@click.option("--all", "whole", is_flag=True, help="Print a long list whole.")
@here.json_option
def command(
    plan: str | None,
    ticked: tuple[str, ...],
    unticked: tuple[str, ...],
    added: tuple[str, ...],
    group: str | None,
    removed: tuple[str, ...],
    *,
    whole: bool,
    as_json: bool,
) -> None:
    """Show the checklist of a plan: its steps, its criteria, the boxes of its idea. Items tick
    themselves when their steps are done and verified. The requirements of its spec stand below.
    PLAN may be a SPEC as well.
    """
    if group is not None and not added:
        raise errors.UsageError("--group goes with --add only", 'git orch scout --add "TEXT"')
    changes = _Changes(ticked, unticked, added, removed, group)
    if any(changes):
        _apply(plan, changes)
    repository = here.find_repository()
    status = _read(repository, plan)
    try:
        if exported.exchange(repository, status):
            status = _read(repository, status.id)
    except errors.Busy as busy:
        console.err(f"note: {busy.cause}")
    items = checklist.of(status)
    verdicts = requirements.of_status(repository, status)
    if as_json:
        here.print_json(view.document(status, items, verdicts))
    else:
        report = exported.report_line(repository, status)
        console.out_lines(view.lines(status, items, report, verdicts, whole=whole))


def _read(repository: Repository, plan: str | None) -> Status:
    with reading.open_objects(repository) as database:
        return reading.status_of(repository, database, plan)


def _apply(plan: str | None, changes: _Changes) -> None:
    """Change the checklist, once each item is found."""
    with contextlib.ExitStack() as stack:
        opened, _running = here.open_beside_runs(stack, plan, idea=True)
        _write(opened, changes)


def _write(plan: OpenPlan, changes: _Changes) -> None:
    from git_orch.flow.documents import checklist as flow

    who = owners.of_user(plan.repository)
    items = checklist.of(plan.status())
    ticked, unticked, removed = (
        [flow.chosen(plan, items, typed) for typed in typed_items]
        for typed_items in (changes.ticked, changes.unticked, changes.removed)
    )
    for text in changes.added:
        flow.add(plan, text, changes.group, who)
    flow.tick(plan, ticked, who)
    flow.untick(plan, unticked, who)
    flow.remove(plan, removed, who)
