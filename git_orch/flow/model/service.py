"""Opening the model's service for a command that needs one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from git_orch.agents import conversation, messages, prices
from git_orch.agents.prices import Prices
from git_orch.sandbox import secrecy


@contextlib.contextmanager
def service(extra_prices: str | None) -> Iterator[Service]:
    """The Messages API, with the built-in prices and the user's own on top; its import begins."""
    messages.start_import()
    table = price_table(extra_prices)
    secrets = secrecy.secrets()
    with messages.MessagesModel(table, keys=secrecy.keys(), secrets=secrets) as model:
        yield Service(model, table, os.urandom(8).hex())


def price_table(extra: str | None) -> prices.Prices:
    """The built-in prices, with the user's own file on top."""
    return prices.load(Path(os.path.expanduser(extra)) if extra else None)


@dataclass(frozen=True)
class Service:
    """The model of a run, the prices of its replies, and a delimiter that no text of others can
    guess.
    """

    model: conversation.Model
    prices: Prices
    delimiter: str
