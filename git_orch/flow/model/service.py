"""Opening the model's service for a command that needs one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from git_orch.agents import conversation, keys, messages, prices
from git_orch.agents.prices import Prices
from git_orch.flow.model import key_helper
from git_orch.repo.settings import Settings
from git_orch.sandbox import secrecy


@contextlib.contextmanager
def service(chosen: Settings) -> Iterator[Service]:
    """The Messages API, with the built-in prices and the user's own on top; its import begins.
    Raises UsageError for a key that cannot be one, and where the user's helper gives none.
    """
    messages.start_import()
    table = price_table(chosen.prices)
    with open_model(table, chosen.keyCommand) as model:
        yield Service(model, table, os.urandom(8).hex())


def open_model(table: Prices, key_command: str | None) -> messages.MessagesModel:
    """The Messages API with the user's key: of the environment, else of their helper. Raises
    UsageError for a key that cannot be one.
    """
    if key_command is not None and not keys.is_set(secrecy.keys()):
        key_helper.take_key(key_command)
    key = keys.only_key(secrecy.keys())
    return messages.MessagesModel(table, keys=key, secrets=secrecy.secrets())


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
