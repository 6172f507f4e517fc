"""git orch show: one plan."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import console, documents, report


@click.command("show")
@here.plan_argument
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
@click.option(
    "--attempts", is_flag=True, help="Print every attempt with the commit that holds its work."
)
def command(plan: str | None, *, as_json: bool, as_yaml: bool, tasks: bool, attempts: bool) -> None:
    """One plan: its steps, their checks and states, what it has cost, the commits."""
    if as_yaml + tasks + (as_json or attempts) > 1:
        raise errors.UsageError(
            "only one of --yaml, --tasks and --attempts can be used", "git orch show -h"
        )
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
        for line in report.task_lines(status):
            console.out(*line)
    else:
        for line in (
            report.attempts(status) if attempts else report.details(status, running=running)
        ):
            console.out(*line)
