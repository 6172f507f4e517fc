"""What tokens cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import cost
from git_orch.plans.plan import Command, Plan, Step


def price(*rates: str) -> cost.Price:
    return cost.Price(cost.Rates(*map(Decimal, rates)))


SONNET_4_5 = price("3", "15", "3.75", "6", "0.30")
OPUS = price("5", "25", "6.25", "10", "0.50")


def agent(name: str, model: str | None = None) -> Step:
    return Step(name, name, "agent", prompt="do it", model=model)


def test_actual_tokens_cost_what_the_price_says() -> None:
    """S1-072."""
    assert cost.usd(cost.Usage.from_mapping({"input_tokens": 1234, "output_tokens": 567}), SONNET_4_5) == 0.012207


def test_an_agent_step_is_estimated_at_two_thousand_and_one_thousand_tokens() -> None:
    """S1-068, S1-069, S1-070."""
    step = cost.estimate(Plan("t", "o", (agent("s1"),)), lambda _: SONNET_4_5).per_step[0]

    assert step == cost.StepEstimate("s1", 2000, 1000, 0.021)


@pytest.mark.parametrize(("steps", "usd"), [(5, 0.105), (0, 0.0)])
def test_a_plan_is_the_sum_of_its_steps(steps: int, usd: float) -> None:
    """S1-071."""
    plan = Plan("t", "o", tuple(agent(f"s{number}") for number in range(steps)))

    estimate = cost.estimate(plan, lambda _: SONNET_4_5)

    assert (estimate.tokens_in, estimate.tokens_out, estimate.usd) == (2000 * steps, 1000 * steps, usd)


def test_each_step_has_the_price_of_its_own_model() -> None:
    plan = Plan("t", "o", (agent("s1"), agent("s2", "opus")))

    estimate = cost.estimate(plan, {None: SONNET_4_5, "opus": OPUS}.__getitem__)

    assert [step.usd for step in estimate.per_step] == [0.021, 0.035]


def test_steps_without_a_model_cost_nothing_and_need_no_price() -> None:
    plan = Plan("t", "o", (Step("s1", "a", "run", command=Command(argv=("true",))), Step("s2", "b", "files")))

    prices: dict[str | None, cost.Price] = {}
    estimate = cost.estimate(plan, prices.__getitem__)

    assert (estimate.tokens_in, estimate.tokens_out, estimate.usd) == (0, 0, 0)


def test_cache_writes_and_reads_have_prices_of_their_own() -> None:
    usage = {
        "input_tokens": 1_000_000,
        "output_tokens": 1_000_000,
        "cache_creation_input_tokens": 3_000_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 2_000_000, "ephemeral_1h_input_tokens": 1_000_000},
        "cache_read_input_tokens": 1_000_000,
    }

    assert cost.usd(cost.Usage.from_mapping(usage), SONNET_4_5) == 3 + 15 + 2 * 3.75 + 6 + 0.30


def test_cache_writes_that_are_not_broken_down_are_of_five_minutes() -> None:
    assert cost.Usage.from_mapping({"cache_creation_input_tokens": 7}) == cost.Usage(cache_write_5m=7)


@pytest.mark.parametrize("value", [None, "7", -7, True, 7.5, [7]])
def test_a_count_that_is_none_counts_nothing(value: object) -> None:
    assert cost.Usage.from_mapping({"input_tokens": value, "cache_creation": value}) == cost.Usage()


def test_a_long_prompt_moves_the_whole_request_to_the_higher_tier() -> None:
    low, high = cost.Rates(*map(Decimal, "11111")), cost.Rates(*map(Decimal, "22222"))
    tiered = cost.Price(low, ((100, high),))

    assert cost.usd(cost.Usage(input=60, cache_read=40, output=1000), tiered) == 0.0011
    assert cost.usd(cost.Usage(input=60, cache_read=41, output=1000), tiered) == 0.002202


@given(st.builds(cost.Usage, *[st.integers(0, 10**7)] * 5), st.builds(cost.Usage, *[st.integers(0, 10**7)] * 5))
def test_usage_adds_up(one: cost.Usage, other: cost.Usage) -> None:
    together = cost.usd(one + other, SONNET_4_5)

    assert together == pytest.approx(cost.usd(one, SONNET_4_5) + cost.usd(other, SONNET_4_5), abs=2e-9)
    assert (one + other).prompt == one.prompt + other.prompt
