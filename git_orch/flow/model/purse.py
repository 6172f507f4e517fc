"""A model within a budget: every call reserves what it can cost before it is made."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from git_orch import errors
from git_orch.agents import exchange, limits, retry, spans, telemetry
from git_orch.flow.reports import ModelCalled
from git_orch.plans import durations
from git_orch.plans.money import budget, cost
from git_orch.plans.money.budget import Book, Request
from git_orch.plans.money.used_up import UsedUp

if TYPE_CHECKING:
    from git_orch.agents import conversation
    from git_orch.agents.prices import Prices
    from git_orch.plans.document import Document


_GLANCE = 1.0  # seconds between looks whether other calls have settled


class Purse(Protocol):
    """Holds the money: the ledger of a run, or what one command may spend."""

    def reserve(self, call: str, step: str | None, needed: Request) -> int | None:
        """The tokens of output that a call may have, budget.WAIT, or None when there is not enough
        left for any.
        """
        ...

    def settle(self, call: str, usd: float) -> None:
        """Write down what a call has cost."""
        ...

    def book(self) -> Book:
        """The limits, costs and reservations now."""
        ...


class Pocket:
    """The purse of one command in one thread: planning, which has no ledger yet."""

    def __init__(self, max_usd: float, spent: float = 0.0) -> None:
        self._book = Book(limit=max_usd, spent=spent)

    def reserve(self, call: str, step: str | None, needed: Request) -> int | None:
        """The tokens of output that a call may have; None when there is not enough left for any."""
        self._book, tokens = self._book.with_offer(call, step, needed)
        return tokens

    def affords(self, request: Request, times: int) -> bool:
        """Whether the money is enough for so many requests of this size."""
        room = self._book.room(None)
        return room is None or times * request.usd(request.max_tokens) <= room

    def settle(self, call: str, usd: float) -> None:
        """Write down what a call has cost."""
        self._book = self._book.with_cost(call, usd)

    def book(self) -> Book:
        """The limits, costs and reservations now."""
        return self._book


class _Dearer(Exception):
    """A try was lost, and another one like it may cost more than the money that is left."""

    def __init__(self, pause: float) -> None:
        super().__init__()
        self.pause = pause  # seconds before the next try


class About(NamedTuple):
    """The attempt and the step that calls belong to."""

    attempt: str
    step: str | None = None


class _Counted(NamedTuple):
    """The bytes of a request, and the tokens that the provider counted in it."""

    size: int
    tokens: int


class _Listeners(NamedTuple):
    """The callbacks for text, for lost calls, and for waiting."""

    on_text: Callable[[str], None] | None
    on_lost: Callable[[exchange.Call], None]
    on_wait: Callable[[float, str], None]


class Waits(NamedTuple):
    """The breaker of a run, and a callback for limits that make the run wait."""

    breaker: limits.Breaker
    on_limit: Callable[[limits.Limit], None]


def _ignore(*_ignored: object) -> None:
    """A callback that does nothing."""


class LimitedModel:
    """A model behind a purse; `again` is the command that goes on with more money."""

    def __init__(
        self,
        model: conversation.Model,
        purse: Purse,
        prices: Prices,
        about: About,
        again: str,
        waits: Waits | None = None,
    ) -> None:
        self._model = model
        self._purse = purse
        self._prices = prices
        # An attempt has one call under way at a time: it is the call's ID.
        self._attempt, self._step = about
        self._again = again
        self._waits = waits
        self._last: _Counted | None = None

    def reply(
        self,
        request: exchange.Request,
        *,
        on_text: Callable[[str], None] | None = None,
        on_lost: Callable[[exchange.Call], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> exchange.Reply:
        """The reply of the model, whose length may be cut to what is left. Raises LimitReached,
        LimitResets and Stopped.
        """
        stop = stop or threading.Event()
        size = _size(request)
        needed = Request(self._prices.price(request.model), self._prompt(size), request.max_tokens)
        listeners = _Listeners(on_text, on_lost or _ignore, on_wait or _ignore)
        dearer_tries = 0
        while dearer_tries <= retry.RETRIES:
            tokens = self._reserve(needed, listeners, stop)
            try:
                reply = self._ask(
                    replace(request, max_tokens=tokens),
                    needed._replace(max_tokens=tokens),
                    listeners,
                    stop,
                )
            except limits.Held as held:
                self._wait_for(held.limit, stop)
            except errors.LimitResets as failed:
                raise self._with_way_on(failed) from failed
            except _Dearer as dearer:
                dearer_tries += 1
                if stop.wait(dearer.pause):
                    raise exchange.Stopped from None
            else:
                self._last = _Counted(size, cost.Usage.from_mapping(reply.call.usage).prompt)
                return reply
        raise self._limit_reached(needed)

    def _wait_for(self, limit: limits.Limit, stop: threading.Event) -> None:
        """Wait until the limit resets, with no money reserved. Raises LimitResets where that takes
        longer than the user allows, and Stopped.
        """
        waits = self._waits
        if waits is None or not waits.breaker.allows(limit):
            allowed = durations.text(waits.breaker.longest if waits is not None else 0.0)
            raise errors.LimitResets(
                f"{limit.cause}; it resets at {limit.moment()}, and --wait-limits allows {allowed}",
                f"{self._again}  # after {limit.moment()}; finished work stays",
            )
        if limit.is_news:
            waits.on_limit(limit)
        if waits.breaker.wait(stop):
            raise exchange.Stopped

    def _with_way_on(self, failed: errors.LimitResets) -> errors.LimitResets:
        """The error with the option that waits, where the command has it."""
        if self._waits is None:
            return failed
        hint = f"{self._again} --wait-limits  # waits until the limit resets; finished work stays"
        return errors.LimitResets(failed.cause, hint)

    def _reserve(self, needed: Request, listeners: _Listeners, stop: threading.Event) -> int:
        """Reserve money, and wait for other calls that hold it; gives the tokens of output that it
        pays for.
        """
        since, waited = time.monotonic(), False
        while not stop.is_set():
            tokens = self._purse.reserve(self._attempt, self._step, needed)
            if tokens is None or (
                tokens == budget.WAIT and time.monotonic() - since > retry.LONGEST_CALL
            ):
                raise self._limit_reached(needed)
            if tokens != budget.WAIT:
                return tokens
            if not waited:
                listeners.on_wait(_GLANCE, "requests under way may need the rest of the budget")
                waited = True
            stop.wait(_GLANCE)
        raise exchange.Stopped

    def _ask(
        self,
        request: exchange.Request,
        needed: Request,
        listeners: _Listeners,
        stop: threading.Event,
    ) -> exchange.Reply:
        """Ask the model and settle the cost. Raises _Dearer before a retry that is not affordable
        as it is.
        """

        spent = 0.0

        def on_lost(call: exchange.Call) -> None:
            nonlocal spent
            listeners.on_lost(call)
            lost = usd(call, request.model, self._prices)
            spent += lost
            self._purse.settle(self._attempt, lost)

        def on_wait(pause: float, cause: str) -> None:
            listeners.on_wait(pause, cause)
            if self._purse.reserve(self._attempt, self._step, needed) != request.max_tokens:
                raise _Dearer(pause)

        paid = 0.0
        with telemetry.call(request.model) as span:
            try:
                reply = self._model.reply(
                    request, on_text=listeners.on_text, on_lost=on_lost, on_wait=on_wait, stop=stop
                )
                paid = usd(reply.call, request.model, self._prices)
                span.answer = _answer(reply.call)
            finally:
                self._purse.settle(self._attempt, paid)
                span.note(cost__usd=spent + paid)
        return reply

    def _prompt(self, size: int) -> int:
        """The tokens of a prompt of so many bytes: counted as far as the last request, estimated
        beyond.
        """
        if self._last is None:
            return size // budget.BYTES_PER_TOKEN
        return self._last.tokens + max(0, size - self._last.size) // budget.BYTES_PER_TOKEN

    def _limit_reached(self, needed: Request) -> errors.BudgetReached:
        book = self._purse.book()
        request = needed.usd(min(budget.LEAST_OUTPUT, needed.max_tokens))
        of_step = book.step_limit > 0 and self._step is not None
        own = book.steps.get(self._step or "", 0.0)
        if of_step and book.step_limit - own < request:
            reached = UsedUp("step", book.step_limit, own, 0.0, request)
        else:
            held = sum(call.usd for call in book.reserved.values())
            reached = UsedUp("plan", book.limit, book.spent, held, request)
        return errors.BudgetReached(reached.sentence(), f"{self._again} {reached.option()}")


def _answer(call: exchange.Call) -> spans.Answer:
    usage = cost.Usage.from_mapping(call.usage)
    return spans.Answer(call.model, usage, call.stop_reason, call.request_id, call.id)


def _size(request: exchange.Request) -> int:
    """The bytes of the texts in a request."""
    read = (request.system, request.messages, request.tools, request.output_schema)
    return len(json.dumps(read, ensure_ascii=False).encode("utf-8", "replace"))


def usd(call: exchange.Call, asked: str, prices: Prices) -> float:
    """USD of a call, see `priced`."""
    return float(str(call_document(call, asked, prices)["usd"]))


def report(number: int | None, call: exchange.Call, usd: float) -> ModelCalled:
    """The report of a paid call for a step; its tokens include those of the prompt cache."""
    usage = cost.Usage.from_mapping(call.usage)
    return ModelCalled(number, call.model, usage.prompt, usage.output, usd)


def call_document(call: exchange.Call, asked: str, prices: Prices) -> Document:
    """A call as an event stores it: usage verbatim, USD at the price of the model that answered.

    A model that is not in the price table is counted at the price of the one that was asked for,
    and says so.
    """
    try:
        price, priced_as = prices.price(call.model), call.model
    except errors.UsageError:
        price, priced_as = prices.price(asked), asked
    usage = cost.Usage.from_mapping(call.usage)
    body: Document = {
        "model": call.model,
        "usage": dict(call.usage),
        "usd": cost.usd(usage, price),
        "request": call.request_id,
        "seconds": round(call.seconds, 3),
    }
    return body if priced_as == call.model else {**body, "priced_as": priced_as}
