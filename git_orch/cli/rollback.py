"""git orch rollback: take back steps."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.plans import sentences
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.branch.rollback import How, Moved
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.repo.worktree.conflict_record import Operation


_LAST = words.optional_value("--last", "1", re.compile(r"[-+]?[0-9]+"))


@click.command("rollback", cls=_LAST)
@here.plan_argument
@click.option(
    "--to-step",
    type=int,
    metavar="N",
    help="Go back to where step N left the branch.",
)
@click.option(
    "--last", type=click.IntRange(min=1), metavar="[N]", help="Take back the last N steps, or one."
)
@click.option(
    "--undo", is_flag=True, help="Take back the last rollback; git orch undo takes back any change."
)
@click.option(
    "--keep-user-commits", is_flag=True, help="Pick your own commits onto the steps that stay."
)
@click.option(
    "--checkout", is_flag=True, help="Also move a branch that is checked out; local changes stay."
)
@click.option("--dry-run", is_flag=True, help="Print the move; change nothing.")
def command(
    plan: str | None,
    to_step: int | None,
    last: int | None,
    *,
    undo: bool,
    keep_user_commits: bool,
    checkout: bool,
    dry_run: bool,
) -> None:
    """Take steps back, all of them without an option: a ref reset of the plan branch. git-orch
    keeps the old tip and leaves your files alone.
    """
    given = {"--to-step": to_step is not None, "--last": last is not None, "--undo": undo}
    named = [name for name, is_given in given.items() if is_given]
    if len(named) > 1:
        raise errors.UsageError(
            f"{named[0]} cannot be used with {' and '.join(named[1:])}", "git orch rollback -h"
        )
    if undo:
        from git_orch.cli import undo as undo_command
        from git_orch.plans.history import changes

        undo_command.run(plan, undo_command.Typed("back", checkout, dry_run, changes.REWRITES))
        return
    from git_orch.flow.branch import rollback

    how = rollback.How(in_checkout=checkout, keep_users_own=keep_user_commits, dry_run=dry_run)
    with here.open_plan(plan) as opened:
        moved = _roll_back(opened, to_step, last, how)
        show(opened, moved, dry_run=dry_run)


def show(opened: OpenPlan, moved: Moved | None, *, dry_run: bool = False) -> None:
    """Say what was rolled back, or would be."""
    name, after = opened.name, opened.status()
    given_data = dataclasses.asdict(moved) if moved is not None else None
    here.give({"plan": opened.id, "dry_run": dry_run, "undo": False, "moved": given_data})
    if moved is None:
        console.out(f"{name}: nothing to roll back")
        return
    everything = len(after.steps) == len(moved.steps) > 1
    steps = f"all {len(moved.steps)} steps" if everything else _named(moved)
    _print(name, moved, steps, dry_run=dry_run)
    if not dry_run:
        console.out(
            f"next: git orch undo {name}  # brings {'it' if len(moved.steps) == 1 else 'them'} again"
        )


def _roll_back(opened: OpenPlan, to_step: int | None, last: int | None, how: How) -> Moved | None:
    from git_orch.flow.branch import rollback

    if last is not None:
        return rollback.roll_back_last(opened, last, how)
    return rollback.roll_back(opened, to_step, how)


def _named(moved: Moved) -> str:
    return sentences.steps(moved.steps) if moved.steps else "no step"


def _print(name: str, moved: Moved, steps: str, *, dry_run: bool) -> None:
    branch = "branch would move" if dry_run else "branch moved"
    done = f"would roll back {steps}" if dry_run else f"rolled back {steps}"
    saved = "" if dry_run else f" (old tip {moved.old[:10]} saved)"
    console.out(f"{name}: {branch} from {moved.old[:10]} to {moved.new[:10]}; {done}{saved}")
    if dry_run and moved.cut:
        console.out(f"commits taken off: {', '.join(oid[:10] for oid in moved.cut)}")
    if moved.replayed and not dry_run:
        console.out(f"your commits are on it as {', '.join(oid[:10] for oid in moved.replayed)}")
    if not dry_run:
        console.out("ignored files and files outside the repository were not touched")


def go_on(opened: OpenPlan, operation: Operation) -> None:
    """Go on with what a conflict has stopped."""
    from git_orch.flow.branch import rollback

    show(opened, rollback.roll_back_again(opened, operation))
