"""The cost of calls in USD, summed as people ask for it. Amounts are exact, so that no sum differs
from the log by a cent.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

from git_orch.plans import ids
from git_orch.plans.history.status import Call, Status

By = Literal["step", "path", "author", "month", "model"]
KINDS: tuple[By, ...] = get_args(By)
NOTHING = Decimal()
PLANNING = "(planning)"
FAILED_PLANNING = "(failed planning)"
_NO_PATH = "(no file)"
_UNKNOWN = "(unknown)"
_EXACT = Decimal("1e-9")  # USD; the log has no smaller amounts


class Cost(NamedTuple):
    """The cost in USD of one call, or of one commit whose log is not here. `paths` are those that
    its step changed, `month` is like 2026-11.
    """

    usd: Decimal
    step: str
    paths: tuple[str, ...]
    author: str
    month: str
    model: str


class Row(NamedTuple):
    """A sum of costs in USD, and of how many calls."""

    key: str
    usd: Decimal
    calls: int


def rows(costs: Iterable[Cost], by: By) -> list[Row]:
    """The sums; months in order, others with the greatest first."""
    sums: dict[str, Decimal] = {}
    calls: dict[str, int] = {}
    for cost in costs:
        for key, usd in _shares(cost, by):
            sums[key] = sums.get(key, NOTHING) + usd
            calls[key] = calls.get(key, 0) + 1
    made = [Row(key, usd, calls[key]) for key, usd in sums.items()]
    return sorted(made, key=(lambda row: row.key) if by == "month" else _greatest_first)


def _greatest_first(row: Row) -> tuple[Decimal, str]:
    return -row.usd, row.key


def _shares(cost: Cost, by: By) -> list[tuple[str, Decimal]]:
    """The parts of a cost by key: its paths bear equal parts of it, the last one what is left."""
    if by != "path":
        return [(getattr(cost, by), cost.usd)]
    own = cost.step in (PLANNING, FAILED_PLANNING)
    *others, last = cost.paths or (cost.step if own else _NO_PATH,)
    part = (cost.usd / (1 + len(others))).quantize(_EXACT)
    return [*((path, part) for path in others), (last, cost.usd - part * len(others))]


def of_plan(status: Status, author_of: Callable[[str], str | None]) -> list[Cost]:
    """The costs of all calls of a plan; `author_of` gives the author of a commit that is here."""
    authors = _authors(status, author_of)
    return [_of_call(status, call, authors) for call in status.calls]


def of_steps(
    status: Status, steps: Iterable[str], author_of: Callable[[str], str | None]
) -> list[Cost]:
    """The costs of these steps of a plan, failed attempts included. Planning counts with the first
    step that has landed, so that ranges which follow each other count it once.
    """
    wanted = set(steps)
    landed = {attempt.step for attempt in status.attempts if attempt.outcome == "landed"}
    first = next((step.id for step in status.plan.steps if step.id in landed), None)
    authors = _authors(status, author_of)
    return [
        _of_call(status, call, authors)
        for call in status.calls
        if call.step in wanted or (call.step is None and first in wanted)
    ]


def of_commit(
    usd: Decimal, steps: Sequence[str], who: tuple[str, int], models: Sequence[str]
) -> Cost:
    """The cost that a commit's own message tells, where the log of its plan is not here; `who` are its
    author and its time in seconds.
    """
    author, seconds = who
    return Cost(usd, ", ".join(steps), (), author, _month(seconds), ", ".join(models) or _UNKNOWN)


def of_planning(usd: float, author: str | None, seconds: int, model: str) -> Cost:
    """The cost of one call of a planning that has become no plan, at a time in seconds."""
    who = author or _UNKNOWN
    return Cost(amount(usd), FAILED_PLANNING, (), who, _month(seconds), model)


def amount(usd: float) -> Decimal:
    """USD of the log as they were written."""
    return Decimal(repr(usd))


def _of_call(status: Status, call: Call, authors: Mapping[str | None, str]) -> Cost:
    attempts = [attempt for attempt in status.attempts if attempt.step == call.step]
    landed = [attempt for attempt in attempts if attempt.outcome == "landed"]
    return Cost(
        amount(call.usd),
        _step_name(status, call.step),
        landed[-1].changed if landed else (),
        authors.get(call.step) or authors[None],
        _month(ids.ulid_ms(call.id) // 1000),
        call.model,
    )


def _step_name(status: Status, step: str | None) -> str:
    if step is None:
        return PLANNING
    plan = ids.short(status.id)
    here = next((each for each in status.steps if each.id == step), None)
    return f"{plan} {here.number} {here.title}" if here is not None else f"{plan} {step}"


def _authors(status: Status, author_of: Callable[[str], str | None]) -> dict[str | None, str]:
    """The author of each step's last commit that is here; under None the plan's own, of its first."""
    authors: dict[str | None, str] = {}
    for attempt in status.attempts:
        author = author_of(attempt.commit) if attempt.commit is not None else None
        if author is not None:
            authors[attempt.step] = author
            authors.setdefault(None, author)
    authors.setdefault(None, _UNKNOWN)
    return authors


def _month(seconds: int) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m}"
