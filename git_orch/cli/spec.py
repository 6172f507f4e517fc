"""git orch spec: write the spec of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from git_orch import errors
from git_orch.cli import here, ideas, planning, reading
from git_orch.plans import ids, sentences
from git_orch.plans.documents import words
from git_orch.repo import settings, template_files
from git_orch.repo.log import catalog
from git_orch.views import console, report

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.flow.planning.ask import Terms
    from git_orch.plans.history.status import Base, Status
    from git_orch.plans.plan import Plan
    from git_orch.repo.repository import Repository

_USAGE = "git orch spec -h"


class _Typed(NamedTuple):
    source: str | None
    offline: bool
    model: str | None
    max_usd: float | None
    base: str | None
    owner: str | None
    progress: bool | None


@click.command("spec")
@click.argument("typed", nargs=-1, metavar="[PLAN] [TITLE]")
@click.option("--plan", "named", metavar="PLAN", help="The plan, where TITLE comes first.")
@click.option(
    "--from",
    "source",
    metavar="FILE",
    help="Take the steps from a plan file; - for standard input.",
)
@click.option("--offline", is_flag=True, help="Ask no model: write manual steps to be filled in.")
@click.option("--model", metavar="MODEL", help="The model that writes it (orch.model).")
@here.planning_budget_option
@here.price_unknown_option
@click.option("--base", metavar="REF", help="Where the steps start; HEAD by default.")
@click.option("--owner", metavar="NAME", help="With TITLE alone: whom the new plan belongs to.")
@here.progress_option
@here.json_option
def command(
    typed: tuple[str, ...],
    *,
    named: str | None,
    as_json: bool,
    **options: Any,  # click has checked them
) -> None:
    """Write the spec of a plan: its steps, checks and acceptance criteria. A TITLE that no plan has
    makes a plan and its spec.
    """
    choice = _Typed(**options)
    if choice.offline and choice.source is not None:
        raise errors.UsageError("--offline cannot be used with --from", _USAGE)
    repository = here.find_repository()
    plan, title = _parts(repository, typed, named)
    text = _text(choice.source) if choice.source is not None else None
    if plan is None and title is not None:
        plan = _new_plan(repository, title, choice, text)
        title = None
    handle = plan if plan is not None else ideas.only(None)
    with here.open_plan(handle, idea=True, progress=choice.progress) as opened:
        _write(opened, title, choice, text)
        after = opened.status()
    _tell_of(repository, after)
    if as_json:
        here.print_plan(repository, after)
        return
    count = sentences.count(len(after.steps), "step")
    console.out(f"Created: {words.spec_id(after)}   {count}")
    console.out(f"{ids.short(after.id)} is {words.plan_word(after)}")
    console.out(f"read: git orch show --tasks {ids.short(after.id)}")
    console.out(*report.next_command(after, running=False))


def _tell_of(repository: Repository, after: Status) -> None:
    from git_orch.flow.branch import notify
    from git_orch.views.progress import ConsoleReporter

    notify.of_specs(repository, {after.id: after.plan.title}, ConsoleReporter())


def _parts(
    repository: Repository, typed: tuple[str, ...], named: str | None
) -> tuple[str | None, str | None]:
    """The plan and the title that were typed. Raises NotFound for a plan that is not there, and
    UsageError for more words.
    """
    if len(typed) > 2 or (named is not None and len(typed) > 1):
        raise errors.UsageError("TITLE must be one word: quote it", _USAGE)
    if named is not None:
        return reading.any_plan_id(repository, named), typed[0] if typed else None
    if not typed:
        return None, None
    if len(typed) == 2:
        return reading.any_plan_id(repository, typed[0]), typed[1]
    with reading.open_objects(repository) as database:
        try:
            return catalog.resolve(repository, database, typed[0]), None
        except errors.NotFound:
            if ids.looks_like_one(typed[0]) or _is_ambiguous(repository, typed[0]):
                raise
    return None, typed[0]


def _is_ambiguous(repository: Repository, word: str) -> bool:
    """Whether a word that is no title names several plans."""
    from git_orch.repo import refs

    return " " not in word and len(ids.matches(word, refs.of_plans(repository))) > 1


def _text(source: str) -> Plan:
    from git_orch.plans.file import planfile

    name = "standard input" if source == "-" else source
    return planfile.read(planning.input_text(source), name)


def _new_plan(repository: Repository, title: str, choice: _Typed, text: Plan | None) -> str:
    """A plan that is ready, for the spec that comes."""
    from git_orch.cli import idea
    from git_orch.flow.documents import draft
    from git_orch.flow.documents.draft import Idea
    from git_orch.views.progress import ConsoleReporter

    if not choice.offline and text is None:
        _require_key(repository, choice.model, f"git orch spec '{title}' --offline")
    body = text.body if text is not None else None
    owner = planning.owner(repository, choice.owner)
    template = template_files.of_plan(repository) if not body else None
    made = Idea(idea.checked_title(title), body, owner, ready=True, template=template)
    plan_id = draft.store_idea(repository, made, ConsoleReporter())
    console.out(f"Created: {plan_id}")
    return plan_id


def _write(opened: OpenPlan, title: str | None, choice: _Typed, text: Plan | None) -> None:
    from git_orch.flow.documents import draft, model_spec, spec
    from git_orch.flow.planning import base as basing

    status = opened.status()
    draft.refuse_specified(status, opened.name)
    base = basing.choose_base(opened.repository, choice.base)
    if choice.offline:
        template = template_files.of_spec(opened.repository)
        spec.write(opened, spec.offline(status, template, title), base)
    elif text is not None:
        estimate = _estimate(opened.repository, text, choice.model)
        spec.write(opened, spec.of_plan(status.plan, text, "file", estimate), base)
    else:
        _require_key(opened.repository, choice.model, f"git orch spec {opened.name} --offline")
        model_spec.write(opened, _terms(opened.repository, choice, base), base, title)


def _estimate(repository: Repository, text: Plan, model: str | None) -> dict[str, object]:
    from git_orch.flow.model import estimate, service

    chosen = settings.of_user(repository)
    table = service.price_table(chosen)
    return estimate.plan_estimate(text, model or chosen.model, table)


def _require_key(repository: Repository, model: str | None, hint: str) -> None:
    """Raises KeyRefused, which names the way without a model, where there is no key for one."""
    from git_orch.flow.model import service

    chosen = settings.of_user(repository)
    try:
        with service.service(chosen) as opened:
            opened.require_key(model or chosen.model)
    except errors.KeyRefused as refused:
        raise errors.KeyRefused(
            refused.cause, f"{hint}  # asks no model; or {refused.hint}"
        ) from refused


def _terms(repository: Repository, choice: _Typed, base: Base) -> Terms:
    chosen = settings.of_user(repository)
    most = chosen.maxUsd if choice.max_usd is None else choice.max_usd
    terms = planning.terms(repository, base.commit)
    return terms._replace(model=choice.model or chosen.model, max_usd=most)
