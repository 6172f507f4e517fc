"""git orch pick: some steps of a plan on another branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, land, reading, words
from git_orch.cli import unfinished as unfinished_command
from git_orch.plans import ids, selection, sentences
from git_orch.plans.history.status import Status
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.branch.pick_by_hand import Picked
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.repo.worktree.conflict_record import Operation


@click.command("pick")
@click.argument("plan", required=False, metavar="[PLAN]")
@click.argument("steps", required=False, metavar="STEPS")
@click.option("--onto", metavar="BRANCH", help="The branch; by default the one you are on.")
@click.option("--force", is_flag=True, help="Pick steps without the steps that they need.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the commits to pick, or the conflicts; change nothing.",
)
@unfinished_command.options
def command(
    plan: str | None,
    steps: str | None,
    *,
    onto: str | None,
    force: bool,
    dry_run: bool,
    unfinished: unfinished_command.Turn | None,
) -> None:
    """Put the commits of STEPS (2,4 or 2-4) onto a branch."""
    if unfinished is not None:
        unfinished_command.refuse_others(unfinished)
        settle(plan, unfinished)
        return
    from git_orch.flow.branch import pick

    handle, typed = words.plan_and_steps(plan, steps)
    chosen = words.required(typed)
    with here.open_plan(handle) as opened:
        before = opened.status()
        numbers = selection.numbers(chosen, len(before.steps))
        picked = pick.pick(opened, numbers, onto, force=force, dry_run=dry_run)
        show(opened, before, picked, dry_run=dry_run)


def show(opened: OpenPlan, before: Status, picked: Picked | None, *, dry_run: bool = False) -> None:
    """Say what was picked, or would be."""
    document = picked._asdict() if picked is not None else None
    here.give({"plan": opened.id, "dry_run": dry_run, "picked": document})
    if picked is None:
        console.out(f"{opened.name}: nothing to pick")
        return
    _print(picked, before, dry_run=dry_run)


def settle(plan: str | None, turn: unfinished_command.Turn) -> None:
    """Go on with the pick that stopped where the user stands, or else in a worktree that it named;
    or give it up. Raises Refused for another plan's.
    """
    from git_orch.flow.branch import pick
    from git_orch.views.progress import ConsoleReporter

    repository = here.find_repository()
    if not pick.waits_here(repository) and words.plan_in_conflict(repository) is not None:
        unfinished_command.settle(plan, "pick", turn)
        return
    _, record = pick.waiting(repository)
    if plan is not None and reading.plan_id(repository, plan) != record.plan:
        raise errors.Refused(
            f"the waiting pick is of '{ids.short(record.plan)}'",
            f"git orch pick --{turn}",
        )
    reporter = ConsoleReporter()
    end = pick.give_up if turn == "abort" else pick.go_on
    picked = end(repository, reporter)
    here.give({"plan": record.plan, "dry_run": False, "picked": picked._asdict()})
    branch = picked.ref.removeprefix("refs/heads/")
    if picked.commits:
        with reading.open_objects(repository) as database:
            _print(picked, reading.status_of(repository, database, record.plan), dry_run=False)
    elif picked.new == picked.old:
        console.out(
            f"everything is as before the pick: {sentences.quoted(branch)} is at {picked.old[:10]}"
        )
    else:
        console.out(
            f"no step of the pick is on {sentences.quoted(branch)}, which is at {picked.new[:10]} "
            "now"
        )


def _print(picked: Picked, before: Status, *, dry_run: bool) -> None:
    branch, word = (
        picked.ref.removeprefix("refs/heads/"),
        "would be picked" if dry_run else "picked",
    )
    console.out(
        f"{ids.short(before.id)} {word} onto {sentences.quoted(branch)}: {picked.old[:10]} -> "
        f"{picked.new[:10]}"
    )
    for line in land.step_lines(before, picked.commits):
        console.out(line)


def go_on(opened: OpenPlan, operation: Operation) -> None:
    """Go on with what a conflict has stopped."""
    from git_orch.flow.branch import conflict, pick

    before, steps = opened.status(), conflict.numbers(opened, operation)
    force = "force" in operation.flags
    show(opened, before, pick.pick(opened, steps, operation.onto, force=force))
