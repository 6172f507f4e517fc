"""git orch cost: show estimated and actual cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans import ids, sentences
from git_orch.plans.history.status import SATISFIED, Status
from git_orch.plans.money import cost
from git_orch.repo import settings
from git_orch.repo.local import plannings
from git_orch.repo.repository import Repository
from git_orch.views import console, costs
from git_orch.views.costs import Costs, Experience

if TYPE_CHECKING:
    from git_orch.plans.money.spending import By


@click.command("cost")
@click.argument("plan", required=False, metavar="[PLAN|RANGE]")
@click.option(
    "--by",
    type=click.Choice(["step", "path", "author", "month", "model"]),
    help="Sum the cost of all plans, or of the commits in RANGE.",
)
@click.option(
    "--model", metavar="MODEL", help="Estimate for this model instead of the one in force."
)
@click.option(
    "--count-tokens",
    is_flag=True,
    help="Let the provider count the tokens of the first requests; free.",
)
@here.price_unknown_option
@here.json_option
def command(
    plan: str | None, by: By | None, model: str | None, *, count_tokens: bool, as_json: bool
) -> None:
    """Show the estimated and the actual cost of a plan, by step: tokens, and USD at the prices of
    the models that answered.
    """
    repository = here.find_repository()
    if by is not None:
        if model is not None or count_tokens:
            raise errors.UsageError("--by sums actual cost, not estimates", "git orch cost -h")
        _print_sums(repository, by, plan, as_json=as_json)
        return
    unplanned = _unplanned(repository) if plan is None else (0.0, 0)
    try:
        money = _of_plan(repository, plan, model, count_tokens=count_tokens)
    except errors.NoPlanOpen:
        if not unplanned[1]:
            raise
        money = Costs()  # money was spent all the same
    money = money._replace(unplanned=unplanned)
    if as_json:
        here.print_json(costs.document(money))
        return
    for line in costs.lines(money):
        console.out(line)


def _of_plan(
    repository: Repository, plan: str | None, model: str | None, *, count_tokens: bool
) -> Costs:
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    prompts = _first_prompts(repository, status, model) if count_tokens else {}
    estimate = _estimate(repository, status, model)
    rows = costs.rows(status, estimate.per_step, prompts)
    return costs.of_plan(status, rows, _experience(repository, status, model))


def _unplanned(repository: Repository) -> tuple[float, int]:
    """USD for plannings here that became no plan, and how many there were."""
    failed = plannings.paid(repository)
    return sum(planning.usd() for planning in failed), len(failed)


def _print_sums(repository: Repository, by: By, commits: str | None, *, as_json: bool) -> None:
    """Print what the plans of the repository, or the commits of a range, have cost."""
    from git_orch.flow.model import spending as calls
    from git_orch.plans.money import spending

    with reading.open_objects(repository) as database:
        paid = (
            calls.of_repository(repository, database)
            if commits is None
            else calls.of_range(repository, database, commits)
        )
    rows = spending.rows(paid, by)
    total = sum((row.usd for row in rows), start=spending.NOTHING)
    if as_json:
        shown = [{by: row.key, "usd": float(row.usd), "calls": row.calls} for row in rows]
        here.print_json({"by": by, "rows": shown, "usd": float(total)})
        return
    for row in rows:
        times = sentences.count(row.calls, "call")
        console.out(f"{sentences.usd(float(row.usd)):>9}  {times:>9}  ", row.key)
    console.out(f"{sentences.usd(float(total)):>9}  in all")


def _estimate(
    repository: Repository, status: Status, model: str | None, *, usual: str | None = None
) -> cost.Estimate:
    """The estimate of a plan for `model` or, without it, the models of its steps; `usual` is that
    of steps that name none.
    """
    from git_orch.flow.attempt import brief, job
    from git_orch.flow.model import service

    chosen = settings.of_user(repository)
    table = service.price_table(chosen)
    return cost.estimate(
        status.plan,
        lambda name: table.price(model or name or usual or chosen.model),
        brief.prompt_tokens(repository, status.plan, status.base.commit, job.task_of(status)),
    )


def _experience(repository: Repository, status: Status, model: str | None) -> Experience:
    if all(step.kind != "agent" for step in status.plan.steps):
        return Experience()
    from git_orch.flow.model import estimate as estimating
    from git_orch.flow.model import service

    chosen = settings.of_user(repository)
    table = service.price_table(chosen)
    samples = estimating.samples(repository)
    plan = status.plan
    if model is not None:
        plan = plan._replace(steps=tuple(step._replace(model=None) for step in plan.steps))
    expected = cost.expectation(plan, model or chosen.model, samples, table.price)
    return Experience(expected, cost.step_tokens(samples))


def _first_prompts(repository: Repository, status: Status, model: str | None) -> dict[str, int]:
    """The tokens of the first requests of agent steps that are not done, counted by their provider;
    by step ID.
    """
    from git_orch.flow.attempt import brief

    left = [step for step in status.steps if step.kind == "agent" and step.state not in SATISFIED]
    return brief.first_prompts(repository, status, left, model) if left else {}


def estimate_of_steps(
    repository: Repository, status: Status, steps: frozenset[str], usual: str
) -> float:
    """What these steps were to cost, in USD: their part of the plan's own estimate. `usual` is the
    model of steps that name none.
    """
    estimate = _estimate(repository, status, None, usual=usual)
    part = sum(step.usd for step in estimate.per_step if step.step in steps)
    likely = status.estimate.p50 if status.estimate is not None else None
    if likely is None or not estimate.usd:
        return part
    return likely * part / estimate.usd


def print_estimate_left(
    repository: Repository,
    status: Status,
    model: str | None,
    chosen: frozenset[str] | None,
    *,
    as_json: bool,
) -> None:
    """Print the estimated cost of the steps that are not done, of those in `chosen` only (None:
    all); asks nobody.

    `model` is the model of a run for steps that name none.
    """
    left = {step.id for step in status.steps if step.state not in SATISFIED}
    shown_steps = left if chosen is None else left & chosen
    estimate = _estimate(repository, status, None, usual=model)
    every = costs.rows(status, estimate.per_step, {})
    rows = [row for row in every if row.step in shown_steps]
    total = round(sum(row.estimate_usd for row in rows), 9)
    if as_json:
        here.print_json({"steps": [row._asdict() for row in rows], "estimate_usd": total})
        return
    for row in rows:
        console.out(f"{row.number:3}  estimate {sentences.usd(row.estimate_usd)}  {row.title}")
    spent = f"{ids.short(status.id)} has cost {sentences.usd(status.usd())} so far"
    console.out(f"all  estimate {sentences.usd(total)}, and {spent}")
