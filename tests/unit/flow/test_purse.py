"""Requests within a budget: lost tries count before the next one is made, and what others hold is
waited for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from git_orch import errors
from git_orch.agents import exchange, limits, prices
from git_orch.flow.model import purse as spending
from git_orch.flow.model.purse import LimitedModel, Pocket
from git_orch.plans.money.budget import Request

MODEL = "claude-sonnet-4-6"  # $15 for a million tokens of output
ASKED = exchange.Request(MODEL, "", (exchange.user("Write a"),), 32_000)


def call(output: int) -> exchange.Call:
    return exchange.Call(MODEL, {"input_tokens": 0, "output_tokens": output}, None, 0.0, "end_turn")


class Losing:
    """A provider whose replies break off after so many tokens each time, until there are no more
    numbers.
    """

    def __init__(self, *lost: int) -> None:
        self._lost = list(lost)
        self.asked: list[int] = []

    def reply(
        self,
        request: exchange.Request,
        *,
        on_text: Callable[[str], None] | None = None,
        on_lost: Callable[[exchange.Call], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> exchange.Reply:
        """The reply after the tries that are lost."""
        del on_text, stop
        self.asked.append(request.max_tokens)
        while self._lost:
            if on_lost is not None:
                on_lost(call(min(self._lost.pop(0), request.max_tokens)))
            if on_wait is not None:
                on_wait(0.0, "cut")
            self.asked.append(request.max_tokens)
        return exchange.Reply((), call(20))


def within(model: Losing, purse: Pocket) -> LimitedModel:
    return LimitedModel(model, purse, prices.load(), spending.About("a", "s1"), "git orch exec x")


def test_a_try_that_was_lost_makes_the_next_one_smaller() -> None:
    """$0.4 pay for 26,666 tokens; when 10,000 of them are lost, the next try may not have as many."""
    model, purse, lost = Losing(10_000), Pocket(0.4), list[exchange.Call]()
    within(model, purse).reply(ASKED, on_lost=lost.append)
    first, last = model.asked
    assert 26_000 < first < 26_667
    assert first - last == pytest.approx(10_000, abs=1)
    assert [each.usage["output_tokens"] for each in lost] == [10_000]
    assert purse.book().spent == pytest.approx(10_020 * 15e-6)
    assert purse.book().steps == {"s1": pytest.approx(10_020 * 15e-6)}


def test_tries_that_are_lost_never_cost_more_than_the_limit() -> None:
    model, purse = Losing(20_000, 6_000), Pocket(0.4)
    with pytest.raises(errors.LimitReached) as reached:
        within(model, purse).reply(ASKED)
    assert purse.book().spent == pytest.approx(26_000 * 15e-6)
    assert "git orch exec x --max-usd" in (reached.value.hint or "")
    assert purse.book().reserved == {}


def test_where_there_is_room_a_lost_try_changes_nothing() -> None:
    model, purse = Losing(10_000, 10_000), Pocket(10)
    within(model, purse).reply(ASKED)
    assert model.asked == [32_000, 32_000, 32_000]
    assert purse.book().reserved == {}


def held() -> Pocket:
    """A dollar, of which another call holds nearly all."""
    purse = Pocket(1)
    assert purse.reserve("other", "s2", Request(prices.load().price(MODEL), 0, 66_000)) == 66_000
    return purse


def test_what_others_hold_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending, "_GLANCE", 0.0)
    purse, model, told = held(), Losing(), list[str]()

    def on_wait(_seconds: float, cause: str) -> None:
        told.append(cause)
        purse.settle("other", 0.1)

    within(model, purse).reply(ASKED, on_wait=on_wait)
    assert model.asked == [32_000]
    assert told == ["requests under way may need the rest of the budget"]


def test_a_stop_ends_the_wait_for_what_others_hold() -> None:
    stop, model = threading.Event(), Losing()
    with pytest.raises(exchange.Stopped):
        within(model, held()).reply(ASKED, stop=stop, on_wait=lambda _seconds, _cause: stop.set())
    assert model.asked == []


def test_half_of_a_surrogate_pair_in_a_request_is_paid_for_like_a_character() -> None:
    model, purse = Losing(), Pocket(10)
    asked = exchange.Request(MODEL, "", (exchange.user("half \ud83d"),), 32_000)
    within(model, purse).reply(asked)
    assert model.asked == [32_000]


class Limited:
    """A provider that meets a limit which resets in so many seconds, each time, and then replies."""

    def __init__(self, breaker: limits.Breaker, *seconds: float) -> None:
        self._breaker = breaker
        self._seconds = list(seconds)

    def reply(
        self,
        request: exchange.Request,
        *,
        on_text: Callable[[str], None] | None = None,
        on_lost: Callable[[exchange.Call], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> exchange.Reply:
        """The reply once no limit holds."""
        del request, on_text, on_lost, on_wait, stop
        with self._breaker.request() as course:
            course.succeeded = not self._seconds
            if self._seconds:
                raise limits.Held(self._breaker.open(self._seconds.pop(0), "too many"))
        return exchange.Reply((), call(20))


def test_no_money_is_reserved_while_a_limit_holds() -> None:
    breaker, purse = limits.Breaker(60.0), Pocket(0.4)
    reserved: list[int] = []

    def note(limit: limits.Limit) -> None:
        assert limit.cause == "too many"
        reserved.append(len(purse.book().reserved))

    model = LimitedModel(
        Limited(breaker, 0.1, 0.1),
        purse,
        prices.load(),
        spending.About("a", "s1"),
        "git orch exec x",
        spending.Waits(breaker, note),
    )
    model.reply(ASKED)
    assert reserved == [0, 0]
    assert purse.book().spent == pytest.approx(20 * 15e-6)


def test_a_stop_ends_the_wait_for_a_limit() -> None:
    breaker, stop = limits.Breaker(6000.0), threading.Event()
    model = LimitedModel(
        Limited(breaker, 3000.0),
        Pocket(0.4),
        prices.load(),
        spending.About("a", "s1"),
        "git orch exec x",
        spending.Waits(breaker, lambda _: stop.set()),
    )
    with pytest.raises(exchange.Stopped):
        model.reply(ASKED, stop=stop)
