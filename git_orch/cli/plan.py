"""git orch plan: turn a task, a file or a template into a plan."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from git_orch import errors
from git_orch.cli import here, planning, reading, words
from git_orch.plans import durations, ids, sentences
from git_orch.repo import settings
from git_orch.repo.objects import objects
from git_orch.views import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.flow.planning.create import Draft
    from git_orch.flow.planning.replies import ReplyFile
    from git_orch.plans.history.status import Base
    from git_orch.repo.repository import Repository

# Options whose values may be left out, what they are then, and what a value looks like.
_OPTIONAL = (
    ("--again", "", re.compile("[0-9a-f]{4}")),
    ("--revise", "", re.compile("[^-].*", re.DOTALL)),
    ("--wait-limits", durations.WAIT, durations.FORM),
)


class _Plan(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for option, default, values in _OPTIONAL:
            args = words.with_default(args, option, default, values)
        return super().parse_args(ctx, args)


@click.command("plan", cls=_Plan)
@click.argument("task", required=False)
@click.option(
    "--from",
    "source",
    metavar="FILE",
    help="A plan file (YAML or JSON), or the tasks of another tool; - for standard input.",
)
@click.option(
    "--part",
    metavar="NAME",
    help="With --from: the tag, story, phase, epic, label or task to take.",
)
@click.option(
    "--template",
    metavar="NAME",
    help="A template of `git orch templates`; with --draft your own NAME.md.",
)
@click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the template."
)
@click.option("--base", metavar="REF", help="Where the plan starts; HEAD by default.")
@click.option(
    "--include-dirty", is_flag=True, help="Start from a snapshot of the uncommitted files."
)
@click.option("--model", metavar="MODEL", help="The model that plans (orch.model).")
@click.option(
    "--again",
    metavar="[NAME]",
    help="Take up the last planning that failed, or the one called NAME.",
)
@click.option(
    "--revise", metavar="[PLAN]", help="Let a model change the steps of PLAN that are not done."
)
@here.message_option("With --revise: what to change. Another -m is another paragraph.")
@here.wait_limits_option
@here.planning_budget_option
@here.price_unknown_option
@click.option(
    "--estimate-only",
    is_flag=True,
    help="Print the estimated cost; make no request and store nothing.",
)
@click.option(
    "--no-look", is_flag=True, help="Let the model read no further files of the repository."
)
@click.option(
    "--tool",
    "tools",
    metavar="LIST",
    help="What the model that plans may use, as with exec; it never writes or runs commands.",
)
@click.option(
    "--draft", "first_state", flag_value="draft", help="Write down an idea; ask no model."
)
@click.option(
    "--ready", "first_state", flag_value="ready", help="The same, and it is ready for its spec."
)
@click.option(
    "--body", metavar="TEXT", help="The idea in Markdown; - for standard input, with --draft."
)
@click.option("--owner", metavar="NAME", help="Whom the plan belongs to; see `git orch owner who`.")
@click.option("--id", metavar="ID", help="Let the ID of the new plan begin so; for programs.")
@here.progress_option
@here.quiet_option
@here.json_option
def command(task: str | None, **typed: Any) -> None:  # Any: click has checked them
    """Make a plan. TASK says what to do, in your words; without it git-orch reads the task from
    standard input. `git orch plan diff [PLAN]` shows what the last edit changed.
    """
    options_typed = planning.Typed(**typed)
    if options_typed.first_state is not None:
        from git_orch.cli import idea

        idea.make(task, options_typed)
        return
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
    with contextlib.ExitStack() as held:
        file: ReplyFile | None = None
        if options_typed.again is not None:
            from git_orch.flow.planning import replies

            file = held.enter_context(replies.take_up(repository, options_typed.again))
        if options_typed.revise is not None or (file is not None and file.plan):
            from git_orch.cli import revising

            revising.run(repository, options_typed, file)
        elif options_typed.estimate_only:
            _print_estimate(repository, file.task if file is not None else task, options_typed)
        else:
            _plan(repository, task, options_typed, held, file)


def _plan(
    repository: Repository,
    task: str | None,
    options_typed: planning.Typed,
    held: contextlib.ExitStack,
    file: ReplyFile | None,
) -> None:
    from git_orch.flow.model import estimate as estimating
    from git_orch.flow.planning import create
    from git_orch.views.progress import ConsoleReporter

    create.refuse_unready(repository, include_dirty=options_typed.include_dirty)
    with _base(repository, options_typed) as start:
        if options_typed.source is None and options_typed.template is None:
            drafted = _ask_model(repository, task, options_typed, start.commit, held, file)
        else:
            drafted = _read_draft(repository, options_typed)
        draft = _with_samples(repository, drafted, options_typed.model, start.commit)
        owner = planning.owner(repository, options_typed.owner)
        draft = replace(draft, owner=owner, id=options_typed.id or "")
        plan_id = create.create(repository, draft, start, ConsoleReporter())
    if not options_typed.include_dirty:
        _warn_of_uncommitted(repository)
    if options_typed.as_json:
        if draft.origin == "model":
            _print_findings(repository, draft)
        with reading.open_objects(repository) as database:
            here.print_plan(repository, reading.status_of(repository, database, plan_id))
        return
    count = len(draft.plan.steps)
    cost = estimating.estimate_text(draft.estimate)
    console.out(f"{plan_id}   {sentences.count(count, 'step')}   estimate {cost}")
    if draft.plan.missing:
        console.out(f"missing: {', '.join(draft.plan.missing)}")
    if draft.origin == "model":
        _print_findings(repository, draft)
    from git_orch.flow.approval import required
    from git_orch.flow.machine import shares

    shared = shares.of(repository, settings.of_user(repository)).line()
    if shared:
        console.out(f"shared: {shared}")
    console.out(f"read: git orch show --tasks {ids.short(plan_id)}")
    name = ids.short(plan_id)
    needed = required.options_needed(repository, draft.plan)
    approve = ""
    if needed or draft.needs_approval:
        approve = f"{' '.join(['git orch approve', name, *needed])} && "
    console.out(f"run: {approve}git orch exec {name}")


@contextlib.contextmanager
def _base(repository: Repository, given: planning.Typed) -> Iterator[Base]:
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
    table = service.price_table(chosen)
    estimate = estimating.plan_estimate(
        draft.plan,
        model or chosen.model,
        table,
        estimating.samples(repository),
        brief.prompt_tokens(repository, draft.plan, base, draft.task or ""),
    )
    return replace(draft, estimate=estimate)


def _print_estimate(repository: Repository, task: str | None, given: planning.Typed) -> None:
    """Print the estimated cost of a plan file or a template or, for a task, of planning it."""
    from git_orch.flow.planning import base as basing

    if given.source is None and given.template is None:
        from git_orch.flow.planning import draft as drafts

        commit = basing.choose_base(repository, given.base).commit
        terms = planning.terms_of(repository, given, commit)
        tokens = drafts.prompt_tokens(repository, _task_text(task), terms)
        planning.print_asking(given, terms, tokens)
        return
    base = basing.choose_base(repository, given.base).commit
    drafted = _read_draft(repository, given)
    planning.print_estimate(
        given, "the plan", _with_samples(repository, drafted, given.model, base).estimate
    )


def _refuse_mixed(task: str | None, typed: planning.Typed) -> None:
    places = {
        "TASK": task,
        "--from": typed.source,
        "--template": typed.template,
        "--again": typed.again,
        "--revise": typed.revise,
    }
    given = [name for name, value in places.items() if value is not None]
    if task is not None and typed.revise is not None:
        raise errors.UsageError(
            "TASK cannot be used with --revise", 'git orch plan --revise PLAN -m "what to change"'
        )
    if len(given) > 1:
        raise errors.UsageError(
            f"{given[0]} cannot be used with {' and '.join(given[1:])}", "git orch plan -h"
        )
    if task == "diff":
        raise errors.UsageError(
            "'diff' is no task: it stands right after 'plan'", "git orch plan diff"
        )
    if typed.variables and typed.template is None:
        raise errors.UsageError("--var is for templates", "git orch templates")
    if typed.part is not None and typed.source is None:
        raise errors.UsageError("--part goes with --from", "git orch plan --from FILE --part NAME")
    if typed.id is not None and (typed.revise is not None or not ids.is_without_slug(typed.id)):
        raise errors.UsageError(
            "--id is for new plans: PLAN, the date and ten characters", "git orch plan -h"
        )
    if typed.body is not None:
        raise errors.UsageError(
            "--body goes with --draft or --ready", 'git orch plan "TITLE" --draft --body -'
        )
    if typed.remarks and typed.revise is None:
        raise errors.UsageError("-m goes with --revise", 'git orch plan "what to do"')
    if typed.revise is not None and (typed.base is not None or typed.include_dirty):
        raise errors.UsageError(
            "--base and --include-dirty are for new plans: a revision starts from the plan's branch",
            "git orch rebase -h",
        )


def _read_draft(repository: Repository, given: planning.Typed) -> Draft:
    """The plan of a file or a template."""
    from git_orch.cli import source_files
    from git_orch.flow.model import service
    from git_orch.flow.planning import draft as drafts

    chosen = settings.of_user(repository)
    name = given.model or chosen.model
    table = service.price_table(chosen)
    if given.template is not None:
        from git_orch.templates import shelf

        template = shelf.named(repository, given.template)
        if template.needs is not None:
            console.err(f"needs: {template.needs}")
        pairs = planning.pairs(given.variables)
        return drafts.from_template(template, pairs, name, table)
    files = source_files.read(given.source or "-", given.part or "")
    imported = drafts.from_other_tool(files, name, table)
    if imported is not None:
        draft, notes = imported
        source_files.print_notes(notes)
        return draft
    if given.part is not None:
        raise errors.UsageError(
            f"--part is for the tasks of other tools, and {files.name} is none of their files",
            "git orch plan -h",
        )
    return drafts.from_file(files.text, files.name, name, table)


def _ask_model(
    repository: Repository,
    task: str | None,
    given: planning.Typed,
    base: str | None,
    held: contextlib.ExitStack,
    file: ReplyFile | None,
) -> Draft:
    """Have a model make the plan. `held` holds the file until the plan is stored."""
    from git_orch.flow.planning import draft as drafts
    from git_orch.flow.planning import replies
    from git_orch.views import watching

    if file is None:
        file = held.enter_context(replies.begin(repository, _task_text(task)))
    chosen = settings.of_user(repository)
    max_usd = given.max_usd if given.max_usd is not None else chosen.maxUsd
    terms = planning.terms_of(repository, given, base)._replace(max_usd=max_usd, spent=file.usd())
    with watching.watch(quiet=given.quiet, progress=given.progress) as reporter:
        return drafts.from_model(repository, terms, reporter, file)


def _task_text(task: str | None) -> str:
    """The task, which may come from standard input. Raises UsageError when there is none."""
    asked = task if task is not None else planning.standard_input()
    if not asked.strip():
        raise errors.UsageError(planning.NO_TASK, 'git orch plan "what to do"')
    return asked


def _warn_of_uncommitted(repository: Repository) -> None:
    from git_orch.flow.machine import sandbox
    from git_orch.repo.worktree import snapshot

    count = snapshot.uncommitted(repository, lambda: sandbox.boundary(repository))
    if count:
        files = sentences.uncommitted_files(count)
        console.err(f"note: {files} not part of it (--include-dirty takes them in)")
