"""Opening the model's service for a command that needs one."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from git_orch.agents import conversation, keys, limits, messages, prices
from git_orch.agents.prices import Prices
from git_orch.agents.tape import About, Tape
from git_orch.flow.model import key_helper
from git_orch.repo.settings import Settings
from git_orch.sandbox import secrecy


def _need_nothing(_: str) -> None:
    """The service asks for nothing."""


@contextlib.contextmanager
def service(
    chosen: Settings, longest_wait: float = 0.0, tape: Tape | None = None
) -> Iterator[Service]:
    """The Messages API, with the built-in prices and the user's own on top; its import begins.
    It waits `longest_wait` seconds for a limit that resets, 0 is not at all. Raises UsageError for
    a key that cannot be one, and where the user's helper gives none.
    """
    messages.start_import()
    table = price_table(chosen)
    breaker = limits.Breaker(longest_wait)
    waits = breaker if longest_wait > 0 else None
    with open_model(table, chosen.keyCommand, waits) as model:
        ways = (model.require_key, model.require_model)
        yield Service(model, table, os.urandom(8).hex(), breaker, *ways, tape)


def played(chosen: Settings, tape: Tape) -> Service:
    """A service that answers from a tape: no model is asked, and its replies cost nothing."""
    table = price_table(chosen)
    model = messages.MessagesModel(table)  # which opens no connection before it is asked
    breaker = limits.Breaker(0.0)
    return Service(model, table, os.urandom(8).hex(), breaker, tape=tape, is_free=True)


def opened_later(
    stack: contextlib.ExitStack, chosen: Settings, first: Callable[[], None]
) -> Callable[[], Service]:
    """A function that opens the service when somebody first needs it, after `first`; the stack
    closes it.
    """

    @functools.cache
    def opened() -> Service:
        first()
        return stack.enter_context(service(chosen, chosen.waitLimits))

    return opened


def open_model(
    table: Prices, key_command: str | None, breaker: limits.Breaker | None = None
) -> messages.MessagesModel:
    """The Messages API with the user's key: of the environment, else of their helper. Raises
    UsageError for a key that cannot be one.
    """
    if key_command is not None and not keys.is_set(secrecy.keys()):
        key_helper.take_key(key_command)
    key = keys.only_key(secrecy.keys())
    return messages.MessagesModel(table, keys=key, secrets=secrecy.secrets(), breaker=breaker)


def price_table(chosen: Settings) -> prices.Prices:
    """The built-in prices, with the user's own file on top, and their price for all other models."""
    extra = Path(os.path.expanduser(chosen.prices)) if chosen.prices else None
    return prices.load(extra, chosen.priceUnknown)


def offered(chosen: Settings) -> Sequence[messages.Offer]:
    """The models that the provider offers. Raises KeyRefused without a key, ProviderFailed where
    the provider does not say, and UsageError for a key that cannot be one.
    """
    messages.start_import()
    with open_model(price_table(chosen), chosen.keyCommand) as model:
        return model.offered(chosen.model)


@dataclass(frozen=True)
class Service:
    """The model of a run, the prices of its replies, a delimiter that no text of others can guess,
    and what holds back requests while a limit holds. `require_key` raises KeyRefused where there is
    no key for a model, `require_model` that and UnknownModel where the service says so.
    """

    model: conversation.Model
    prices: Prices
    delimiter: str
    breaker: limits.Breaker
    require_key: Callable[[str], None] = _need_nothing
    require_model: Callable[[str], None] = _need_nothing
    tape: Tape | None = None
    is_free: bool = False

    def model_for(self, about: About) -> conversation.Model:
        """The model for one attempt, between which and the run a tape may be."""
        return self.model if self.tape is None else self.tape.model(self.model, about)
