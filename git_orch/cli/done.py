"""git orch done: check and commit what you did by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from git_orch.cli import exec as exec_command
from git_orch.cli import here, words
from git_orch.flow.run import hand_in
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan


@click.command("done")
@words.plan_and_step_arguments
def command(plan: str | None, step: str | None) -> int:
    """Verify and land your work on a step, from the worktree that exec or fix named."""
    from git_orch.flow.run.options import Options
    from git_orch.repo import settings
    from git_orch.repo.local import runs

    handle, number = words.plan_and_step(plan, step)
    if handle is None:
        handle = words.plan_here(here.find_repository())
    with here.open_plan(handle) as opened:
        if number is None and hand_in.is_conflict_meant(opened):
            return _go_on(opened)
        options = Options(settings.of_user(opened.repository).model)
        with runs.record(opened.place):
            summary = hand_in.hand_in(opened, options, number)
            after = opened.status()
            runs.record_end(opened.place, summary.exit_code)
    exec_command.conclude(after, summary)
    return summary.exit_code


def _go_on(opened: OpenPlan) -> int:
    """Go on with the landing or rebase whose conflict somebody has resolved."""
    from git_orch.cli import land as land_command
    from git_orch.cli import rebase as rebase_command
    from git_orch.flow.branch import conflict, land

    before = opened.status()
    operation = conflict.settle(opened)
    if operation.command == "rebase":
        for line in rebase_command.rebase(opened, operation.onto):
            console.out(line)
        return 0
    mode = cast("land.Mode", operation.mode)
    terms = land.Terms(mode, operation.partial, operation.unverified)
    land_command.show(before, land.land(opened, operation.onto, terms))
    return 0
