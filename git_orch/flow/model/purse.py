"""A model that is asked only while there is money for it: each call reserves what it can cost
before it is made.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from git_orch import errors
from git_orch.agents import exchange, retry
from git_orch.plans import sentences
from git_orch.plans.money import budget, cost
from git_orch.plans.money.budget import Book, Request

if TYPE_CHECKING:
    from git_orch.agents import conversation
    from git_orch.agents.prices import Prices
    from git_orch.plans.document import Document


_GLANCE = 1.0  # seconds between looks whether other calls have settled


class Purse(Protocol):
    """Where the money is: the ledger of a run, or what one command may spend."""

    def reserve(self, call: str, step: str | None, wanted: Request) -> int | None:
        """The tokens of output that a call may have, budget.WAIT, or None when there is not enough
        left for any.
        """
        ...

    def settle(self, call: str, usd: float) -> None:
        """Write down what a call has cost."""
        ...

    def book(self) -> Book:
        """How it stands."""
        ...


class Pocket:
    """The purse of one command in one thread: planning, which has no ledger yet."""

    def __init__(self, max_usd: float) -> None:
        self._book = Book(limit=max_usd)

    def reserve(self, call: str, step: str | None, wanted: Request) -> int | None:
        """The tokens of output that a call may have; None when there is not enough left for any."""
        self._book, tokens = self._book.offering(call, step, wanted)
        return tokens

    def settle(self, call: str, usd: float) -> None:
        """Write down what a call has cost."""
        self._book = self._book.settled(call, usd)

    def book(self) -> Book:
        """How it stands."""
        return self._book


class _Dearer(Exception):
    """A try was lost, and after what it has cost another one like it may cost more than what is
    left.
    """

    def __init__(self, pause: float) -> None:
        super().__init__()
        self.pause = pause  # seconds before the next try


class _Told(NamedTuple):
    """Who hears of text, of calls that were lost, and of waiting."""

    on_text: Callable[[str], None] | None
    on_lost: Callable[[exchange.Call], None]
    on_wait: Callable[[float, str], None]


def _nobody(*_told: object) -> None:
    """Nobody wants to know."""


class Within:
    """A model behind a purse. `about` names the attempt and the step; `again` is the command that
    goes on with more.
    """

    def __init__(
        self,
        model: conversation.Model,
        purse: Purse,
        prices: Prices,
        about: tuple[str, str | None],
        again: str,
    ) -> None:
        self._model = model
        self._purse = purse
        self._prices = prices
        self._attempt, self._step = (
            about  # an attempt has one call under way at a time: it is the call's ID
        )
        self._again = again
        self._counted: tuple[int, int] | None = (
            None  # bytes of the last request, tokens the provider counted in it
        )

    def reply(
        self,
        request: exchange.Request,
        *,
        on_text: Callable[[str], None] | None = None,
        on_lost: Callable[[exchange.Call], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> exchange.Reply:
        """The reply of the model, whose length may be cut to what is left. Raises LimitReached and
        Stopped.
        """
        stop = stop or threading.Event()
        size = _size(request)
        wanted = Request(self._prices.price(request.model), self._prompt(size), request.max_tokens)
        told = _Told(on_text, on_lost or _nobody, on_wait or _nobody)
        for _ in range(1 + retry.RETRIES):
            tokens = self._reserved(wanted, told, stop)
            try:
                reply = self._asked(
                    replace(request, max_tokens=tokens),
                    wanted._replace(max_tokens=tokens),
                    told,
                    stop,
                )
            except _Dearer as dearer:
                if stop.wait(dearer.pause):
                    raise exchange.Stopped from None
            else:
                self._counted = size, cost.Usage.from_mapping(reply.call.usage).prompt
                return reply
        raise self._spent(wanted)

    def _reserved(self, wanted: Request, told: _Told, stop: threading.Event) -> int:
        """The tokens of output that are reserved, after waiting for other calls where they hold
        what is left.
        """
        since, waited = time.monotonic(), False
        while not stop.is_set():
            tokens = self._purse.reserve(self._attempt, self._step, wanted)
            if tokens is None or (
                tokens == budget.WAIT and time.monotonic() - since > retry.LONGEST_CALL
            ):
                raise self._spent(wanted)
            if tokens != budget.WAIT:
                return tokens
            if not waited:
                told.on_wait(_GLANCE, "requests under way may need what is left of the budget")
                waited = True
            stop.wait(_GLANCE)
        raise exchange.Stopped

    def _asked(
        self, request: exchange.Request, wanted: Request, told: _Told, stop: threading.Event
    ) -> exchange.Reply:
        """The reply, and what it has cost settled. Raises _Dearer before a retry that is not
        affordable as it is.
        """

        def lost(call: exchange.Call) -> None:
            told.on_lost(call)
            self._purse.settle(self._attempt, usd(call, request.model, self._prices))

        def waits(pause: float, cause: str) -> None:
            told.on_wait(pause, cause)
            if self._purse.reserve(self._attempt, self._step, wanted) != request.max_tokens:
                raise _Dearer(pause)

        paid = 0.0
        try:
            reply = self._model.reply(
                request, on_text=told.on_text, on_lost=lost, on_wait=waits, stop=stop
            )
            paid = usd(reply.call, request.model, self._prices)
        finally:
            self._purse.settle(self._attempt, paid)
        return reply

    def _prompt(self, size: int) -> int:
        """The tokens of a prompt of so many bytes: those of the last one were counted, the rest is
        guessed.
        """
        if self._counted is None:
            return size // budget.BYTES_PER_TOKEN
        before, tokens = self._counted
        return tokens + max(0, size - before) // budget.BYTES_PER_TOKEN

    def _spent(self, wanted: Request) -> errors.LimitReached:
        book = self._purse.book()
        next_call = wanted.usd(min(budget.LEAST_OUTPUT, wanted.max_tokens))
        of_step = book.step_limit > 0 and self._step is not None
        own = book.steps.get(self._step or "", 0.0)
        if of_step and book.step_limit - own < next_call:
            cause = f"the step has cost {sentences.usd(own)} of at most {sentences.usd(book.step_limit)}"
            return errors.LimitReached(
                f"{cause}, and the next request may cost {sentences.usd(next_call)}",
                f"{self._again} --max-step-usd {_more(own, next_call):g}",
            )
        held = sum(each.usd for each in book.reserved.values())
        also = f" ({sentences.usd(held)} more for requests under way)" if held else ""
        cause = f"the plan has cost {sentences.usd(book.spent)}{also} of at most {sentences.usd(book.limit)}"
        return errors.LimitReached(
            f"{cause}, and the next request may cost {sentences.usd(next_call)}",
            f"{self._again} --max-usd {_more(book.spent + held, next_call):g}",
        )


def _more(spent: float, call: float) -> float:
    """A limit with which the work goes on for a while."""
    return float(f"{2 * spent + 10 * call:.2g}")


def _size(request: exchange.Request) -> int:
    """The bytes of what the model is given to read."""
    read = (request.system, request.messages, request.tools, request.output_schema)
    return len(json.dumps(read, ensure_ascii=False).encode("utf-8", "replace"))


def usd(call: exchange.Call, asked: str, prices: Prices) -> float:
    """USD of a call, see `priced`."""
    return float(str(priced(call, asked, prices)["usd"]))


def priced(call: exchange.Call, asked: str, prices: Prices) -> Document:
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
