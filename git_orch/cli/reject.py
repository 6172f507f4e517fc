"""git orch reject: reject a plan and archive it."""

from __future__ import annotations

import click

from git_orch import errors, notices
from git_orch.cli import here
from git_orch.plans import sentences
from git_orch.views import console


@click.command("reject")
@here.plan_argument
@click.option("--why", required=True, metavar="TEXT", help="The reason; the log keeps it.")
def command(plan: str | None, why: str) -> None:
    """The old name of git orch archive --why."""
    notices.tell("'git orch reject' is 'git orch archive --why' now")
    if not why.strip():
        raise errors.UsageError("--why is empty", "git orch archive --why 'what is wrong with it'")
    reject(plan, why.strip())


def reject(plan: str | None, why: str) -> None:
    """Reject a plan: exec refuses it until it is edited, and an approval on this machine ends."""
    from git_orch.flow.approval import approve
    from git_orch.flow.branch import archive
    from git_orch.repo.worktree import worktrees

    with here.open_plan(plan, idea=True) as opened:
        approve.reject(opened, why)
        checked_out = worktrees.checkout_of(opened.repository, opened.ref)
        if checked_out is None:
            archive.archive(opened, "rejected")
    here.give({"plan": opened.id, "why": why, "archived": checked_out is None})
    name = opened.name
    archived = (
        ", and archived"
        if checked_out is None
        else f"; its branch is checked out in {sentences.quoted(checked_out)}"
    )
    console.out(f"{name} REJECTED{archived}")
    console.out(f"next: git orch edit {name}  # which brings it back")
