"""git orch cost: estimate and actual cost of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import ids, sentences
from git_orch.plans.history.status import SATISFIED, Call, Status
from git_orch.plans.money import cost
from git_orch.repo import settings
from git_orch.repo.repository import Repository
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.plans.document import Document
    from git_orch.plans.money.spending import By


class _Row(NamedTuple):
    """One step: its estimate, what its calls have cost in USD, how many there were, whether it is
    `done`; the first prompt, if counted.
    """

    number: int
    step: str
    title: str
    tokens_in: int
    tokens_out: int
    estimate_usd: float
    actual_usd: float
    calls: int
    done: bool = False
    prompt_tokens: int | None = None


@click.command("cost")
@click.argument("plan", required=False, metavar="[PLAN|RANGE]")
@click.option(
    "--by",
    type=click.Choice(["step", "path", "author", "month", "model"]),
    help="Sum what all plans, or the commits of RANGE, have cost.",
)
@click.option(
    "--model", metavar="MODEL", help="Estimate for this model instead of the one in force."
)
@click.option(
    "--count-tokens",
    is_flag=True,
    help="Let the provider count the first request of each step left; free.",
)
@here.json_option
def command(
    plan: str | None, by: By | None, model: str | None, *, count_tokens: bool, as_json: bool
) -> None:
    """What a plan may cost and has cost, by step: tokens, and USD at the prices of the models that
    answered.
    """
    repository = here.find_repository()
    if by is not None:
        if model is not None or count_tokens:
            raise errors.UsageError("--by sums what was paid, not estimates", "git orch cost -h")
        _print_sums(repository, by, plan, as_json=as_json)
        return
    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, plan)
    prompts = _first_prompts(repository, status, model) if count_tokens else {}
    rows = [
        row._replace(prompt_tokens=prompts.get(row.step))
        for row in _rows(repository, status, model)
    ]
    spent = _spending(status)
    experience = _experience(repository, status, model)
    if as_json:
        here.print_json(_document(rows, status, spent, experience))
        return
    for row in rows:
        compared, calls = (
            _comparison(row),
            sentences.count(row.calls, "call"),
        )
        prompt = (
            f"  first prompt {sentences.count(row.prompt_tokens, 'token')}"
            if row.prompt_tokens is not None
            else ""
        )
        console.out(f"{row.number:3}  {compared}  {calls}  {row.title}{prompt}")
    estimated = sentences.usd(sum(row.estimate_usd for row in rows))
    total = f"estimate {estimated}  actual {sentences.usd(status.usd())}"
    console.out(f"all  {total}, {sentences.usd(spent.planning)} of it for planning")
    done = [row for row in rows if row.done]
    if done:
        steps = sentences.count(len(done), "step")
        more = sentences.usd_more(_difference(done))
        console.out(f"the {steps} that {'is' if len(done) == 1 else 'are'} done: {more}")
    if experience.plan is not None:
        half, most = sentences.usd(experience.plan.p50), sentences.usd(experience.plan.p90)
        steps = sentences.count(experience.plan.samples, "finished step")
        quantiles = f"half of such plans cost less than {half}, nine of ten less than {most}"
        console.out(f"from {steps}: {quantiles}")
    if status.calls:
        _print_usage(spent, status)


def _print_sums(repository: Repository, by: By, commits: str | None, *, as_json: bool) -> None:
    """Print what the plans of the repository, or the commits of a range, have cost."""
    from git_orch.flow.model import spending as reading
    from git_orch.plans.money import spending

    with here.open_objects(repository) as database:
        costs = (
            reading.of_repository(repository, database)
            if commits is None
            else reading.of_range(repository, database, commits)
        )
    rows = spending.rows(costs, by)
    total = sum((row.usd for row in rows), start=spending.NOTHING)
    if as_json:
        shown = [{by: row.key, "usd": float(row.usd), "calls": row.calls} for row in rows]
        here.print_json({"by": by, "rows": shown, "usd": float(total)})
        return
    for row in rows:
        calls = sentences.count(row.calls, "call")
        console.out(f"{sentences.usd(float(row.usd)):>9}  {calls:>9}  ", row.key)
    console.out(f"{sentences.usd(float(total)):>9}  in all")


class _Experience(NamedTuple):
    """The experience from finished steps of this repository: for the plan in USD, for a step in
    tokens (prompts, replies).
    """

    plan: cost.Expectation | None = None
    step: tuple[cost.Quantiles, cost.Quantiles] | None = None


class _Spending(NamedTuple):
    """The use of models in tokens by class, and USD for planning and for failed attempts."""

    usage: cost.Usage
    planning: float
    failed: float

    def hit_ratio(self) -> float:
        """The share of all prompt tokens that came from the provider's cache."""
        return self.usage.cache_read / self.usage.prompt if self.usage.prompt else 0.0

    def failed_share(self, status: Status) -> float:
        """The share of all that the plan has cost which went into failed attempts."""
        return self.failed / status.usd() if status.usd() > 0 else 0.0


def _spending(status: Status) -> _Spending:
    failed = {attempt.id for attempt in status.attempts if attempt.outcome == "failed"}
    usage = cost.Usage()
    for call in status.calls:
        usage += cost.Usage.from_mapping(call.usage)
    return _Spending(
        usage, _usd(status, None), sum(call.usd for call in status.calls if call.attempt in failed)
    )


def _usd(status: Status, step: str | None) -> float:
    return sum(call.usd for call in status.calls if call.step == step)


def _print_usage(spent: _Spending, status: Status) -> None:
    usage = spent.usage
    written = usage.cache_write_5m + usage.cache_write_1h
    read = f"{usage.cache_read} read from it ({spent.hit_ratio():.0%} of all prompts)"
    console.out(
        f"tokens: {usage.input} in, {usage.output} out, {written} written to the cache, {read}"
    )
    if spent.failed:
        console.out(
            f"failed attempts: {sentences.usd(spent.failed)} ({spent.failed_share(status):.0%} of it all)"
        )


def _document(
    rows: Sequence[_Row], status: Status, spent: _Spending, experience: _Experience
) -> Document:
    estimate, usage = sum(row.estimate_usd for row in rows), spent.usage
    return {
        "steps": [
            row._asdict() | {"difference_usd": _difference([row]) if row.done else None}
            for row in rows
        ],
        "estimate_usd": round(estimate, 9),
        "actual_usd": round(status.usd(), 9),
        "difference_usd": _difference([row for row in rows if row.done]),
        "planning_usd": round(spent.planning, 9),
        "failed_usd": round(spent.failed, 9),
        "failed_share": round(spent.failed_share(status), 6),
        "tokens": {
            "input": usage.input,
            "output": usage.output,
            "cache_write_5m": usage.cache_write_5m,
            "cache_write_1h": usage.cache_write_1h,
            "cache_read": usage.cache_read,
        },
        "cache_hit_ratio": round(spent.hit_ratio(), 6),
        "expected": experience.plan._asdict() if experience.plan is not None else None,
        "step_tokens": _tokens_document(experience),
    }


def _tokens_document(experience: _Experience) -> Document | None:
    if experience.step is None:
        return None
    prompts, replies = experience.step
    return {"prompt": prompts._asdict(), "reply": replies._asdict()}


def _comparison(row: _Row) -> str:
    """Estimate and actual cost; a step that is not done has saved nothing yet."""
    more = f" ({sentences.usd_more(_difference([row]))})" if row.done else ""
    estimate, actual = sentences.usd(row.estimate_usd), sentences.usd(row.actual_usd)
    return f"estimate {estimate}  actual {actual}{more}"


def _difference(rows: Sequence[_Row]) -> float:
    return round(sum(row.actual_usd - row.estimate_usd for row in rows), 9)


def _rows(
    repository: Repository, status: Status, model: str | None, *, usual: str | None = None
) -> list[_Row]:
    """The steps, for `model` or, without it, their own; `usual` is that of steps that name none."""
    from git_orch.flow.attempt import brief, job
    from git_orch.flow.model import service

    chosen = settings.of_user(repository)
    table = service.price_table(chosen.prices)
    estimate = cost.estimate(
        status.plan,
        lambda name: table.price(model or name or usual or chosen.model),
        brief.prompt_tokens(repository, status.plan, status.base.commit, job.task_of(status)),
    )
    called: dict[str | None, list[Call]] = {}
    for call in status.calls:
        called.setdefault(call.step, []).append(call)
    rows = []
    for step, estimated in zip(status.steps, estimate.per_step, strict=True):
        calls = called.get(step.id, [])
        actual = round(sum(call.usd for call in calls), 9)
        rows.append(
            _Row(
                step.number,
                step.id,
                step.title,
                estimated.tokens_in,
                estimated.tokens_out,
                estimated.usd,
                actual,
                len(calls),
                step.state in SATISFIED,
            )
        )
    return rows


def _experience(repository: Repository, status: Status, model: str | None) -> _Experience:
    if all(step.kind != "agent" for step in status.plan.steps):
        return _Experience()
    from git_orch.flow.model import estimate as estimating
    from git_orch.flow.model import service

    chosen = settings.of_user(repository)
    table = service.price_table(chosen.prices)
    samples = estimating.samples(repository)
    plan = status.plan
    if model is not None:
        plan = plan._replace(steps=tuple(step._replace(model=None) for step in plan.steps))
    expected = cost.expectation(plan, model or chosen.model, samples, table.price)
    return _Experience(expected, cost.step_tokens(samples))


def _first_prompts(repository: Repository, status: Status, model: str | None) -> dict[str, int]:
    """The tokens of the first requests of agent steps that are not done, counted by their provider;
    by step ID.
    """
    from git_orch.flow.attempt import brief

    left = [step for step in status.steps if step.kind == "agent" and step.state not in SATISFIED]
    return brief.first_prompts(repository, status, left, model) if left else {}


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
    rows = [row for row in _rows(repository, status, None, usual=model) if row.step in shown_steps]
    total = round(sum(row.estimate_usd for row in rows), 9)
    if as_json:
        here.print_json({"steps": [row._asdict() for row in rows], "estimate_usd": total})
        return
    for row in rows:
        console.out(f"{row.number:3}  estimate {sentences.usd(row.estimate_usd)}  {row.title}")
    spent = f"{ids.short(status.id)} has cost {sentences.usd(status.usd())} so far"
    console.out(f"all  estimate {sentences.usd(total)}, and {spent}")
