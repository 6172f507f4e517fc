"""git orch rebase: put a plan onto another base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import giving_up, here
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan


@click.command("rebase")
@here.plan_argument
@click.option(
    "--onto", metavar="REF", help="A branch or a commit; else the branch that the plan was made on."
)
@click.option(
    "--abort", is_flag=True, help="Give up a rebase that waits for a conflict; keep the work on it."
)
def command(plan: str | None, onto: str | None, *, abort: bool) -> None:
    """Pick all commits of the plan branch onto another base; the checks of steps whose tree changes
    run again.
    """
    from git_orch.flow.planning import base as basing
    from git_orch.repo import refs

    if abort:
        giving_up.give_up(plan, "rebase")
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
        lines = rebase(opened, ref)
    for line in lines:
        console.out(line)


def rebase(opened: OpenPlan, ref: str) -> list[str]:
    """Put a plan onto a branch or a commit; gives what to say of it."""
    from git_orch.flow.branch import rewrite
    from git_orch.flow.planning import base as basing

    base = basing.choose_base(opened.repository, ref)
    done = rewrite.rebase(opened, base)
    if done is None:
        return [f"{opened.name}: already based on {ref.removeprefix('refs/heads/')}"]
    rewrite.report(opened, done)
    return [
        f"{opened.name}: it starts from {(base.commit or '')[:10]} now",
        f"next: git orch undo {opened.name}  # takes this back",
    ]
