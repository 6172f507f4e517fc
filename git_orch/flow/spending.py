"""A model that is asked only while there is money for it: each call reserves what it can cost before it is made."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from git_orch import errors
from git_orch.plans import budget, cost
from git_orch.plans.budget import Book, Wanted

if TYPE_CHECKING:
    from git_orch.agents import conversation, exchange
    from git_orch.agents.prices import Prices
    from git_orch.plans.plan import Document


class Purse(Protocol):
    """Where the money is: the ledger of a run, or what one command may spend."""

    def reserve(self, call: str, step: str | None, wanted: Wanted) -> int | None:
        """The tokens of output that a call may have; None when there is not enough left for any."""
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

    def reserve(self, call: str, step: str | None, wanted: Wanted) -> int | None:
        """The tokens of output that a call may have; None when there is not enough left for any."""
        tokens = budget.affordable(wanted, self._book.left(step))
        if tokens is not None:
            self._book = self._book.holding(call, step, wanted.usd(tokens))
        return tokens

    def settle(self, call: str, usd: float) -> None:
        """Write down what a call has cost."""
        self._book = self._book.settled(call, usd)

    def book(self) -> Book:
        """How it stands."""
        return self._book


class Within:
    """A model behind a purse. `about` names the attempt and the step; `again` is the command that goes on with more."""

    def __init__(
        self, model: conversation.Model, purse: Purse, prices: Prices, about: tuple[str, str | None], again: str
    ) -> None:
        self._model = model
        self._purse = purse
        self._prices = prices
        self._attempt, self._step = about
        self._again = again
        self._numbers = itertools.count(1)
        self._counted: tuple[int, int] | None = (
            None  # bytes of the last request, tokens that the provider counted in it
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
        """The reply of the model, whose length may be cut to what is left. Raises LimitReached."""
        size = _size(request)
        wanted = Wanted(self._prices.price(request.model), self._prompt(size), request.max_tokens)
        call = f"{self._attempt}-{next(self._numbers)}"
        tokens = self._purse.reserve(call, self._step, wanted)
        if tokens is None:
            raise self._spent(wanted)
        paid: list[float] = []

        def lost(one: exchange.Call) -> None:
            paid.append(usd(one, request.model, self._prices))
            if on_lost is not None:
                on_lost(one)

        try:
            short = replace(request, max_tokens=tokens)
            reply = self._model.reply(short, on_text=on_text, on_lost=lost, on_wait=on_wait, stop=stop)
            paid.append(usd(reply.call, request.model, self._prices))
        finally:
            self._purse.settle(call, sum(paid))
        self._counted = size, cost.Usage.from_mapping(reply.call.usage).prompt
        return reply

    def _prompt(self, size: int) -> int:
        """The tokens of a prompt of so many bytes: those of the last one were counted, the rest is guessed."""
        if self._counted is None:
            return size // budget.BYTES_PER_TOKEN
        before, tokens = self._counted
        return tokens + max(0, size - before) // budget.BYTES_PER_TOKEN

    def _spent(self, wanted: Wanted) -> errors.LimitReached:
        book = self._purse.book()
        next_call = wanted.usd(min(budget.LEAST_OUTPUT, wanted.max_tokens))
        of_step = book.step_limit > 0 and self._step is not None
        own = book.steps.get(self._step or "", 0.0)
        if of_step and book.step_limit - own < next_call:
            cause = f"the step has cost ${own:.4f} of at most ${book.step_limit:.4f}"
            return errors.LimitReached(
                f"{cause}, and the next request may cost ${next_call:.4f}",
                f"{self._again} --max-step-usd {_more(own, next_call):g}",
            )
        held = sum(each.usd for each in book.reserved.values())
        also = f" (${held:.4f} more for requests under way)" if held else ""
        cause = f"the plan has cost ${book.spent:.4f}{also} of at most ${book.limit:.4f}"
        return errors.LimitReached(
            f"{cause}, and the next request may cost ${next_call:.4f}",
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

    A model that is not in the price table is counted at the price of the one that was asked for, and says so.
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
