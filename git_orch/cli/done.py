"""git orch done: hand in what a person did for a manual step."""

from __future__ import annotations

import click

from git_orch.cli import exec as exec_command
from git_orch.cli import here
from git_orch.flow.branch import opening
from git_orch.flow.run import hand_in
from git_orch.sandbox import secrecy


@click.command("done")
@here.plan_argument
def command(plan: str | None) -> int:
    """Verify and land your work on the manual step that is next, from the worktree that exec named."""
    secrecy.hide_keys()
    from git_orch.flow.run.options import Options
    from git_orch.repo import settings
    from git_orch.repo.local import runs
    from git_orch.views.progress import ConsoleReporter

    found = here.repository()
    plan_id = here.plan_id(found, plan)
    options = Options(settings.of_user(found).model)
    with (
        opening.opened(found, plan_id, ConsoleReporter(), warm=True) as opened,
        runs.recorded(found, plan_id),
    ):
        summary = hand_in.hand_in(opened, options)
        after = opened.status()
        runs.ended(found, plan_id, summary.exit_code)
    exec_command.conclude(after, summary)
    return summary.exit_code
