"""Opening the model's service for a command that needs one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from git_orch.agents import conversation, keys, limits, messages, prices
from git_orch.agents.prices import Prices
from git_orch.flow.model import key_helper
from git_orch.repo.settings import Settings
from git_orch.sandbox import secrecy


@contextlib.contextmanager
def service(chosen: Settings, longest_wait: float = 0.0) -> Iterator[Service]:
    """The Messages API, with the built-in prices and the user's own on top; its import begins.
    It waits `longest_wait` seconds for a limit that resets, 0 is not at all. Raises UsageError for
    a key that cannot be one, and where the user's helper gives none.
    """
    messages.start_import()
    table = price_table(chosen.prices)
    breaker = limits.Breaker(longest_wait)
    waits = breaker if longest_wait > 0 else None
    with open_model(table, chosen.keyCommand, waits) as model:
        yield Service(model, table, os.urandom(8).hex(), breaker)


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


def price_table(extra: str | None) -> prices.Prices:
    """The built-in prices, with the user's own file on top."""
    return prices.load(Path(os.path.expanduser(extra)) if extra else None)


@dataclass(frozen=True)
class Service:
    """The model of a run, the prices of its replies, a delimiter that no text of others can guess,
    and what holds back requests while a limit holds.
    """

    model: conversation.Model
    prices: Prices
    delimiter: str
    breaker: limits.Breaker
