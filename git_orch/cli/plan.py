"""git orch plan: turn a task, a file or a template into a plan."""

from __future__ import annotations

import codecs
import contextlib
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import ids, sentences
from git_orch.repo import identity, settings
from git_orch.repo.objects import objects
from git_orch.repo.worktree import snapshot
from git_orch.views import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.flow.planning import draft as planning
    from git_orch.flow.planning.create import Draft
    from git_orch.plans.document import Document
    from git_orch.plans.history.status import Base
    from git_orch.repo.repository import Repository

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LARGEST_TASK = 4 * 1024 * 1024  # bytes; what a model can read is far below


_NO_TASK = "nothing to plan: give a task, --from or --template"


class Typed(NamedTuple):
    """The options of `git orch plan TASK` as typed."""

    source: str | None
    template: str | None
    variables: tuple[str, ...]
    base: str | None
    include_dirty: bool
    model: str | None
    max_usd: float | None
    estimate_only: bool
    no_look: bool
    again: bool
    as_json: bool


@click.command("plan")
@click.argument("task", required=False)
@click.option(
    "--from", "source", metavar="FILE", help="A plan file (YAML or JSON); - for standard input."
)
@click.option("--template", metavar="NAME", help="A built-in template; see `git orch templates`.")
@click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the template."
)
@click.option("--base", metavar="REF", help="Where the plan starts; HEAD by default.")
@click.option(
    "--include-dirty", is_flag=True, help="Start from a snapshot that holds the uncommitted files."
)
@click.option("--model", metavar="MODEL", help="The model that plans (orch.model).")
@click.option("--again", is_flag=True, help="Take the task of the last planning that failed.")
@here.planning_budget_option
@click.option(
    "--estimate-only", is_flag=True, help="Print what it may cost; ask nobody and store nothing."
)
@click.option(
    "--no-look", is_flag=True, help="Let the model read no further files of the repository."
)
@here.json_option
def command(task: str | None, **typed: Any) -> None:  # Any: click has checked them
    """Make a plan. TASK is what to do, in your words; without it the task is read from standard
    input.
    """
    options_typed = Typed(**typed)
    _refuse_mixed(task, options_typed)
    if options_typed.include_dirty and options_typed.base is not None:
        raise errors.UsageError(
            "--include-dirty starts from HEAD, --base elsewhere", "git orch plan --include-dirty"
        )
    if (
        options_typed.source is None
        and options_typed.template is None
        and not options_typed.estimate_only
    ):
        from git_orch.agents import messages

        messages.start_import()
    repository = here.find_repository()
    from git_orch.flow.model import estimate as estimating
    from git_orch.flow.planning import create
    from git_orch.views.progress import ConsoleReporter

    if options_typed.estimate_only:
        _print_estimate(repository, task, options_typed)
        return
    create.refuse_unready(repository, include_dirty=options_typed.include_dirty)
    with _base(repository, options_typed) as start:
        draft = _with_samples(
            repository,
            _make_draft(repository, task, options_typed, start.commit),
            options_typed.model,
            start.commit,
        )
        plan_id = create.create(repository, draft, start, ConsoleReporter())
    if not options_typed.include_dirty:
        _warn_of_uncommitted(repository)
    if options_typed.as_json:
        if draft.origin == "model":
            _print_findings(repository, draft)
        with here.open_objects(repository) as database:
            here.print_plan(repository, here.status_of(repository, database, plan_id))
        return
    count = len(draft.plan.steps)
    cost = estimating.estimate_text(draft.estimate)
    console.out(f"{plan_id}   {sentences.count(count, 'step')}   estimate {cost}")
    if draft.plan.missing:
        console.out(f"missing: {', '.join(draft.plan.missing)}")
    if draft.origin == "model":
        _print_findings(repository, draft)
    from git_orch.flow.machine import shares

    shared = shares.of(repository, settings.of_user(repository)).line()
    if shared:
        console.out(f"shared: {shared}")
    console.out(f"read: git orch show --tasks {ids.short(plan_id)}")
    console.out(f"run: git orch exec {ids.short(plan_id)}")


@contextlib.contextmanager
def _base(repository: Repository, given: Typed) -> Iterator[Base]:
    """Where the plan starts. A snapshot of uncommitted files is there as long as this is open; then
    the plan's branch has it.
    """
    from git_orch.flow.planning import base as basing

    chosen = basing.choose_base(repository, given.base)
    if not given.include_dirty:
        yield chosen
        return
    with contextlib.closing(objects.opened(repository)) as database:
        yield basing.take_snapshot(repository, database, chosen)


def _print_findings(repository: Repository, draft: Draft) -> None:
    """What `git orch check` says of a model's plan, but for its notes."""
    from git_orch.flow.planning import validate

    problems = validate.findings_of_plan(repository, draft.plan)
    here.print_findings(problem for problem in problems if problem.level != "note")


def _with_samples(
    repository: Repository, draft: Draft, model: str | None, base: str | None
) -> Draft:
    """The draft with what finished steps of this repository, and the prompts of its own, say about
    its cost.
    """
    if all(step.kind != "agent" for step in draft.plan.steps):
        return draft
    from git_orch.flow.attempt import brief
    from git_orch.flow.model import estimate as estimating
    from git_orch.flow.model import service

    chosen = settings.of_user(repository)
    table = service.price_table(chosen.prices)
    estimate = estimating.plan_estimate(
        draft.plan,
        model or chosen.model,
        table,
        estimating.samples(repository),
        brief.prompt_tokens(repository, draft.plan, base, draft.task or ""),
    )
    return replace(draft, estimate=estimate)


def _print_estimate(repository: Repository, task: str | None, given: Typed) -> None:
    """Print the estimated cost of a plan file or a template or, for a task, of planning it."""
    from git_orch.flow.model import estimate as estimating
    from git_orch.flow.model import service
    from git_orch.flow.planning import base as basing
    from git_orch.plans.money import cost

    chosen = settings.of_user(repository)
    name = given.model or chosen.model
    if given.source is None and given.template is None:
        from git_orch.flow.planning import draft as planning

        again = planning.last_unfinished(repository).task if given.again else None
        asked = again or _task_text(task)
        commit = basing.choose_base(repository, given.base).commit
        terms = _terms(repository, given, chosen, commit)
        usage = cost.Usage(
            input=planning.prompt_tokens(repository, asked, terms), output=cost.STEP_TOKENS_OUT
        )
        usd = cost.usd(usage, service.price_table(chosen.prices).price(name))
        estimate: Document = {"tokens_in": usage.input, "tokens_out": usage.output, "usd": usd}
    else:
        base = basing.choose_base(repository, given.base).commit
        drafted = _make_draft(repository, task, given)
        estimate = _with_samples(repository, drafted, given.model, base).estimate
    if given.as_json:
        here.print_json(estimate)
        return
    what = (
        "the plan" if given.source is not None or given.template is not None else "making the plan"
    )
    console.out(
        f"{what}: {estimate['tokens_in']} tokens in, {estimate['tokens_out']} out, {estimating.estimate_text(estimate)}"
    )


def _refuse_mixed(task: str | None, typed: Typed) -> None:
    again = typed.again or None
    places = {"TASK": task, "--from": typed.source, "--template": typed.template, "--again": again}
    given = [name for name, value in places.items() if value is not None]
    if len(given) > 1:
        raise errors.UsageError(
            f"{given[0]} cannot be used with {' and '.join(given[1:])}", "git orch plan -h"
        )
    if typed.variables and typed.template is None:
        raise errors.UsageError("--var is for templates", "git orch templates")


def _pairs(variables: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for assignment in variables:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise errors.UsageError(
                f"'{assignment}' is not NAME=VALUE",
                "git orch plan --template NAME --var name=hello",
            )
        pairs[name] = value
    return pairs


def _make_draft(
    repository: Repository, task: str | None, given: Typed, base: str | None = None
) -> Draft:
    from git_orch.flow.model import service
    from git_orch.flow.planning import draft as planning

    source = given.source
    chosen = settings.of_user(repository)
    name = given.model or chosen.model
    table = service.price_table(chosen.prices)
    if given.template is not None:
        return planning.from_template(given.template, _pairs(given.variables), name, table)
    if source is not None:
        text = input_text(source)
        return planning.from_file(text, "standard input" if source == "-" else source, name, table)
    earlier = planning.last_unfinished(repository) if given.again else None
    asked = _task_text(task) if earlier is None else earlier.task
    identity.of_user(repository)  # before anything is paid for
    from git_orch.views.progress import ConsoleReporter

    max_usd = given.max_usd if given.max_usd is not None else chosen.maxUsd
    terms = _terms(repository, given, chosen, base)._replace(max_usd=max_usd)
    return planning.from_model(repository, asked, terms, ConsoleReporter(), earlier)


def _terms(
    repository: Repository, given: Typed, chosen: settings.Settings, base: str | None
) -> planning.Terms:
    """The terms of planning, without a limit of money."""
    from git_orch.flow.planning import draft as planning

    name = given.model or chosen.model
    return planning.Terms(name, 0.0, chosen, base, _place(repository), not given.no_look)


def _place(repository: Repository) -> str:
    """Where in the work tree the user stands; "" at its top, and elsewhere."""
    if repository.top is None:
        return ""
    below = os.path.relpath(os.getcwd(), repository.top)
    return "" if below.split(os.sep)[0] in (os.curdir, os.pardir) else below


def _task_text(task: str | None) -> str:
    """The task, which may come from standard input. Raises UsageError when there is none."""
    asked = task if task is not None else _standard_input()
    if not asked.strip():
        raise errors.UsageError(_NO_TASK, 'git orch plan "what to do"')
    return asked


def input_text(source: str) -> str:
    """The text of a file, or of standard input for `-`. Raises UsageError."""
    return _standard_input() if source == "-" else _file(source)


def _standard_input() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise errors.UsageError(_NO_TASK, 'git orch plan "what to do"')
    return _text(sys.stdin.buffer.read(_LARGEST_TASK + 1), "standard input")


def _file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            return _text(file.read(_LARGEST_TASK + 1), name)
    except OSError as failed:
        raise errors.UsageError(
            f"cannot read {sentences.quoted(name)}: {(failed.strerror or str(failed)).lower()}",
            f"ls -l {shlex.quote(name)}",
        ) from failed


def _text(data: bytes, name: str) -> str:
    if len(data) > _LARGEST_TASK:
        raise errors.UsageError(f"{name} is larger than 4 MiB", "git orch plan -h")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as wrong:
        raise errors.UsageError(
            f"{name} is not {encoding.upper()} (byte {wrong.start})",
            f"iconv -f {_likely_encoding(data)} -t UTF-8 {shlex.quote(name)}",
        ) from wrong


def _likely_encoding(data: bytes) -> str:
    """What a text that is not UTF-8 may be: every other byte of UTF-16 is zero, mostly."""
    if data[1:2] == b"\0" or data[3:4] == b"\0":
        return "UTF-16LE"
    return "UTF-16BE" if data[:1] == b"\0" else "WINDOWS-1252"


def _warn_of_uncommitted(repository: Repository) -> None:
    from git_orch.flow.machine import sandbox

    count = snapshot.uncommitted(repository, lambda: sandbox.boundary(repository))
    if count:
        files = sentences.uncommitted_files(count)
        console.err(f"note: {files} not part of it (--include-dirty takes them in)")
