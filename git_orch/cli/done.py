"""git orch done: check and commit your work on a manual step."""

from __future__ import annotations

import click

from git_orch.cli import exec as exec_command
from git_orch.cli import here
from git_orch.flow.run import hand_in


@click.command("done")
@here.plan_argument
def command(plan: str | None) -> int:
    """Verify and land your work on the manual step that is next, from the worktree that exec named."""
    from git_orch.flow.run.options import Options
    from git_orch.repo import settings
    from git_orch.repo.local import runs

    with here.open_plan(plan) as opened:
        options = Options(settings.of_user(opened.repository).model)
        with runs.record(opened.place):
            summary = hand_in.hand_in(opened, options)
            after = opened.status()
            runs.record_end(opened.place, summary.exit_code)
    exec_command.conclude(after, summary)
    return summary.exit_code
