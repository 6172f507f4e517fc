"""git orch cost: estimate and actual cost of a plan."""

from __future__ import annotations

from typing import NamedTuple

import click

from git_orch.cli import here
from git_orch.plans.status import Status
from git_orch.repo import settings
from git_orch.repo.repository import Repository
from git_orch.views import console


@click.command("cost")
@here.plan_argument
@click.option("--model", metavar="MODEL", help="Estimate for this model instead of the one in force.")
@here.json_option
def command(plan: str | None, model: str | None, *, as_json: bool) -> None:
    """What a plan may cost and has cost, by step: tokens, and USD at the prices of the models that answered."""
    found = here.repository()
    with here.reading(found) as database:
        status = here.status_of(found, database, plan)
    rows = _rows(found, status, model)
    estimate, actual = sum(row.estimate_usd for row in rows), status.usd()
    planning = sum(call.usd for call in status.calls if call.step is None)
    if as_json:
        here.print_json(
            {
                "steps": [row._asdict() for row in rows],
                "estimate_usd": round(estimate, 9),
                "actual_usd": round(actual, 9),
                "planning_usd": round(planning, 9),
            }
        )
        return
    for row in rows:
        console.out(f"{row.number:3}  {_compared(row.estimate_usd, row.actual_usd)}  {row.calls} calls  {row.title}")
    console.out(f"all  {_compared(estimate, actual)}, ${planning:.4f} of it for planning")


class _Row(NamedTuple):
    """One step: its estimate, what its calls have cost in USD, how many there were."""

    number: int
    step: str
    title: str
    tokens_in: int
    tokens_out: int
    estimate_usd: float
    actual_usd: float
    calls: int


def _compared(estimate: float, actual: float) -> str:
    return f"estimate ${estimate:.4f}  actual ${actual:.4f} ({actual - estimate:+.4f})"


def _rows(found: Repository, status: Status, model: str | None) -> list[_Row]:
    from git_orch.flow import models
    from git_orch.plans import cost

    chosen = settings.of_user(found)
    table = models.price_table(chosen.prices)
    estimate = cost.estimate(status.plan, lambda name: table.price(model or name or chosen.model))
    rows = []
    for each, step in zip(status.steps, estimate.per_step, strict=True):
        spent = [call.usd for call in status.calls if call.step == step.step]
        rows.append(
            _Row(
                number=each.number,
                step=step.step,
                title=each.step.title,
                tokens_in=step.tokens_in,
                tokens_out=step.tokens_out,
                estimate_usd=step.usd,
                actual_usd=round(sum(spent), 9),
                calls=len(spent),
            )
        )
    return rows
