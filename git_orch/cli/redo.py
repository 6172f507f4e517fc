"""git orch redo: run one step again, in the middle of a plan."""

from __future__ import annotations

import contextlib

import click

from git_orch.cli import here, words
from git_orch.views import console


@click.command("redo")
@words.plan_and_step_arguments
@click.option(
    "-m",
    "--message",
    "remarks",
    multiple=True,
    metavar="TEXT",
    help="Say this to the step's model; another -m is another paragraph.",
)
@click.option("--model", metavar="MODEL", help="The model, if the step names none (orch.model).")
@here.budget_option
def command(
    plan: str | None,
    step: str | None,
    remarks: tuple[str, ...],
    model: str | None,
    max_usd: float | None,
) -> int:
    """Run STEP again where it began; the later ones are picked onto its new result."""
    from git_orch.cli import exec as exec_command
    from git_orch.flow.model import service as models
    from git_orch.flow.run import redo
    from git_orch.flow.run.options import Options
    from git_orch.repo import settings
    from git_orch.repo.local import runs

    handle, typed = words.plan_and_step(plan, step)
    number = words.required(typed)
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(here.open_plan(handle))
        chosen = settings.of_user(opened.repository)
        stack.enter_context(runs.record(opened.place))
        asks = any(
            candidate.number == number and candidate.step.kind == "agent"
            for candidate in opened.status().steps
        )
        service = stack.enter_context(models.service(chosen, chosen.waitLimits)) if asks else None
        options = Options(
            model or chosen.model,
            max_usd=max_usd,
            retry_model=chosen.retryModel,
            remarks=remarks or None,
        )
        summary, done = redo.redo(opened, number, options, service)
        after = opened.status()
        runs.record_end(opened.place, summary.exit_code)
    if done is not None:
        console.out(
            f"branch moved from {done.old[:10]} to {done.new[:10]}; {done.old[:10]} is kept"
        )
        console.out(f"to take it back: git orch undo {opened.name}")
    exec_command.conclude(after, summary)
    return summary.exit_code
