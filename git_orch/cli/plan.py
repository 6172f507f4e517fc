"""git orch plan: turn a task, a file or a template into a plan."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import ids
from git_orch.repo import identity, settings, snapshot
from git_orch.sandbox import secrecy
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.creation import Draft
    from git_orch.repo.repository import Repository

_LARGEST_TASK = 4 * 1024 * 1024  # bytes; what a model can read is far below


@click.command("plan")
@click.argument("task", required=False)
@click.option("--from", "source", metavar="FILE", help="A plan file (YAML or JSON); - for standard input.")
@click.option("--template", metavar="NAME", help="A built-in template; see `git orch templates`.")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the template.")
@click.option("--base", metavar="REF", help="Where the plan starts; HEAD by default.")
@click.option("--include-dirty", is_flag=True, help="Start from a snapshot that holds the uncommitted files.")
@click.option("--model", metavar="MODEL", help="The model that plans (orch.model).")
@here.planning_budget_option
@here.json_option
def command(
    task: str | None,
    source: str | None,
    template: str | None,
    variables: tuple[str, ...],
    base: str | None,
    model: str | None,
    max_usd: float | None,
    *,
    include_dirty: bool,
    as_json: bool,
) -> None:
    """Make a plan. TASK is what to do, in your words; without it the task is read from standard input."""
    secrecy.hide_keys()
    _refuse_mixed(task, source, template, variables)
    if include_dirty and base is not None:
        raise errors.UsageError("--include-dirty starts from HEAD, --base elsewhere", "git orch plan --include-dirty")
    found = here.repository()
    from git_orch.flow import basing, creation

    creation.refuse_unready(found, include_dirty=include_dirty)
    start = basing.chosen(found, base)
    draft = _draft(found, (task, source, template), _pairs(variables), (model, max_usd))
    plan_id = creation.create(found, draft, start, include_dirty=include_dirty)
    if not include_dirty:
        _say_uncommitted(found)
    if as_json:
        with here.reading(found) as database:
            from git_orch.views import report

            here.print_json(report.document(here.status_of(found, database, plan_id), running=False))
        return
    count = len(draft.plan.steps)
    console.out(f"{plan_id}   {count} step{'' if count == 1 else 's'}   estimate ${draft.estimate['usd']:.2f}")
    if draft.plan.missing:
        console.out(f"missing: {', '.join(draft.plan.missing)}")
    console.out(f"read: git orch show --tasks {ids.short(plan_id)}")
    console.out(f"run: git orch exec {ids.short(plan_id)}")


def _refuse_mixed(task: str | None, source: str | None, template: str | None, variables: tuple[str, ...]) -> None:
    places = {"TASK": task, "--from": source, "--template": template}
    given = [name for name, value in places.items() if value is not None]
    if len(given) > 1:
        raise errors.UsageError(f"{' and '.join(given)} exclude each other", "git orch plan -h")
    if variables and template is None:
        raise errors.UsageError("--var is for templates", "git orch templates")


def _pairs(variables: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for each in variables:
        name, equals, value = each.partition("=")
        if not equals:
            raise errors.UsageError(f"'{each}' is not NAME=VALUE", "git orch plan --template NAME --var name=hello")
        pairs[name] = value
    return pairs


def _draft(
    found: Repository,
    given: tuple[str | None, str | None, str | None],
    variables: dict[str, str],
    wanted: tuple[str | None, float | None],
) -> Draft:
    from git_orch.flow import models, planning

    task, source, template = given
    chosen = settings.of_user(found)
    name = wanted[0] or chosen.model
    table = models.price_table(chosen.prices)
    if template is not None:
        return planning.from_template(template, variables, name, table)
    if source is not None:
        text = input_text(source)
        return planning.from_file(text, "standard input" if source == "-" else source, name, table)
    asked = task if task is not None else _standard_input()
    if not asked.strip():
        raise errors.UsageError("no input: there is no task", 'git orch plan "what to do"')
    identity.of_user(found)  # before anything is paid for
    from git_orch.views.progress import ConsoleReporter

    max_usd = wanted[1] if wanted[1] is not None else chosen.maxUsd
    return planning.from_model(found, asked, (name, max_usd), chosen.prices, ConsoleReporter())


def input_text(source: str) -> str:
    """The text of a file, or of standard input for `-`. Raises UsageError."""
    return _standard_input() if source == "-" else _file(source)


def _standard_input() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise errors.UsageError("no input: there is no task", 'git orch plan "what to do"')
    return _text(sys.stdin.buffer.read(_LARGEST_TASK + 1), "standard input")


def _file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            return _text(file.read(_LARGEST_TASK + 1), name)
    except OSError as failed:
        raise errors.UsageError(
            f"cannot read '{name}': {(failed.strerror or str(failed)).lower()}", f"ls -l {shlex.quote(name)}"
        ) from failed


def _text(data: bytes, name: str) -> str:
    if len(data) > _LARGEST_TASK:
        raise errors.UsageError(f"{name} is larger than 4 MiB", "git orch plan -h")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise errors.UsageError(
            f"{name} is not UTF-8 (byte {wrong.start})", f"iconv -f latin1 -t utf-8 {shlex.quote(name)}"
        ) from wrong


def _say_uncommitted(found: Repository) -> None:
    count = snapshot.uncommitted(found)
    if count:
        noun = "file is" if count == 1 else "files are"
        console.err(f"note: {count} uncommitted {noun} not part of it (--include-dirty takes them in)")
