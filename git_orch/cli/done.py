"""git orch done: check and commit your work on a manual step."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

import click

from git_orch import errors
from git_orch.cli import exec as exec_command
from git_orch.cli import here, reading, unfinished, words
from git_orch.flow.run import hand_in
from git_orch.repo.local.approvals import Limits
from git_orch.views import answer

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.flow.run.execute import Summary
    from git_orch.plans.history.status import Status
    from git_orch.repo.repository import Repository


@click.command("done")
@words.plan_and_step_arguments
@click.option(
    "--abort",
    is_flag=True,
    help="Give up a conflict or a step that you mend; keep your work on it.",
)
@click.option(
    "--exec", "goes_on", is_flag=True, help="Run the remaining steps too, as git orch exec does."
)
@here.budget_option
@here.step_budget_option
@here.price_unknown_option
def command(
    plan: str | None,
    step: str | None,
    *,
    abort: bool,
    goes_on: bool,
    max_usd: float | None,
    max_step_usd: float | None,
) -> int:
    """Check and land your work on a step, from the worktree that exec or fix named; or resume a
    command that a conflict has stopped.
    """
    handle, number = words.plan_and_step(plan, step)
    if abort and goes_on:
        raise errors.UsageError("--abort cannot be used with --exec", "git orch done -h")
    if abort:
        unfinished.give_up(handle, number)
        return 0
    if handle is None:
        handle = unfinished.meant(here.find_repository())
    limits = Limits(max_usd, max_step_usd)
    with here.open_plan(handle) as opened:
        repository, plan_id = opened.repository, opened.id
        if number is None and hand_in.is_conflict_meant(opened):
            unfinished.go_on(opened)
            ended = None
        else:
            ended = _hand_in(opened, number, limits)
    status = ended.summary.exit_code if ended is not None else 0
    if goes_on and status == 0:
        _leave_removed_worktree(repository)
        if _is_open(repository, plan_id):
            return _run_the_rest(plan_id, limits)
    if ended is not None:
        exec_command.conclude(repository, ended.after, ended.summary)
    return status


class _Ended(NamedTuple):
    """The end of the attempt at a step, and the plan after it."""

    summary: Summary
    after: Status


def _hand_in(opened: OpenPlan, number: int | None, limits: Limits) -> _Ended:
    from git_orch.flow.model import service as models
    from git_orch.flow.run.options import Options
    from git_orch.repo import settings
    from git_orch.repo.local import runs

    chosen = settings.of_user(opened.repository)
    options = Options(chosen.model, max_usd=limits.plan, max_step_usd=limits.step)
    asks = any(step.step.reviews for step in opened.status().steps)
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(models.service(chosen, chosen.waitLimits)) if asks else None
        stack.enter_context(runs.record(opened.place))
        summary = hand_in.hand_in(opened, options, number, service)
        after = opened.status()
        runs.record_end(opened.place, summary.exit_code)
    return _Ended(summary, after)


def _leave_removed_worktree(repository: Repository) -> None:
    """Go to the repository itself where the user stands in the worktree that the landing removed:
    no git starts there.
    """
    if repository.top is not None and not repository.top.exists():
        os.chdir(repository.common_dir)


def _is_open(repository: Repository, plan_id: str) -> bool:
    with reading.open_objects(repository) as database:
        return reading.status_of(repository, database, plan_id).is_open()


def _run_the_rest(plan_id: str, limits: Limits) -> int:
    as_json = answer.current() is not None
    run = click.get_current_context().invoke
    typed = {"max_usd": limits.plan, "max_step_usd": limits.step, "as_json": as_json}
    return int(run(exec_command.command, plan=plan_id, **typed))
