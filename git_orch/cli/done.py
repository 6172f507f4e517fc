"""git orch done: check and commit what you did by hand."""

from __future__ import annotations

import click

from git_orch.cli import exec as exec_command
from git_orch.cli import here, words
from git_orch.flow.run import hand_in


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
        options = Options(settings.of_user(opened.repository).model)
        with runs.record(opened.place):
            summary = hand_in.hand_in(opened, options, number)
            after = opened.status()
            runs.record_end(opened.place, summary.exit_code)
    exec_command.conclude(after, summary)
    return summary.exit_code
