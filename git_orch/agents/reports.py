"""Reports of a conversation under way, for the trace of its attempt and for progress."""

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
class Text:
    """A piece of a reply's text, as soon as it arrives."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pause of so many seconds before another request to the provider."""

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
    """A tool call and its result."""

    turn: int
    call: exchange.ToolCall
    result: toolbox.Result


Event = Sent | Text | Waiting | Replied | Used


def subject(call: exchange.ToolCall) -> str:
    """The subject of a tool call, on one line."""
    fields = call.input if isinstance(call.input, dict) else {}
    shown = next((fields[name] for name in ("command", "pattern", "path") if name in fields), "")
    return str(shown).split("\n", 1)[0][:100]


def nobody(_: Event) -> None:
    """Drop a report."""
