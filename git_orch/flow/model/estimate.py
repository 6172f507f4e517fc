"""What a plan may cost: the heuristic, and what finished steps of this repository have cost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from git_orch.agents import prices
from git_orch.agents.prices import Prices
from git_orch.plans import sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import SATISFIED, Call, Status
from git_orch.plans.money import cost
from git_orch.plans.money.cost import Sample
from git_orch.plans.plan import Plan
from git_orch.repo.log import catalog
from git_orch.repo.objects import objects
from git_orch.repo.repository import Repository


def samples(repository: Repository) -> list[Sample]:
    """One for each agent step that is done in this repository, archived plans included."""
    with contextlib.closing(objects.opened(repository, warm=False)) as database:
        found = [*catalog.statuses(repository, database), *catalog.archived(repository, database)]
    return [sample for status in found for sample in _of(status)]


def _of(status: Status) -> Iterator[Sample]:
    for each in status.steps:
        calls = [call for call in status.calls if call.step == each.step.id]
        if each.step.kind == "agent" and each.state in SATISFIED and calls:
            yield _sample(calls)


def _sample(calls: Sequence[Call]) -> Sample:
    usages = tuple(cost.Usage.from_mapping(call.usage) for call in calls)
    return Sample(prices.undated(calls[-1].model), usages, sum(call.usd for call in calls))


def estimated(plan: Plan, model: str, table: Prices, known: Sequence[Sample] = ()) -> Document:
    """What the plan may use, as its log stores it: tokens, USD and, with enough samples, p50 and
    p90 of USD.
    """
    found = cost.estimate(plan, lambda name: table.price(name or model))
    document: Document = {
        "tokens_in": found.tokens_in,
        "tokens_out": found.tokens_out,
        "usd": found.usd,
    }
    expected = cost.expectation(plan, model, known, table.price)
    return document if expected is None else document | expected._asdict()


def shown(estimate: Document) -> str:
    """An estimate for people: what is expected, and between the heuristic and p90."""
    amounts = [estimate.get(name) for name in ("usd", "p50", "p90")]
    heuristic, *spread = [amount for amount in amounts if isinstance(amount, float)]
    if len(spread) < 2:
        return sentences.usd(heuristic)
    p50, p90 = spread
    low, high = min(heuristic, p50), max(heuristic, p90)
    return f"{sentences.usd(p50)} ({sentences.usd_range(low, high)})"
