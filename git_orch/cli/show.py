"""git orch show: show a plan: steps, checks, states, commits."""

from __future__ import annotations

from typing import NamedTuple

import click

from git_orch import errors
from git_orch.cli import here, reading, requirements, words
from git_orch.plans import ids
from git_orch.plans.history.status import Status
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import answer, by_hand, console, documents, fields, report
from git_orch.views import requirements as requirement_views


class _Ways(NamedTuple):
    as_json: bool
    as_yaml: bool
    tasks: bool
    attempts: bool


@click.command("show")
@words.plan_and_step_arguments
@here.json_option
@click.option(
    "--yaml",
    "as_yaml",
    is_flag=True,
    help="Print the plan as a file that `git orch edit --from` takes.",
)
@click.option(
    "--tasks",
    is_flag=True,
    help="Print the content of each step: commands, files, prompts, checks.",
)
@click.option("--full", is_flag=True, help="With --tasks: files with all their lines.")
@click.option(
    "--attempts", is_flag=True, help="Print every attempt with the commit that holds its work."
)
@click.option(
    "--state",
    "instead",
    flag_value="state",
    help="Print the plan's state and its possible next states.",
)
@click.option("--graph", "instead", flag_value="graph", help="Print which steps wait for which.")
@click.option(
    "--cost", "instead", flag_value="cost", help="Print the estimated and the actual cost."
)
@click.option(
    "--field",
    type=click.Choice(fields.NAMES),
    metavar="NAME",
    help="Print one field alone, such as status, owner or title.",
)
@click.option("--latest-log", is_flag=True, help="Print the last execution log.")
@click.option("--context", "instead", flag_value="context", help="Print the prompt of STEP.")
def command(
    plan: str | None,
    step: str | None,
    *,
    full: bool,
    instead: str | None,
    field: str | None,
    latest_log: bool,
    **ways: bool,
) -> None:
    """Show one plan: its steps, their checks and states, its cost, the commits."""
    typed = _Ways(**ways)
    as_json, as_yaml, tasks, attempts = typed
    _refuse_mixed(typed, instead, field, latest_log=latest_log)
    if full and not tasks:
        raise errors.UsageError("--full goes with --tasks only", "git orch show --tasks --full")
    plan, number = words.plan_and_step(plan, step)
    if number is not None and instead != "context":
        raise errors.UsageError(
            "a step goes with --context only", f"git orch show {plan or ''} --context {number}"
        )
    if instead is not None:
        _call(instead, plan, number, as_json=as_json)
        return
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.with_merge(repository, reading.status_of(repository, database, plan))
    if field is not None or latest_log:
        of_spec = ids.names_spec(plan)
        console.out(fields.field(status, field, of_spec=of_spec) if field else _last_log(status))
        return
    running = localfiles.is_held(PlanPlace(repository, status.id))
    if as_yaml:
        from git_orch.plans.file import emitter  # with the reader of YAML, which is slow to load

        console.out(emitter.to_yaml(status.plan).rstrip("\n"))
    elif as_json:
        listed = {"attempts": documents.attempt_documents(status)} if attempts else {}
        more = {**documents.log_documents(status), **listed}
        here.print_plan(repository, status, running=running, more=more)
    elif tasks:
        for line in report.task_lines(status, full=full):
            console.out(*line)
    else:
        work = by_hand.of_plan(repository, status.id)
        verdicts = requirements.of_status(repository, status)
        drifted = requirement_views.lines(status.id, verdicts)
        for line in (
            report.attempts(status)
            if attempts
            else report.details(status, running=running, by_hand=work, drifted=drifted)
        ):
            console.out(*line)


def _refuse_mixed(
    typed: _Ways, instead: str | None, field: str | None, *, latest_log: bool
) -> None:
    """Raises UsageError for several ways to show a plan."""
    as_json, as_yaml, tasks, attempts = typed
    if as_yaml + tasks + (as_json or attempts) > 1 or (instead and as_yaml + tasks + attempts):
        raise errors.UsageError("only one way to show a plan can be used", "git orch show -h")
    if latest_log and (instead or any(typed) or field is not None):
        raise errors.UsageError("--latest-log stands alone", "git orch show --latest-log")
    if field is not None and (instead or any(typed)):
        raise errors.UsageError("--field stands alone", "git orch show --field status")


def _last_log(status: Status) -> str:
    """The text of the last execution log. Raises NotFound."""
    from git_orch.plans.documents import execution_log, log_text  # with YAML, slow to load

    logs = execution_log.of(status.id, status.log.events)
    if not logs:
        name = ids.short(status.id)
        raise errors.NotFound(f"'{name}' has no execution log", f"git orch exec {name}")
    return log_text.text(logs[-1], status.id).rstrip("\n")


def _call(name: str, plan: str | None, number: int | None, *, as_json: bool) -> None:
    """Have the command that shows this alone do it."""
    from git_orch.cli import table

    step = {"step": str(number)} if number is not None else {}
    asked = answer.current()
    if asked is not None:
        asked.command = name
    click.get_current_context().invoke(table.load(name), plan=plan, as_json=as_json, **step)
