"""git orch rebase: put a plan onto another base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.cli import unfinished as unfinished_command
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.repo.worktree.conflict_record import Operation


@click.command("rebase")
@here.plan_argument
@click.option(
    "--onto",
    metavar="REF",
    help="A branch or a commit; by default the branch that the plan was made on.",
)
@unfinished_command.options
def command(
    plan: str | None, onto: str | None, *, unfinished: unfinished_command.Turn | None
) -> None:
    """Pick all commits of the plan branch onto another base. The checks of steps whose tree changes
    run again.
    """
    from git_orch.flow.planning import base as basing
    from git_orch.repo import refs

    if unfinished is not None:
        unfinished_command.settle(plan, "rebase", unfinished)
        return
    with here.open_plan(plan) as opened:
        name = opened.name
        ref = onto if onto is not None else opened.status().base.ref
        if ref is None:
            raise errors.UsageError(
                "the plan was made on a detached HEAD", f"git orch rebase {name} --onto main"
            )
        if onto is None and refs.value(opened.repository, ref) is None:
            hint = f"git branch --list; git orch rebase {name} --onto BRANCH  # its new name, say"
            raise basing.gone(opened, ref, f"git orch rebase {name}", hint)
        rebase(opened, ref)


def rebase(opened: OpenPlan, ref: str) -> None:
    """Put a plan onto a branch or a commit, and say so."""
    from git_orch.flow.branch import rewrite
    from git_orch.flow.planning import base as basing

    base = basing.choose_base(opened.repository, ref)
    done = rewrite.rebase(opened, base)
    if done is None:
        console.out(f"{opened.name}: already based on {ref.removeprefix('refs/heads/')}")
        return
    rewrite.report(opened, done)
    console.out(f"{opened.name}: it starts from {(base.commit or '')[:10]} now")
    console.out(f"next: git orch undo {opened.name}  # takes this back")


def go_on(opened: OpenPlan, operation: Operation) -> None:
    """Go on with what a conflict has stopped."""
    rebase(opened, operation.onto)
