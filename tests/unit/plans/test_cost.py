"""What tokens cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from git_orch.plans.money import cost
from git_orch.plans.plan import Command, Plan, Review, Step


def price(*rates: str) -> cost.Price:
    return cost.Price(cost.Rates(*map(Decimal, rates)))


SONNET_4_5 = price("3", "15", "3.75", "6", "0.30")
OPUS = price("5", "25", "6.25", "10", "0.50")


def agent(name: str, model: str | None = None) -> Step:
    return Step(name, name, "agent", prompt="do it", model=model)


def test_actual_tokens_cost_what_the_price_says() -> None:
    """S1-072."""
    assert (
        cost.usd(cost.Usage.from_mapping({"input_tokens": 1234, "output_tokens": 567}), SONNET_4_5)
        == 0.012207
    )


def test_an_agent_step_is_estimated_at_two_thousand_and_one_thousand_tokens() -> None:
    """S1-068, S1-069, S1-070."""
    step = cost.estimate(Plan("t", "o", (agent("s1"),)), lambda _: SONNET_4_5).per_step[0]

    assert step == cost.StepEstimate("s1", 2000, 1000, 0.021)


@pytest.mark.parametrize(("steps", "usd"), [(5, 0.105), (0, 0.0)])
def test_a_plan_is_the_sum_of_its_steps(steps: int, usd: float) -> None:
    """S1-071."""
    plan = Plan("t", "o", tuple(agent(f"s{number}") for number in range(steps)))

    estimate = cost.estimate(plan, lambda _: SONNET_4_5)

    assert (estimate.tokens_in, estimate.tokens_out, estimate.usd) == (
        2000 * steps,
        1000 * steps,
        usd,
    )


def test_a_prompt_that_is_longer_than_usual_counts() -> None:
    plan = Plan("t", "o", (agent("s1"), agent("s2")))
    prompts = {"s1": 12_000, "s2": 500}
    estimate = cost.estimate(plan, lambda _: SONNET_4_5, lambda step: prompts[step.id])
    assert [step.tokens_in for step in estimate.per_step] == [12_000, 2_000]


def test_each_step_has_the_price_of_its_own_model() -> None:
    plan = Plan("t", "o", (agent("s1"), agent("s2", "opus")))

    estimate = cost.estimate(plan, {None: SONNET_4_5, "opus": OPUS}.__getitem__)

    assert [step.usd for step in estimate.per_step] == [0.021, 0.035]


def test_steps_without_a_model_cost_nothing_and_need_no_price() -> None:
    plan = Plan(
        "t",
        "o",
        (Step("s1", "a", "run", command=Command(argv=("true",))), Step("s2", "b", "files")),
    )

    prices: dict[str | None, cost.Price] = {}
    estimate = cost.estimate(plan, prices.__getitem__)

    assert (estimate.tokens_in, estimate.tokens_out, estimate.usd) == (0, 0, 0)


def test_cache_writes_and_reads_have_prices_of_their_own() -> None:
    usage = {
        "input_tokens": 1_000_000,
        "output_tokens": 1_000_000,
        "cache_creation_input_tokens": 3_000_000,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 2_000_000,
            "ephemeral_1h_input_tokens": 1_000_000,
        },
        "cache_read_input_tokens": 1_000_000,
    }

    assert cost.usd(cost.Usage.from_mapping(usage), SONNET_4_5) == 3 + 15 + 2 * 3.75 + 6 + 0.30


def test_cache_writes_that_are_not_broken_down_are_of_five_minutes() -> None:
    assert cost.Usage.from_mapping({"cache_creation_input_tokens": 7}) == cost.Usage(
        cache_write_5m=7
    )


@pytest.mark.parametrize("value", [None, "7", -7, True, 7.5, [7]])
def test_a_count_that_is_none_counts_nothing(value: object) -> None:
    assert cost.Usage.from_mapping({"input_tokens": value, "cache_creation": value}) == cost.Usage()


def test_a_long_prompt_moves_the_whole_request_to_the_higher_tier() -> None:
    low, high = cost.Rates(*map(Decimal, "11111")), cost.Rates(*map(Decimal, "22222"))
    tiered = cost.Price(low, (cost.Tier(100, high),))

    assert cost.usd(cost.Usage(input=60, cache_read=40, output=1000), tiered) == 0.0011
    assert cost.usd(cost.Usage(input=60, cache_read=41, output=1000), tiered) == 0.002202


@given(
    st.builds(cost.Usage, *[st.integers(0, 10**7)] * 5),
    st.builds(cost.Usage, *[st.integers(0, 10**7)] * 5),
)
def test_usage_adds_up(one: cost.Usage, other: cost.Usage) -> None:
    together = cost.usd(one + other, SONNET_4_5)

    assert together == pytest.approx(
        cost.usd(one, SONNET_4_5) + cost.usd(other, SONNET_4_5), abs=2e-9
    )
    assert (one + other).prompt == one.prompt + other.prompt


# -- what finished steps say -----------------------------------------------------------------------

TIERED = cost.Price(SONNET_4_5.rates, (cost.Tier(100_000, OPUS.rates),))


def finished(
    *costs: float, model: str = "sonnet", calls: tuple[cost.Usage, ...] = ()
) -> list[cost.Sample]:
    return [cost.Sample(model, calls, usd) for usd in costs]


def asking(count: int, model: str = "sonnet") -> Plan:
    return Plan("t", "o", tuple(agent(f"s{number}", model) for number in range(count)))


def expected(
    count: int, samples: list[cost.Sample], price: cost.Price = SONNET_4_5
) -> cost.Expectation | None:
    return cost.expectation(asking(count), "sonnet", samples, lambda _: price)


def test_a_step_is_expected_to_cost_what_steps_of_its_model_did() -> None:
    samples = finished(1, 2, 3, 4, 5) + finished(*[100] * 5, model="opus")

    assert tuple(expected(1, samples) or ()) == pytest.approx((3, 4.6, 5))


def test_of_fewer_than_five_steps_nothing_is_said() -> None:
    assert expected(1, finished(1, 2, 3, 4)) is None
    assert expected(0, finished(1, 2, 3, 4, 5)) is None


def test_steps_of_another_model_are_priced_call_by_call() -> None:
    """Thirty prompts of 40,000 tokens, nearly all cached, are neither one prompt of a million nor
    uncached.
    """
    call = cost.Usage(input=1_500, output=600, cache_read=38_500)
    samples = finished(*[7] * 5, model="other", calls=(call,) * 30)

    found = expected(1, samples, TIERED)

    assert found is not None
    assert found.p50 == pytest.approx(30 * cost.usd(call, SONNET_4_5))


def test_the_range_of_many_steps_is_narrower_than_that_of_each() -> None:
    """Of a hundred steps that cost 1 to 5 none in ten plans costs 4.6 each; the sums spread with
    the square root.
    """
    found = expected(100, finished(1, 2, 3, 4, 5))

    assert tuple(found or ()) == pytest.approx((300, 300 + 10 * 1.6, 5))


def test_half_of_the_plans_with_many_steps_cost_about_the_mean_of_each() -> None:
    """A step of these costs 1 mostly and 2 in the mean; four of them cost less than 8 in half of
    the plans.
    """
    found = expected(4, finished(1, 1, 1, 1, 6))

    assert found is not None
    assert found.p50 == pytest.approx(4 * 2 - 2 * 1)


@pytest.mark.parametrize("usd", [1e14, float("inf"), float("nan"), -1.0])
def test_a_cost_that_nobody_pays_is_not_believed(usd: float) -> None:
    """A log that somebody sent must not make estimates that no log could hold."""
    assert expected(1, finished(*[usd] * 5)) is None
    assert cost.step_tokens(finished(*[usd] * 5)) is None


def test_a_number_of_tokens_that_no_model_reads_is_not_believed() -> None:
    samples = finished(*[1] * 5, model="other", calls=(cost.Usage(input=10**400),))

    assert expected(1, samples) is None
    assert cost.step_tokens(samples) is None


@given(st.lists(st.floats(0, 100), min_size=5, max_size=12), st.integers(1, 50))
def test_a_range_is_never_upside_down_or_below_nothing(costs: list[float], count: int) -> None:
    found = expected(count, finished(*costs))

    assert found is not None
    assert -1e-9 <= found.p50 <= found.p90 <= count * max(costs) + 1e-6


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12), st.floats(0, 1), st.floats(0, 1))
def test_a_greater_share_has_a_greater_quantile(
    values: list[float], one: float, other: float
) -> None:
    assume(one < other)

    assert (
        min(values)
        <= cost.quantile(values, one)
        <= cost.quantile(values, other) + 1e-9
        <= max(values) + 2e-9
    )


def test_a_review_is_estimated_at_the_price_of_its_model_in_any_step() -> None:
    reviews = (Review("a"), Review("b", "dear"))
    step = Step("s1", "Do", "run", command=Command(None, "ls"), reviews=reviews)
    prices = {None: price("1", "10", "0", "0", "0"), "dear": price("100", "1000", "0", "0", "0")}
    whole = cost.estimate(Plan("x", "x", (step,)), lambda name: prices[name])
    assert (whole.tokens_in, whole.tokens_out) == (4_000, 1_000)
    assert whole.usd == pytest.approx(101 * (2_000 * 1 + 500 * 10) / 1e6)


def test_what_a_plan_is_expected_to_cost_has_its_reviews() -> None:
    usage = cost.Usage(input=1_000)
    sample = cost.Sample("m", (usage,), 1.0)
    plan = Plan("x", "x", (agent("s1"),))
    reviewed = Plan("x", "x", (agent("s1")._replace(reviews=(Review("a"),)),))
    table = price("1", "10", "0", "0", "0")
    without, more = (
        cost.expectation(each, "m", [sample] * 5, lambda _: table) for each in (plan, reviewed)
    )
    assert without is not None
    assert more is not None
    assert more.p50 - without.p50 == pytest.approx(0.007)
