"""git orch otk: the commands of orchestrator-toolkit."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here, meaning, reading, table
from git_orch.plans.phrases import old_words
from git_orch.repo import template_files
from git_orch.repo.repository import Repository
from git_orch.views import answer, console


@click.command("otk", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, metavar="ARGS...", type=click.UNPROCESSED)
@click.pass_context
def command(context: click.Context, arguments: tuple[str, ...]) -> object:
    """Run the command of git-orch that does what `otk ARGS` does. For `alias otk='git orch otk'`."""
    if not arguments:
        raise errors.UsageError("no command given", "git orch otk -h")
    translated = old_words.translate(arguments, table.COMMANDS)
    argv = meaning.require_command(translated, f"git-orch does not understand '{arguments[0]}'")
    if old_words.is_task(arguments, argv) and template_files.has(here.find_repository(), "task"):
        argv = (argv[0], "--template=task", *argv[1:])
    once = arguments[0].removeprefix("otk-") == old_words.ONCE and answer.current() is None
    repository = here.find_repository() if once else None
    before = _ideas(repository) if repository is not None else 0
    outcome = meaning.run(context, argv)
    if repository is not None:
        console.out(f"created_plans={before - _ideas(repository)}")
    return outcome


def _ideas(repository: Repository) -> int:
    """How many plans have no steps yet."""
    with reading.open_objects(repository) as database:
        statuses = reading.statuses(repository, database)
    return sum(status.is_open() and not status.steps for status in statuses)
