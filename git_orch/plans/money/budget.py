"""A plan's money: what was spent, what is reserved for calls under way, and how much a call may
still cost.

A call reserves what it can cost at most before it is made, so that several at once cannot spend the
same dollar.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from git_orch.plans.money.cost import Price

LEAST_OUTPUT = 1_024  # tokens; a call whose reply would have to be shorter is not worth its prompt
ENOUGH_OUTPUT = (
    8_192  # tokens; a call that could have less waits while others hold more than they will need
)
WAIT = 0  # instead of tokens: not now, but maybe when the calls under way have settled
# Of a prompt that no reply has counted yet; fewer than in most text, so that the guess is too high.
BYTES_PER_TOKEN = 3
_MILLION = 1_000_000


class Reserved(NamedTuple):
    """What a call under way may cost at most, in USD; `step` is None for planning."""

    step: str | None
    usd: float


class Book(NamedTuple):
    """Spending of a plan in USD; `limit` and `step_limit` are 0 where there is none. `steps` is
    what each has cost.
    """

    limit: float = 0.0
    step_limit: float = 0.0
    spent: float = 0.0
    steps: Mapping[str, float] = MappingProxyType({})
    reserved: Mapping[str, Reserved] = MappingProxyType({})

    def left(self, step: str | None) -> float | None:
        """What a call for the step may cost at most; None without a limit. Less than nothing when
        it is overspent.
        """
        held = sum(each.usd for each in self.reserved.values())
        rooms = [self.limit - self.spent - held] if self.limit > 0 else []
        if self.step_limit > 0 and step is not None:
            own = sum(each.usd for each in self.reserved.values() if each.step == step)
            rooms.append(self.step_limit - self.steps.get(step, 0.0) - own)
        return min(rooms) if rooms else None

    def holding(self, call: str, step: str | None, usd: float) -> Book:
        """The book with so much reserved for a call."""
        return self._replace(reserved={**self.reserved, call: Reserved(step, usd)})

    def without(self, call: str) -> Book:
        """The book with nothing reserved for a call."""
        return self._replace(
            reserved={name: each for name, each in self.reserved.items() if name != call}
        )

    def offering(self, call: str, step: str | None, wanted: Request) -> tuple[Book, int | None]:
        """The book with a call reserved and the tokens of output it may have; WAIT, or None where
        it never may.

        What an earlier try of the same call had reserved is free: its worker is dead, or it is
        lost.
        """
        book = self.without(call)
        tokens = affordable(wanted, book.left(step))
        alone = affordable(wanted, book._replace(reserved={}).left(step))
        if alone is None:
            return book, None
        if tokens is None or tokens < min(alone, ENOUGH_OUTPUT):
            return book, WAIT
        return book.holding(call, step, wanted.usd(tokens)), tokens

    def settled(self, call: str, usd: float) -> Book:
        """The book after a call that cost so much; what was reserved for it is free again."""
        held = self.reserved.get(call)
        steps = dict(self.steps)
        if held is not None and held.step is not None:
            steps[held.step] = steps.get(held.step, 0.0) + usd
        return self.without(call)._replace(spent=self.spent + usd, steps=steps)


class Request(NamedTuple):
    """A call that is about to be made: tokens of its prompt, as far as they are known, and of its
    reply at most.
    """

    price: Price
    prompt: int
    max_tokens: int

    def usd(self, output: int) -> float:
        """What it costs at most with so many tokens of output: no part of the prompt comes from the
        cache.
        """
        rates = self.price.at(self.prompt)
        return (
            self.prompt * float(max(rates.input, rates.write_5m)) + output * float(rates.output)
        ) / _MILLION


def affordable(wanted: Request, left: float | None) -> int | None:
    """The tokens of output that `left` USD pay for, at most those wanted; None where a call is not
    worth making.
    """
    if left is None:
        return wanted.max_tokens
    rate = float(wanted.price.at(wanted.prompt).output)
    room = left - wanted.usd(0)
    if room < 0:
        return None
    tokens = wanted.max_tokens if rate == 0 else min(wanted.max_tokens, int(room * _MILLION / rate))
    return tokens if tokens >= min(LEAST_OUTPUT, wanted.max_tokens) else None
