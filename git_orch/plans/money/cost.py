"""The cost of tokens: usage as the provider counts it, prices per million tokens, and the estimate
of a plan.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import sentences
from git_orch.plans.file.findings import Finding

if TYPE_CHECKING:
    from git_orch.plans.history.status import StoredEstimate
    from git_orch.plans.plan import Plan, Step

_MILLION = Decimal(1_000_000)

# The heuristic of the first git-orch for one step of a model; measured runs replace it as soon as
# there are any.
STEP_TOKENS_IN = 2_000
STEP_TOKENS_OUT = 1_000
REVIEW_TOKENS_IN = 2_000
REVIEW_TOKENS_OUT = 500
LEAST_SAMPLES = 5  # finished steps; fewer of them have no 90th percentile
# A log from elsewhere may hold any number; a step that claims to have used more does not count.
_DEAREST = 10_000.0  # USD
_LONGEST = 10**12  # tokens


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call or of many. As the provider counts, `input` leaves out tokens that went
    through the prompt cache.
    """

    input: int = 0
    output: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0

    @classmethod
    def from_mapping(cls, verbatim: Mapping[str, object]) -> Usage:
        """The usage of a Messages API reply; fields that are absent, null or unknown count nothing.

        Cache writes without a lifetime are 5-minute ones, the provider's default.
        """
        split = verbatim.get("cache_creation")
        parts = split if isinstance(split, Mapping) else {}
        one_hour = _count(parts, "ephemeral_1h_input_tokens")
        five_minutes = _count(parts, "ephemeral_5m_input_tokens")
        written = max(_count(verbatim, "cache_creation_input_tokens"), one_hour + five_minutes)
        return cls(
            input=_count(verbatim, "input_tokens"),
            output=_count(verbatim, "output_tokens"),
            cache_write_5m=written - one_hour,
            cache_write_1h=one_hour,
            cache_read=_count(verbatim, "cache_read_input_tokens"),
        )

    @property
    def prompt(self) -> int:
        """All tokens of the prompt, cached or not: the measure of price tiers and windows."""
        return self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_1h + other.cache_write_1h,
            self.cache_read + other.cache_read,
        )


def _count(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


REVIEW_USAGE = Usage(input=REVIEW_TOKENS_IN, output=REVIEW_TOKENS_OUT)


class Rates(NamedTuple):
    """USD per million tokens."""

    input: Decimal
    output: Decimal
    write_5m: Decimal
    write_1h: Decimal
    read: Decimal


class Tier(NamedTuple):
    """The rates of whole requests with more than `above` tokens of prompt."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model: its rates, and the tiers for long prompts."""

    rates: Rates
    tiers: tuple[Tier, ...] = ()

    def at(self, prompt_tokens: int) -> Rates:
        """The rates of one request with that many prompt tokens."""
        rates = self.rates
        for tier in sorted(self.tiers, key=lambda tier: tier.above):
            if prompt_tokens > tier.above:
                rates = tier.rates
        return rates


def usd(usage: Usage, price: Price) -> float:
    """USD for one call, rounded to 1e-9. Sum the costs of calls, never their usage: a price may
    have tiers.
    """
    rates = price.at(usage.prompt)
    total = (
        usage.input * rates.input
        + usage.output * rates.output
        + usage.cache_write_5m * rates.write_5m
        + usage.cache_write_1h * rates.write_1h
        + usage.cache_read * rates.read
    )
    return round(float(total / _MILLION), 9)


class StepEstimate(NamedTuple):
    """The estimate for one step."""

    step: str
    tokens_in: int
    tokens_out: int
    usd: float


class Estimate(NamedTuple):
    """The estimate for a plan: the sums over its steps, in the plan's order."""

    tokens_in: int
    tokens_out: int
    usd: float
    per_step: tuple[StepEstimate, ...]


def no_prompt(_: Step) -> int:
    """Nobody has counted the prompt of a step."""
    return 0


def estimate(
    plan: Plan,
    price_of: Callable[[str | None], Price],
    prompt_of: Callable[[Step], int] = no_prompt,
) -> Estimate:
    """The estimate of a plan; `price_of` gives the price of a step's model, None being the default
    model, `prompt_of` the tokens of a step's first prompt: a long one costs more than the usual step.

    Only agent steps and reviews use tokens; neither is called for other steps.
    """
    steps = tuple(_step_estimate(step, price_of, prompt_of) for step in plan.steps)
    return Estimate(
        sum(step.tokens_in for step in steps),
        sum(step.tokens_out for step in steps),
        round(sum(step.usd for step in steps), 9),
        steps,
    )


def _step_estimate(
    step: Step, price_of: Callable[[str | None], Price], prompt_of: Callable[[Step], int]
) -> StepEstimate:
    used = [(REVIEW_USAGE, review.model) for review in step.reviews]
    if step.kind == "agent":
        usage = Usage(input=max(STEP_TOKENS_IN, prompt_of(step)), output=STEP_TOKENS_OUT)
        used.append((usage, step.model))
    return StepEstimate(
        step.id,
        sum(usage.input for usage, _ in used),
        sum(usage.output for usage, _ in used),
        round(sum((usd(usage, price_of(model)) for usage, model in used), start=0.0), 9),
    )


def _reviews_usd(plan: Plan, model: str, price_of: Callable[[str], Price]) -> float:
    """The estimate for all reviews of a plan."""
    reviews = [review for step in plan.steps for review in step.reviews]
    return sum(usd(REVIEW_USAGE, price_of(review.model or model)) for review in reviews)


class Sample(NamedTuple):
    """The use of a finished agent step over all its attempts: its last model, the usage of its
    calls, USD.
    """

    model: str
    calls: tuple[Usage, ...]
    usd: float


class Expectation(NamedTuple):
    """The expected cost of a plan in USD, by `samples` finished steps: median and 90th
    percentile.
    """

    p50: float
    p90: float
    samples: int


class Quantiles(NamedTuple):
    """The median and the 90th percentile of finished steps, in tokens."""

    p50: int
    p90: int


def expectation(
    plan: Plan, model: str, samples: Sequence[Sample], price_of: Callable[[str], Price]
) -> Expectation | None:
    """The expected cost of the plan; None without agent steps, and with fewer than five samples.

    Samples for a step are those of its model where there are five of them, else the tokens of all
    samples at the model's price. Steps that name no model have `model`. Reviews count by their
    estimate.
    """
    counts = Counter(step.model or model for step in plan.steps if step.kind == "agent")
    believed = _credible(samples)
    drawn = [(_costs(believed, name, price_of(name)), count) for name, count in counts.items()]
    fewest = min((len(costs) for costs, _ in drawn), default=0)
    if fewest < LEAST_SAMPLES:
        return None
    reviews = _reviews_usd(plan, model, price_of)
    half, most = (_of_sum(drawn, share) + reviews for share in (0.5, 0.9))
    return Expectation(round(half, 9), round(most, 9), fewest)


def _credible(samples: Sequence[Sample]) -> list[Sample]:
    return [
        sample
        for sample in samples
        if 0 <= sample.usd <= _DEAREST
        and all(call.prompt + call.output <= _LONGEST for call in sample.calls)
    ]


def _costs(samples: Sequence[Sample], model: str, price: Price) -> list[float]:
    """The costs of the samples of that model or, where these are too few, of all samples at its
    price.
    """
    own = [sample.usd for sample in samples if sample.model == model]
    if len(own) >= LEAST_SAMPLES:
        return own
    return [sum(usd(call, price) for call in sample.calls) for sample in samples]


def _of_sum(drawn: Sequence[tuple[Sequence[float], int]], share: float) -> float:
    """The quantile `share` of sums, for sums of `count` values of every kind in `drawn`.

    Steps differ independently, so that distances from the mean add up as squares: ten dear steps in
    a row are rare. For one value the result is its own quantile.
    """
    mean = squares = 0.0
    for values, count in drawn:
        middle = sum(values) / len(values)
        distance = quantile(values, share) - middle
        mean, squares = mean + count * middle, squares + count * distance * abs(distance)
    return mean + math.copysign(math.sqrt(abs(squares)), squares)


def step_tokens(samples: Sequence[Sample]) -> tuple[Quantiles, Quantiles] | None:
    """Tokens of prompts and of replies in a finished step; None with fewer than five samples."""
    believed = _credible(samples)
    if len(believed) < LEAST_SAMPLES:
        return None
    prompts = [sum(call.prompt for call in sample.calls) for sample in believed]
    replies = [sum(call.output for call in sample.calls) for sample in believed]
    return _quantiles(prompts), _quantiles(replies)


def _quantiles(values: Sequence[int]) -> Quantiles:
    return Quantiles(round(quantile(values, 0.5)), round(quantile(values, 0.9)))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies; between two of them, in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def over_budget(estimate: StoredEstimate, max_usd: float) -> Finding | None:
    """A finding when the estimate of a plan is above `max_usd`; 0 is no limit."""
    most = max(estimate.usd, estimate.p90 or 0.0)
    if not 0 < max_usd < most:
        return None
    message = f"the plan may cost {sentences.usd(most)}, more than {sentences.usd(max_usd)}"
    return Finding(
        "over-budget", "estimate", message, "raise the budget, or plan fewer or smaller steps"
    )
