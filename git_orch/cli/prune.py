"""git orch prune: remove what is old, and what no plan needs any more."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.repo import settings
from git_orch.repo.objects import objects
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.branch.prune import Gone

_OLDEST = 36_500  # days
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@click.command("prune")
@click.option(
    "--older-than",
    "days",
    type=here.Amount(_OLDEST),
    metavar="DAYS",
    help="Remove only what is older; orch.keepDays by default, 0 for everything.",
)
@click.option(
    "-n", "--dry-run", is_flag=True, help="Print what the command would remove; remove nothing."
)
@here.json_option
def command(*, days: float | None, dry_run: bool, as_json: bool) -> None:
    """Remove old outputs, conversations, kept commits, worktrees and layers that no plan needs."""
    from git_orch.flow.branch import prune

    repository = here.find_repository()
    limit = float(settings.of_user(repository).keepDays) if days is None else days
    if days is None and limit == 0:
        raise errors.UsageError(
            "orch.keepDays is 0, which keeps everything", "git orch prune --older-than 30 --dry-run"
        )
    with contextlib.closing(objects.opened(repository)) as database:
        every = reading.every_status(repository, database, reading.Everything(with_archived=True))
        gone = prune.prune(repository, database, every, prune.Age(limit, dry_run))
    if as_json:
        things = [{"kind": thing.kind, "count": thing.things, "size": thing.size} for thing in gone]
        here.print_json({"older_than_days": limit, "dry_run": dry_run, "removed": things})
        return
    _print(gone, limit, dry_run=dry_run)


def _print(gone: list[Gone], days: float, *, dry_run: bool) -> None:
    for thing in gone:
        size = f"  {_size(thing.size):>10}" if thing.size is not None else ""
        console.out(f"{thing.kind:<20}  {thing.things:>6}{size}")
    age = f"older than {days:g} days"
    if not gone:
        console.out(f"nothing is {age} and not needed")
    elif dry_run:
        console.out(f"would remove these: {age}, and no plan needs them")
    else:
        console.out(f"removed: {age}, and no plan needed them")


def _size(size: float) -> str:
    """A size with its unit, such as 1.2 MB."""
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError
