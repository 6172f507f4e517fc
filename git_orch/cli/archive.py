"""git orch archive: put a plan away."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans import sentences
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.branch.archive import PutAway


@click.command("archive")
@here.plan_argument
@click.option(
    "--why",
    metavar="TEXT",
    help="Reject the plan for this reason: exec refuses it until you edit it.",
)
@click.option("--undo", is_flag=True, help="Bring an archived plan back.")
def command(plan: str | None, why: str | None, *, undo: bool) -> None:
    """Put a plan away: its log goes to the archive, its branch goes, and git-orch keeps its tip."""
    if undo:
        _bring_back(plan, why)
        return
    if why is not None and not why.strip():
        raise errors.UsageError("--why is empty", "git orch archive --why 'what is wrong with it'")
    if why is not None and _can_be_rejected(plan):
        from git_orch.cli import reject

        reject.reject(plan, why.strip())
        return
    from git_orch.flow.branch import archive

    with here.open_plan(plan, put_away=True) as opened:
        done = archive.archive(opened, (why or "").strip() or "archived")
    here.give({"plan": opened.id, "why": (why or "").strip(), **dataclasses.asdict(done)})
    name = opened.name
    console.out(f"{name} is archived; {_branch_text(opened.id, done)}")
    console.out(f"next: git orch archive --undo {name}  # brings it back")


def _bring_back(plan: str | None, why: str | None) -> None:
    from git_orch.cli import unarchive

    if why is not None:
        raise errors.UsageError("--undo cannot be used with --why", "git orch archive -h")
    if plan is None:
        raise errors.UsageError("no plan given", "git orch ls --all")
    unarchive.bring_back(plan)


def _can_be_rejected(plan: str | None) -> bool:
    """Whether the plan is open and none of its steps is done: what is done with cannot be rejected."""
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    return status.is_open() and all(step.commit is None for step in status.steps)


def _branch_text(plan_id: str, done: PutAway) -> str:
    if done.tip is None:
        return "it had no branch"
    where = (
        f"part of {sentences.quoted(done.merged.removeprefix('refs/heads/'))}"
        if done.merged is not None
        else "kept"
    )
    return f"branch orch/{plan_id} is gone, its tip {done.tip[:10]} is {where}"
