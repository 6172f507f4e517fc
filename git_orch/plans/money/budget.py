"""A plan's money: the spent amount, reserves for calls under way, and the largest cost of a new
call.

A call reserves its largest possible cost before it begins, so that several at once cannot spend the
same dollar.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from git_orch.plans.money.cost import Price

LEAST_OUTPUT = 1_024  # tokens; a call whose reply would have to be shorter is not worth its prompt
# Tokens. A call that could have less waits while other calls hold more than they will need.
ENOUGH_OUTPUT = 8_192
WAIT = 0  # instead of tokens: not now, but maybe when the calls under way have settled
# In a prompt before a reply has counted it; fewer than in most text, so that the guess is too high.
BYTES_PER_TOKEN = 3
_MILLION = 1_000_000


class Reserved(NamedTuple):
    """The largest cost of a call under way, in USD; `step` is None for planning."""

    step: str | None
    usd: float


class Book(NamedTuple):
    """Spending of a plan in USD; `steps` is the cost by step. `limit` and `step_limit` are 0 where
    there is none. `largest_report` is the largest cost that an agent program reported at once.
    """

    limit: float = 0.0
    step_limit: float = 0.0
    spent: float = 0.0
    steps: Mapping[str, float] = MappingProxyType({})
    reserved: Mapping[str, Reserved] = MappingProxyType({})
    largest_report: float = 0.0

    def room(self, step: str | None) -> float | None:
        """USD that a call for the step may cost; None without a limit, negative when the limit is
        overspent.
        """
        held = sum(reserve.usd for reserve in self.reserved.values())
        rooms = [self.limit - self.spent - held] if self.limit > 0 else []
        if self.step_limit > 0 and step is not None:
            own = sum(reserve.usd for reserve in self.reserved.values() if reserve.step == step)
            rooms.append(self.step_limit - self.steps.get(step, 0.0) - own)
        return min(rooms) if rooms else None

    def with_reserve(self, call: str, step: str | None, usd: float) -> Book:
        """The book with a reserve of `usd` for a call."""
        return self._replace(reserved={**self.reserved, call: Reserved(step, usd)})

    def without(self, call: str) -> Book:
        """The book without a reserve for a call."""
        others = {name: reserve for name, reserve in self.reserved.items() if name != call}
        return self._replace(reserved=others)

    def with_offer(self, call: str, step: str | None, request: Request) -> tuple[Book, int | None]:
        """The book with a reserve for the call, and the tokens of output that it may have: WAIT for
        not now, None for never.

        The reserve of an earlier try of this call is free again: its worker is dead, or its reply
        is lost.
        """
        book = self.without(call)
        tokens = affordable(request, book.room(step))
        alone = affordable(request, book._replace(reserved={}).room(step))
        if alone is None:
            return book, None
        if tokens is None or tokens < min(alone, ENOUGH_OUTPUT):
            return book, WAIT
        return book.with_reserve(call, step, request.usd(tokens)), tokens

    def with_charge(self, step: str, usd: float) -> Book:
        """The book after a cost of the step that an agent program reported."""
        steps = {**self.steps, step: self.steps.get(step, 0.0) + usd}
        largest = max(self.largest_report, usd)
        return self._replace(spent=self.spent + usd, steps=steps, largest_report=largest)

    def with_cost(self, call: str, usd: float) -> Book:
        """The book after a call that cost `usd`, without its reserve."""
        reserve = self.reserved.get(call)
        steps = dict(self.steps)
        if reserve is not None and reserve.step is not None:
            steps[reserve.step] = steps.get(reserve.step, 0.0) + usd
        return self.without(call)._replace(spent=self.spent + usd, steps=steps)


class Request(NamedTuple):
    """A call before it begins: tokens of its prompt, counted or guessed, and of its longest
    reply.
    """

    price: Price
    prompt: int
    max_tokens: int

    def usd(self, output: int) -> float:
        """The largest cost, in USD, with `output` tokens: no part of the prompt comes from the
        cache.
        """
        rates = self.price.at(self.prompt)
        prompt = self.prompt * float(max(rates.input, rates.write_5m))
        return (prompt + output * float(rates.output)) / _MILLION


def affordable(request: Request, usd: float | None) -> int | None:
    """The tokens of output, at most `request.max_tokens`, that `usd` pay for; None where they are
    too few.
    """
    if usd is None:
        return request.max_tokens
    rate = float(request.price.at(request.prompt).output)
    rest = usd - request.usd(0)
    if rest < 0:
        return None
    tokens = request.max_tokens
    if rate > 0:
        tokens = min(tokens, int(rest * _MILLION / rate))
    return tokens if tokens >= min(LEAST_OUTPUT, request.max_tokens) else None
