"""git orch rebase: put a plan onto another base."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.views import console


@click.command("rebase")
@here.plan_argument
@click.option(
    "--onto", metavar="REF", help="A branch or a commit; else the branch that the plan was made on."
)
def command(plan: str | None, onto: str | None) -> None:
    """Pick all commits of the plan branch onto another base; the checks of steps whose tree changes
    run again.
    """
    from git_orch.flow.branch import rewrite
    from git_orch.flow.planning import base as basing
    from git_orch.repo import refs

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
        base = basing.choose_base(opened.repository, ref)
        done = rewrite.rebase(opened, base)
        if done is not None:
            rewrite.report(opened, done)
    if done is None:
        console.out(f"{name}: already based on {ref.removeprefix('refs/heads/')}")
        return
    console.out(f"{name}: it starts from {(base.commit or '')[:10]} now")
    console.out(f"next: git orch undo {name}  # takes this back")
