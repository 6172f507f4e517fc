"""git orch redo: run one step again, in the middle of a plan."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from git_orch.cli import here, words
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.branch.rewrite import Rewritten
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.repo.worktree.conflict_record import Operation


@click.command("redo")
@words.plan_and_step_arguments
@here.message_option("Add this text for the step's model; another -m is another paragraph.")
@click.option("--model", metavar="MODEL", help="The model, if the step names none (orch.model).")
@here.agent_option
@here.budget_option
@here.step_budget_option
@here.price_unknown_option
def command(
    plan: str | None,
    step: str | None,
    *,
    remarks: tuple[str, ...],
    model: str | None,
    agent: str | None,
    max_usd: float | None,
    max_step_usd: float | None,
) -> int:
    """Run STEP again from where it began, and pick the later steps onto the new result."""
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
        options = Options(
            model or chosen.model,
            max_usd=max_usd,
            max_step_usd=max_step_usd,
            retry_model=chosen.retryModel,
            agent=here.agent(agent, chosen),
        )
        stack.enter_context(runs.record(opened.place))
        asks = any(
            candidate.number == number and options.asks_model(candidate.step)
            for candidate in opened.status().steps
        )
        service = stack.enter_context(models.service(chosen, chosen.waitLimits)) if asks else None
        summary, done = redo.redo(opened, number, options, service, remarks)
        after = opened.status()
        runs.record_end(opened.place, summary.exit_code)
    if done is not None:
        show(opened, done)
    exec_command.conclude(opened.repository, after, summary, options.model)
    return summary.exit_code


def show(opened: OpenPlan, done: Rewritten) -> None:
    """Say where the branch went."""
    console.out(f"branch moved from {done.old[:10]} to {done.new[:10]}; {done.old[:10]} is kept")
    console.out(f"to take it back: git orch undo {opened.name}")


def go_on(opened: OpenPlan, operation: Operation) -> None:
    """Go on with what a conflict has stopped."""
    from git_orch.flow.run import redo

    show(opened, redo.put_in_again(opened, operation))
