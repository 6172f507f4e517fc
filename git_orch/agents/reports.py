"""What a conversation reports while it goes on: to the trace of the attempt and to whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_orch.agents import exchange, toolbox


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages that the model sees for the first time."""

    turn: int
    messages: tuple[exchange.Message, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """Text as it arrives."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The provider is asked again after so many seconds."""

    turn: int
    seconds: float
    cause: str


@dataclass(frozen=True, slots=True)
class Replied:
    """A whole reply."""

    turn: int
    reply: exchange.Reply


@dataclass(frozen=True, slots=True)
class Used:
    """A tool was called and answered."""

    turn: int
    call: exchange.ToolCall
    result: toolbox.Result


Event = Sent | Said | Waiting | Replied | Used


def nobody(_: Event) -> None:
    """A report that nobody reads."""
