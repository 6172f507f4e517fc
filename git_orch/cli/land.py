"""git orch land: bring a plan home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import click

from git_orch.cli import here, reading
from git_orch.cli import unfinished as unfinished_command
from git_orch.plans import ids, sentences
from git_orch.plans.history.status import Status
from git_orch.repo import settings
from git_orch.views import console, progress

if TYPE_CHECKING:
    from git_orch.flow.branch.land import Landing, Mode
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.repo.worktree.conflict_record import Operation


@click.command("land")
@here.plan_argument
@click.option(
    "--onto", metavar="BRANCH", help="The branch; by default the one that the plan was made on."
)
@click.option("--merge", "mode", flag_value="merge", help="Land with a merge commit.")
@click.option(
    "--rebase",
    "mode",
    flag_value="rebase",
    help="Put the step commits on top of the branch, without the cover.",
)
@click.option(
    "--squash", "mode", flag_value="squash", help="Make one commit that claims all steps."
)
@click.option(
    "--ff-only",
    "mode",
    flag_value="ff-only",
    help="Only move the branch forward to the plan's tip.",
)
@click.option(
    "--partial",
    is_flag=True,
    help="Land the done steps of an unfinished plan; it stays open.",
)
@click.option(
    "--unverified",
    is_flag=True,
    help="Land a plan that this machine has not verified; the log says so.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the steps that would land, or the conflicts; change nothing.",
)
@unfinished_command.options
@here.json_option
def command(
    plan: str | None,
    *,
    onto: str | None,
    mode: Mode | None,
    partial: bool,
    unverified: bool,
    dry_run: bool,
    unfinished: unfinished_command.Turn | None,
    as_json: bool,
) -> None:
    """Bring a finished plan to your branch, and archive it. git-orch never overwrites an
    uncommitted file. Without an option orch.land names the way; its default is merge.
    """
    from git_orch.flow.branch import land

    if unfinished is not None:
        unfinished_command.settle(plan, "land", unfinished)
        return
    if plan is not None and (done := reading.landed_and_archived(plan)) is not None:
        landing = done.landed
        if landing is not None and onto in (None, landing.ref, landing.branch()):
            here.give(
                {
                    "plan": done.id,
                    "mode": "found",
                    "ref": landing.ref,
                    "from": landing.new,
                    "to": landing.new,
                    "commits": dict(landing.commits),
                    "archived": True,
                    "code": [],
                    "dry_run": dry_run,
                    "review": {},
                }
            )
            console.out(
                f"{ids.short(done.id)} landed on {sentences.quoted(landing.branch())} before, as "
                f"{landing.new[:10]}: "
                "nothing is left to land"
            )
            return
    with here.open_plan(plan) as opened:
        before = opened.status()
        way = mode or cast("Mode", settings.of_user(opened.repository).land)
        landed = land.land(opened, onto, land.Terms(way, partial, unverified, dry_run))
    if as_json:
        reviews = {str(number): [*why] for number, why in _reviews(before, landed).items()}
        document = _document(opened.id, landed, dry_run=dry_run)
        here.print_json({**document, "review": reviews})
    else:
        show(before, landed, dry_run=dry_run)


def _document(plan_id: str, landed: Landing, *, dry_run: bool) -> dict[str, object]:
    return {
        "plan": plan_id,
        "mode": landed.mode,
        "ref": landed.ref,
        "from": landed.old,
        "to": landed.new,
        "commits": dict(landed.commits),
        "archived": landed.archived,
        "code": list(landed.code),
        "dry_run": dry_run,
    }


def show(before: Status, landed: Landing, *, dry_run: bool = False) -> None:
    """Say what landed, or would land, and where."""
    name, branch = ids.short(before.id), landed.ref.removeprefix("refs/heads/")
    if landed.mode == "found":
        console.out(f"{name}: nothing to land: all of it is in {sentences.quoted(branch)} already")
    else:
        word = "would land" if dry_run else "landed"
        old = landed.old[:10] if landed.old is not None else "nothing"
        console.out(
            f"{name} {word} on {sentences.quoted(branch)} ({landed.mode}): {old} -> "
            f"{landed.new[:10]}"
        )
    for line in step_lines(before, landed.commits):
        console.out(line)
    for number, reasons in _reviews(before, landed).items():
        for reason in reasons:
            console.out(console.Styled(f"step {number} needs review: ", "yellow"), reason)
    if landed.code:
        console.out(console.Styled("review: ", "yellow"), progress.code_files_text(landed.code))
    if landed.archived:
        console.out(f"{name} is archived: git orch show {name}")


def _reviews(before: Status, landed: Landing) -> dict[int, tuple[str, ...]]:
    """By step number, why somebody should look at the landed work."""
    return {
        step.number: step.attempt.review
        for step in before.steps
        if step.id in landed.commits and step.attempt is not None and step.attempt.review
    }


def step_lines(before: Status, commits: Mapping[str, str]) -> list[str]:
    """A line for each step that became a commit."""
    return [
        f"  step {step.number}  {commits[step.id][:10]}  {step.title}"
        for step in before.steps
        if step.id in commits
    ]


def go_on(opened: OpenPlan, operation: Operation) -> None:
    """Go on with what a conflict has stopped."""
    from git_orch.flow.branch import land

    before = opened.status()
    show(before, land.land(opened, operation.onto, land.terms_of(operation)))
