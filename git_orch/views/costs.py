"""What a plan may cost and has cost, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import SATISFIED, Call, Status
from git_orch.plans.money import cost, lost
from git_orch.views import documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_orch.plans.money.cost import StepEstimate
    from git_orch.plans.money.spending import By


class Row(NamedTuple):
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


class Experience(NamedTuple):
    """The experience from finished steps of this repository: for the plan in USD, for a step in
    tokens (prompts, replies).
    """

    plan: cost.Expectation | None = None
    step: tuple[cost.Quantiles, cost.Quantiles] | None = None


class Costs(NamedTuple):
    """The money of one plan, or of none: its `rows`, USD in all and for planning, the tokens of all
    calls, what went into attempts that did not land; and `unplanned`, what plannings have cost in
    this repository that became no plan.
    """

    rows: tuple[Row, ...] = ()
    actual: float = 0.0
    planning: float = 0.0
    usage: cost.Usage = cost.Usage()
    unlanded: lost.Spent = lost.Spent(0.0, 0.0)
    experience: Experience = Experience()
    unplanned: tuple[float, int] = (0.0, 0)

    def done(self) -> list[Row]:
        """The rows of steps that are done: only those are compared."""
        return [row for row in self.rows if row.done]

    def share(self, usd: float) -> float:
        """The share of all that the plan has cost."""
        return usd / self.actual if self.actual > 0 else 0.0

    def hit_ratio(self) -> float:
        """The share of all prompt tokens that came from the provider's cache."""
        return self.usage.cache_read / self.usage.prompt if self.usage.prompt else 0.0


def rows(
    status: Status, estimates: Iterable[StepEstimate], prompts: Mapping[str, int]
) -> tuple[Row, ...]:
    """The rows of a plan's steps; `prompts` are the tokens of first prompts by step ID."""
    called: dict[str | None, list[Call]] = {}
    for call in status.calls:
        called.setdefault(call.step, []).append(call)
    made = []
    for step, estimated in zip(status.steps, estimates, strict=True):
        calls = called.get(step.id, [])
        made.append(
            Row(
                step.number,
                step.id,
                step.title,
                estimated.tokens_in,
                estimated.tokens_out,
                estimated.usd,
                round(sum(call.usd for call in calls), 9),
                len(calls),
                step.state in SATISFIED,
                prompts.get(step.id),
            )
        )
    return tuple(made)


def of_plan(status: Status, made: tuple[Row, ...], experience: Experience) -> Costs:
    """The money of a plan with these rows."""
    usage = cost.Usage()
    for call in status.calls:
        usage += cost.Usage.from_mapping(call.usage)
    return Costs(
        made,
        status.usd(),
        sum(call.usd for call in status.calls if call.step is None),
        usage,
        lost.spent(status),
        experience,
    )


# -- for people ------------------------------------------------------------------------------------


def lines(costs: Costs) -> list[str]:
    """The steps one a line, and the sums."""
    shown = [_row_line(row) for row in costs.rows]
    if costs.rows:
        estimated = sentences.usd(sum(row.estimate_usd for row in costs.rows))
        spent = f"spent so far {sentences.usd(costs.actual)}"
        planning = f", {sentences.usd(costs.planning)} of it for planning"
        shown.append(f"all  estimate {estimated}  {spent}{planning}")
    done = costs.done()
    if done:
        steps = sentences.count(len(done), "step")
        verb = sentences.verb(len(done), "is", "are")
        estimated = sentences.usd(sum(row.estimate_usd for row in done))
        actual = sentences.usd(sum(row.actual_usd for row in done))
        more = sentences.usd_more(_difference(done))
        shown.append(
            f"the {steps} that {verb} done: estimate {estimated}  actual {actual} ({more})"
        )
    shown += [*_experience_lines(costs.experience), *_usage_lines(costs)]
    usd, count = costs.unplanned
    if count:
        plannings = sentences.count(count, "planning")
        shown.append(f"{plannings} that failed: {sentences.usd(usd)}, part of no plan")
    return shown


def _row_line(row: Row) -> str:
    estimate = f"{row.number:3}  estimate {sentences.usd(row.estimate_usd)}"
    prompt = (
        f"  first prompt {sentences.count(row.prompt_tokens, 'token')}"
        if row.prompt_tokens is not None
        else ""
    )
    if not row.done and not row.calls:
        return f"{estimate}  not run  {row.title}{prompt}"
    # A step that is not done has saved nothing yet.
    more = f" ({sentences.usd_more(_difference([row]))})" if row.done else ""
    actual = f"actual {sentences.usd(row.actual_usd)}{more}"
    return f"{estimate}  {actual}  {sentences.count(row.calls, 'call')}  {row.title}{prompt}"


def _experience_lines(experience: Experience) -> list[str]:
    if experience.plan is None:
        return []
    half, most = sentences.usd(experience.plan.p50), sentences.usd(experience.plan.p90)
    steps = sentences.count(experience.plan.samples, "finished step")
    return [f"from {steps}: half of such plans cost less than {half}, nine of ten less than {most}"]


def _usage_lines(costs: Costs) -> list[str]:
    usage = costs.usage
    if usage == cost.Usage():
        return []
    written = usage.cache_write_5m + usage.cache_write_1h
    read = f"{usage.cache_read} read from it ({costs.hit_ratio():.0%} of all prompts)"
    shown = [
        f"tokens: {usage.input} in, {usage.output} out, {written} written to the cache, {read}"
    ]
    for what, usd in (
        ("failed attempts", costs.unlanded.failed),
        ("stopped attempts that did not go on so far", costs.unlanded.stopped),
    ):
        if usd:
            shown.append(f"{what}: {sentences.usd(usd)} ({costs.share(usd):.0%} of it all)")
    return shown


def _difference(compared: Sequence[Row]) -> float:
    return round(sum(row.actual_usd - row.estimate_usd for row in compared), 9)


# -- for programs ----------------------------------------------------------------------------------


def document(costs: Costs) -> Document:
    """The money as `git orch cost --json` gives it; the schema is `git orch schema cost`."""
    usage = costs.usage
    expected = costs.experience.plan
    usd, count = costs.unplanned
    return {
        "steps": [
            row._asdict() | {"difference_usd": _difference([row]) if row.done else None}
            for row in costs.rows
        ],
        "estimate_usd": round(sum(row.estimate_usd for row in costs.rows), 9),
        "actual_usd": round(costs.actual, 9),
        "difference_usd": _difference(costs.done()),
        "planning_usd": round(costs.planning, 9),
        "failed_usd": round(costs.unlanded.failed, 9),
        "failed_share": round(costs.share(costs.unlanded.failed), 6),
        "stopped_usd": round(costs.unlanded.stopped, 9),
        "tokens": {
            "input": usage.input,
            "output": usage.output,
            "cache_write_5m": usage.cache_write_5m,
            "cache_write_1h": usage.cache_write_1h,
            "cache_read": usage.cache_read,
        },
        "cache_hit_ratio": round(costs.hit_ratio(), 6),
        "expected": expected._asdict() if expected is not None else None,
        "step_tokens": _tokens_document(costs.experience),
        "failed_plannings": {"count": count, "usd": round(usd, 9)},
    }


def _tokens_document(experience: Experience) -> Document | None:
    if experience.step is None:
        return None
    prompts, replies = experience.step
    return {"prompt": prompts._asdict(), "reply": replies._asdict()}


_TEXT: Document = {"type": "string"}
_USD: Document = {"type": "number", "minimum": 0}
_SIGNED: Document = {"type": "number"}
_COUNT: Document = {"type": "integer", "minimum": 0}


def schema() -> Document:
    """JSON Schema of what `git orch cost --json` gives: of a plan, or the sums of --by."""
    from git_orch.plans.money import spending  # which the costs of one plan do without

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "what a plan may cost and has cost, or sums of what was paid",
        "anyOf": [_plan_schema(), *(_sums_schema(by) for by in spending.KINDS)],
    }


def _plan_schema() -> Document:
    step = documents.object_schema(
        {"number": _COUNT, "step": _TEXT, "title": _TEXT, "tokens_in": _COUNT, "tokens_out": _COUNT,
         "estimate_usd": _USD, "actual_usd": _USD, "calls": _COUNT, "done": {"type": "boolean"},
         "prompt_tokens": _or_null(_COUNT), "difference_usd": _or_null(_SIGNED)}
    )  # fmt: skip
    tokens = documents.object_schema(
        dict.fromkeys(("input", "output", "cache_write_5m", "cache_write_1h", "cache_read"), _COUNT)
    )
    expected = documents.object_schema({"p50": _USD, "p90": _USD, "samples": _COUNT})
    quantiles = documents.object_schema({"p50": _COUNT, "p90": _COUNT})
    by_kind = documents.object_schema({"prompt": quantiles, "reply": quantiles})
    share: Document = {"type": "number", "minimum": 0, "maximum": 1}
    return documents.object_schema(
        {"steps": {"type": "array", "items": step}, "estimate_usd": _USD, "actual_usd": _USD,
         "difference_usd": _SIGNED, "planning_usd": _USD, "failed_usd": _USD, "failed_share": share,
         "stopped_usd": _USD, "tokens": tokens, "cache_hit_ratio": share,
         "expected": _or_null(expected), "step_tokens": _or_null(by_kind),
         "failed_plannings": documents.object_schema({"count": _COUNT, "usd": _USD})}
    )  # fmt: skip


def _sums_schema(by: By) -> Document:
    row = documents.object_schema({by: _TEXT, "usd": _USD, "calls": _COUNT})
    rows_schema: Document = {"type": "array", "items": row}
    return documents.object_schema({"by": {"const": by}, "rows": rows_schema, "usd": _USD})


def _or_null(value: Document) -> Document:
    return {"anyOf": [value, {"type": "null"}]}
