"""Estimates of a plan's cost, from the heuristic and from finished steps of this repository."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from git_orch.agents import prices
from git_orch.agents.prices import Prices
from git_orch.plans import sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import SATISFIED, Call, Status
from git_orch.plans.money import cost
from git_orch.plans.money.cost import Sample
from git_orch.plans.plan import Plan, Step
from git_orch.repo.log import catalog
from git_orch.repo.objects import objects
from git_orch.repo.repository import Repository


def samples(repository: Repository) -> list[Sample]:
    """The samples of the agent steps that are done in this repository, archived plans included."""
    with contextlib.closing(objects.opened(repository)) as database:
        statuses = [
            *catalog.statuses(repository, database),
            *catalog.archived_statuses(repository, database),
        ]
    found: list[Sample] = []
    for status in statuses:
        found += _samples_of(status)
    return found


def _samples_of(status: Status) -> Iterator[Sample]:
    for step in status.steps:
        calls = [call for call in status.calls if call.step == step.id and not call.is_review]
        if step.kind == "agent" and step.state in SATISFIED and calls:
            yield _sample(calls)


def _sample(calls: Sequence[Call]) -> Sample:
    usages = tuple(cost.Usage.from_mapping(call.usage) for call in calls)
    return Sample(prices.base_name(calls[-1].model), usages, sum(call.usd for call in calls))


def plan_estimate(
    plan: Plan,
    model: str,
    table: Prices,
    samples_of_repository: Sequence[Sample] = (),
    prompt_of: Callable[[Step], int] = cost.no_prompt,
) -> Document:
    """The estimate that the log stores: tokens, USD and, with enough samples, p50 and p90 of USD."""
    heuristic = cost.estimate(plan, lambda name: table.price(name or model), prompt_of)
    document: Document = {
        "tokens_in": heuristic.tokens_in,
        "tokens_out": heuristic.tokens_out,
        "usd": heuristic.usd,
    }
    expected = cost.expectation(plan, model, samples_of_repository, table.price)
    return document if expected is None else document | expected._asdict()


def estimate_text(estimate: Document) -> str:
    """An estimate for people: the median, and the range from heuristic to p90."""
    amounts = [estimate.get(name) for name in ("usd", "p50", "p90")]
    heuristic, *spread = [amount for amount in amounts if isinstance(amount, float)]
    if len(spread) < 2:
        return sentences.usd(heuristic)
    p50, p90 = spread
    low, high = min(heuristic, p50), max(heuristic, p90)
    return f"{sentences.usd(p50)} ({sentences.usd_range(low, high)})"
