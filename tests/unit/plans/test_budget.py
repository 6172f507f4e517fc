"""A plan's money: whatever the order of calls, what is spent stays within what was allowed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.money.budget import ENOUGH_OUTPUT, LEAST_OUTPUT, WAIT, Book, Request, affordable
from git_orch.plans.money.cost import Price, Rates, Tier

RATES = Rates(Decimal(3), Decimal(15), Decimal("3.75"), Decimal(6), Decimal("0.3"))
PRICE = Price(RATES)


def test_a_call_may_have_as_many_tokens_as_are_left_for_it() -> None:
    """$0.0375 for the prompt of 10,000 tokens at the price of a cache write; 0.03 of the rest pay for 2,000 tokens."""
    assert affordable(Request(PRICE, 10_000, 32_000), 0.0675) == 2_000


def test_without_a_limit_a_call_has_what_it_asks_for() -> None:
    assert affordable(Request(PRICE, 10_000, 32_000), None) == 32_000


@pytest.mark.parametrize("left", [-1.0, 0.0, 0.0375, 0.0375 + (LEAST_OUTPUT - 1) * 15e-6])
def test_a_call_whose_reply_would_be_too_short_is_not_made(left: float) -> None:
    assert affordable(Request(PRICE, 10_000, 32_000), left) is None


def test_a_long_prompt_costs_what_its_tier_says() -> None:
    dear = Rates(*(2 * rate for rate in RATES))
    tiered = Price(RATES, (Tier(200_000, dear),))
    assert Request(tiered, 200_001, 1).usd(0) == pytest.approx(
        2 * Request(PRICE, 200_001, 1).usd(0)
    )
    assert Request(tiered, 200_000, 1).usd(0) == Request(PRICE, 200_000, 1).usd(0)


def test_a_step_has_a_limit_of_its_own() -> None:
    book = Book(limit=10, step_limit=1, spent=3, steps={"s1": 0.75})
    assert book.room("s1") == 0.25
    assert book.room("s2") == 1
    assert book.room(None) == 7


def test_what_is_reserved_is_not_left_for_others() -> None:
    book = Book(limit=10).with_reserve("a", "s1", 4)
    assert book.room("s2") == 6
    assert book.with_cost("a", 1).room("s2") == 9
    assert book.with_cost("a", 1).steps == {"s1": 1}


def test_a_call_waits_for_what_others_hold_rather_than_fail() -> None:
    """What the other one holds at most is rarely what it costs; only what is spent is gone."""
    wanted = Request(PRICE, 0, 32_000)
    book = Book(limit=1).with_reserve("other", "s1", 1)
    assert book.with_offer("own", "s2", wanted) == (book, WAIT)
    assert book.with_cost("other", 0.25).with_offer("own", "s2", wanted)[1] == 32_000
    assert book.with_cost("other", 1).with_offer("own", "s2", wanted)[1] is None


def test_a_call_takes_less_than_it_wants_only_when_that_is_enough_for_a_usual_reply() -> None:
    wanted = Request(PRICE, 0, 32_000)
    room = ENOUGH_OUTPUT * 15e-6
    assert (
        Book(limit=1)
        .with_reserve("other", "s1", 1 - room - 1e-9)
        .with_offer("own", "s2", wanted)[1]
        == ENOUGH_OUTPUT
    )
    assert (
        Book(limit=1)
        .with_reserve("other", "s1", 1 - room + 1e-5)
        .with_offer("own", "s2", wanted)[1]
        == WAIT
    )
    assert Book(limit=0.05).with_offer("own", "s2", wanted)[1] == 3_333


def test_a_call_that_is_made_again_does_not_wait_for_itself() -> None:
    """The worker that reserved is dead, and its job is done again."""
    book = Book(limit=1).with_reserve("own", "s1", 1)
    assert book.with_offer("own", "s1", Request(PRICE, 0, 32_000))[1] == 32_000


@given(
    st.floats(0.001, 2),
    st.floats(0, 1),
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 50_000), st.integers(1, 32_000), st.floats(0, 1)
        ),
        max_size=30,
    ),
)
def test_calls_in_any_order_never_cost_more_than_the_limits(
    limit: float, step_limit: float, calls: list[tuple[int, int, int, float]]
) -> None:
    """Up to four calls are under way at once; each costs some share of what it reserved."""
    book = Book(limit=limit, step_limit=step_limit)
    running: dict[int, tuple[str, float]] = {}
    for number, (slot, prompt, most, share) in enumerate(calls):
        step = f"s{slot % 2}"
        if slot in running:
            call, usd = running.pop(slot)
            book = book.with_cost(call, usd)
        wanted = Request(PRICE, prompt, most)
        book, tokens = book.with_offer(str(number), step, wanted)
        if tokens:
            assert tokens <= most
            running[slot] = (str(number), share * wanted.usd(tokens))
    for call, usd in running.values():
        book = book.with_cost(call, usd)
    assert book.spent <= limit + 1e-9
    assert book.reserved == {}
    assert sum(book.steps.values()) == pytest.approx(book.spent)
    if step_limit:
        assert all(usd <= step_limit + 1e-9 for usd in book.steps.values())
