"""git orch pick: some steps of a plan on another branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, land, words
from git_orch.plans import ids, selection, sentences
from git_orch.plans.history.status import Status
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.branch.pick_by_hand import Picked


@click.command("pick")
@click.argument("plan", required=False, metavar="[PLAN]")
@click.argument("steps", required=False, metavar="STEPS")
@click.option("--onto", metavar="BRANCH", help="The branch; by default the one you are on.")
@click.option("--force", is_flag=True, help="Also without the steps that the picked ones need.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be picked, or what does not fit; change nothing.",
)
@click.option(
    "--continue", "unfinished", flag_value="continue", help="Go on with a pick that stopped here."
)
@click.option("--abort", "unfinished", flag_value="abort", help="Give up a pick that stopped here.")
def command(
    plan: str | None,
    steps: str | None,
    *,
    onto: str | None,
    force: bool,
    dry_run: bool,
    unfinished: str | None,
) -> None:
    """Put the commits of STEPS (2,4 or 2-4) onto a branch."""
    if unfinished is not None:
        if steps is not None or onto is not None or force or dry_run:
            raise errors.UsageError(f"--{unfinished} stands alone", f"git orch pick --{unfinished}")
        settle(plan, abort=unfinished == "abort")
        return
    from git_orch.flow.branch import pick

    handle, typed = words.plan_and_steps(plan, steps)
    chosen = words.required(typed)
    with here.open_plan(handle) as opened:
        before = opened.status()
        numbers = selection.numbers(chosen, len(before.steps))
        picked = pick.pick(opened, numbers, onto, force=force, dry_run=dry_run)
    document = picked._asdict() if picked is not None else None
    here.give({"plan": opened.id, "dry_run": dry_run, "picked": document})
    if picked is None:
        console.out(f"{opened.name}: nothing to pick")
        return
    _print(picked, before, dry_run=dry_run)


def settle(plan: str | None, *, abort: bool) -> None:
    """Go on with the pick that stopped where the user stands, or give it up. Raises Refused for
    another plan's.
    """
    from git_orch.flow.branch import pick
    from git_orch.views.progress import ConsoleReporter

    repository = here.find_repository()
    _, record = pick.waiting(repository)
    if plan is not None and here.plan_id(repository, plan) != record.plan:
        raise errors.Refused(
            f"the pick that waits here is of '{ids.short(record.plan)}'",
            f"git orch pick {'--abort' if abort else '--continue'}",
        )
    reporter = ConsoleReporter()
    picked = pick.give_up(repository, reporter) if abort else pick.go_on(repository, reporter)
    here.give({"plan": record.plan, "dry_run": False, "picked": picked._asdict()})
    branch = picked.ref.removeprefix("refs/heads/")
    if picked.commits:
        with here.open_objects(repository) as database:
            _print(picked, here.status_of(repository, database, record.plan), dry_run=False)
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
