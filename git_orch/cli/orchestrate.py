"""git orch orchestrate: write the spec of every plan that is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, listing, planning
from git_orch.plans import ids
from git_orch.plans.documents import names
from git_orch.plans.history.status import PlanState
from git_orch.repo import settings, template_files
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.documents.orchestrate import Outcome
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.flow.reports import Reporter
    from git_orch.repo.repository import Repository
    from git_orch.views.headlines import Summary


@click.command("orchestrate")
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 64), default=1, metavar="N", help="Ask for N at a time."
)
@click.option("--offline", is_flag=True, help="Ask no model: write manual steps to be filled in.")
@here.price_unknown_option
@here.progress_option
@here.json_option
def command(*, jobs: int, offline: bool, progress: bool | None, as_json: bool) -> int:
    """Write the spec of every plan that is ready and has none. Of each other open plan it says why
    it was left out. Without a key for a model it works as with --offline.
    """
    from git_orch.flow.documents.orchestrate import Outcome, reason
    from git_orch.views import watching

    repository = here.find_repository()
    plans = listing.Plans(repository, with_archived=False)
    plans.keep()
    due = [plan.id for plan in plans.listed if _is_due(plan)]
    others = [plan for plan in plans.listed if plan.is_open and not _is_due(plan)]
    skipped = [reason(plan.id, PlanState[plan.state]) for plan in others]
    outcome = Outcome([], [], [])
    if due:
        with watching.watch(jobs=jobs, progress=progress) as reporter:
            outcome = _write_due(repository, due, jobs, reporter, offline=offline)
        _tell_of(repository, {one.id: one.title for one in plans.listed if one.id in outcome.made})
    outcome = outcome._replace(skipped=[*outcome.skipped, *skipped])
    if as_json:
        here.print_json(_document(outcome))
    else:
        _print(outcome)
    return outcome.failed[0][1].exit_code if outcome.failed else 0


def _is_due(plan: Summary) -> bool:
    """Whether a plan is ready, or a kill has left its spec without a branch."""
    return plan.word in (PlanState.READY.value, "NO BRANCH") and plan.is_open


def _write_due(
    repository: Repository, due: list[str], jobs: int, reporter: Reporter, *, offline: bool
) -> Outcome:
    """Write the specs of plans that are due."""
    from git_orch.flow.documents import batch, orchestrate
    from git_orch.flow.documents.batch import Ground
    from git_orch.flow.planning import base as basing

    base = basing.choose_base(repository, None)
    alone = offline or not _has_model(repository)
    template = template_files.of_spec(repository) if alone else None
    made = batch.write_offline(repository, due, Ground(base, template), reporter) if alone else []

    def write(opened: OpenPlan) -> None:
        from git_orch.flow.documents import model_spec, spec

        if alone:
            spec.write(opened, spec.offline(opened.status(), template), base)
            return
        terms = planning.terms(repository, base.commit)
        most = settings.of_user(repository).maxUsd
        model_spec.write(opened, terms._replace(max_usd=most), base)

    left = [plan for plan in due if plan not in {*made}]
    outcome = orchestrate.write_each(repository, left, reporter, write, jobs)
    return outcome._replace(made=sorted([*made, *outcome.made]))


def _tell_of(repository: Repository, titles: dict[str, str]) -> None:
    from git_orch.flow.branch import notify
    from git_orch.views.progress import ConsoleReporter

    notify.of_specs(repository, titles, ConsoleReporter())


def _has_model(repository: Repository) -> bool:
    """Whether there is a key for a model."""
    from git_orch.flow.model import service

    chosen = settings.of_user(repository)
    try:
        with service.service(chosen) as opened:
            opened.require_key(chosen.model)
    except errors.KeyRefused:
        console.err("note: there is no key for a model: the specs are templates to be filled in")
        return False
    return True


def _print(outcome: Outcome) -> None:
    for plan in outcome.made:
        console.out(f"Created: {names.spec_id(plan)}")
    why = "" if outcome.made else ": nothing ready"
    console.out(f"Created {len(outcome.made)} SPEC(s){why}")
    if outcome.made:
        console.out(f"Updated {len(outcome.made)} PLAN(s) to in-spec")
    for plan, failed in outcome.failed:
        console.out(f"failed: {ids.short(plan)}: {failed.cause}; {failed.hint}")
    for plan, reason, command in outcome.skipped:
        console.out(f"skipped: {ids.short(plan)} {reason}: {command}")
    if outcome.made:
        console.out(f"next: git orch exec {ids.short(outcome.made[0])}")


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "created": [{"plan": plan, "spec": names.spec_id(plan)} for plan in outcome.made],
        "skipped": [skipped._asdict() for skipped in outcome.skipped],
        "failed": [
            {"plan": plan, "error": failed.cause, "hint": failed.hint}
            for plan, failed in outcome.failed
        ],
    }
