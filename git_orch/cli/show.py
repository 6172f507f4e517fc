"""git orch show: one plan."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import answer, console, documents, report


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
    help="Print what each step is going to do: commands, files, prompts, checks.",
)
@click.option("--full", is_flag=True, help="With --tasks: files with all their lines.")
@click.option(
    "--attempts", is_flag=True, help="Print every attempt with the commit that holds its work."
)
@click.option(
    "--state", "instead", flag_value="state", help="Print its state and the states that may follow."
)
@click.option("--graph", "instead", flag_value="graph", help="Print which steps wait for which.")
@click.option("--cost", "instead", flag_value="cost", help="Print what it may cost and has cost.")
@click.option(
    "--context", "instead", flag_value="context", help="Print what a model is told for STEP."
)
def command(
    plan: str | None,
    step: str | None,
    *,
    as_json: bool,
    as_yaml: bool,
    tasks: bool,
    full: bool,
    attempts: bool,
    instead: str | None,
) -> None:
    """One plan: its steps, their checks and states, what it has cost, the commits."""
    if as_yaml + tasks + (as_json or attempts) > 1 or (instead and as_yaml + tasks + attempts):
        raise errors.UsageError("only one way to show a plan can be used", "git orch show -h")
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
    with here.open_objects(repository) as database:
        status = here.with_merge(repository, here.status_of(repository, database, plan))
    running = localfiles.is_held(PlanPlace(repository, status.id))
    if as_yaml:
        from git_orch.plans.file import emitter  # with the reader of YAML, which is slow to load

        console.out(emitter.to_yaml(status.plan).rstrip("\n"))
    elif as_json:
        more = {"attempts": documents.attempt_documents(status)} if attempts else {}
        here.print_plan(repository, status, running=running, more=more)
    elif tasks:
        for line in report.task_lines(status, full=full):
            console.out(*line)
    else:
        for line in (
            report.attempts(status) if attempts else report.details(status, running=running)
        ):
            console.out(*line)


def _call(name: str, plan: str | None, number: int | None, *, as_json: bool) -> None:
    """Have the command that shows this alone do it."""
    from git_orch.cli import table

    step = {"step": str(number)} if number is not None else {}
    asked = answer.current()
    if asked is not None:
        asked.command = name
    click.get_current_context().invoke(table.load(name), plan=plan, as_json=as_json, **step)
