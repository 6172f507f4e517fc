"""An agent program that takes the prompt once, and prints what it does: lines of JSON in a form of
its own, or text. What it reports of its cost counts; its exit status means nothing.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterator, Mapping
from typing import IO

from git_orch.agents.agent_client import MOST_TOKENS, Answer, Listener, Tokens

_LONGEST_LINE = 16 * 1024 * 1024  # bytes
_SUMMARY = 4_000  # characters
_TOTALS = ("total_cost_usd", "cost_usd")


def converse(reader: int, writer: int, prompt: str, listener: Listener) -> Answer:
    """Give the prompt to the program at the other end of two pipes, and read what it prints to its
    end; closes our ends. Raises what the listener raises.
    """
    sender = threading.Thread(target=_send, args=(writer, prompt.encode("utf-8", "replace")))
    sender.start()
    output = _Output(listener)
    try:
        with os.fdopen(reader, "rb") as file:
            for line in _lines(file):
                output.take(line)
    finally:
        sender.join()
    return Answer(output.stop_reason, output.summary(), output.tokens)


def _send(writer: int, data: bytes) -> None:
    try:
        with os.fdopen(writer, "wb") as file:
            file.write(data)
    except OSError:  # it does not read its prompt there
        return


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE):
        yield line


class _Output:
    """What a program has printed so far, as far as a known form says it."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._words = ""
        self._usd = 0.0
        self.stop_reason = "end_turn"
        self.tokens: Tokens | None = None

    def summary(self) -> str:
        """Its last words."""
        return self._words.strip()

    def take(self, line: bytes) -> None:
        """Take in one line."""
        text = line.decode("utf-8", "replace")
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self._say(text, keeps=True)
            return
        self._take_words(event)
        self._take_money(event)
        if event.get("is_error") is True:
            self.stop_reason = str(event.get("subtype") or "error")[:60]

    def _say(self, text: str, *, keeps: bool = False) -> None:
        if text:
            self._words = ((self._words if keeps else "") + text)[-_SUMMARY:]
            self._listener.wrote(text)

    def _take_words(self, event: Mapping[str, object]) -> None:
        """The texts of an agent: of Claude Code and Qwen (`message.content`, `result`), of Codex
        (`item.text`), of opencode (`part.text`), of Gemini (`content`).
        """
        item, part = _inner(event, "item"), _inner(event, "part")
        if item.get("type") == "agent_message" and isinstance(item.get("text"), str):
            self._say(str(item["text"]))
        elif event.get("type") == "text" and isinstance(part.get("text"), str):
            self._say(str(part["text"]))
        elif event.get("type") == "result" and isinstance(event.get("result"), str):
            self._say(str(event["result"]))
        elif event.get("type") == "message" and event.get("role") in ("assistant", "model"):
            content = event.get("content")
            if isinstance(content, str):
                self._say(content, keeps=event.get("delta") is True)

    def _take_money(self, event: Mapping[str, object]) -> None:
        """The cost: of the whole in one number, or of each part; and the tokens of the whole."""
        total = next((_amount(event.get(name)) for name in _TOTALS if name in event), None)
        part = _inner(event, "part")
        if total is not None:
            self._usd = max(self._usd, total)
            self._listener.paid(self._usd, "USD")
        elif event.get("type") == "step_finish" and (cost := _amount(part.get("cost"))) is not None:
            self._usd += cost
            self._listener.paid(self._usd, "USD")
        usage = _inner(event, "usage") or _inner(event, "stats")
        if event.get("type") in ("turn.completed", "result") and usage:
            self._add(_of_usage(usage))
        elif event.get("type") == "step_finish":
            counted = _inner(part, "tokens")
            cache = _inner(counted, "cache")
            self._add(
                Tokens(
                    _count(counted, "input"),
                    _count(counted, "output") + _count(counted, "reasoning"),
                    _count(cache, "read"),
                    _count(cache, "write"),
                )
            )

    def _add(self, more: Tokens) -> None:
        before = self.tokens or Tokens()
        self.tokens = Tokens(*(one + other for one, other in zip(before, more, strict=True)))


def _of_usage(usage: Mapping[str, object]) -> Tokens:
    """Tokens in the words of the Messages API, or of Codex, which counts cached ones as input."""
    cached = _count(usage, "cached_input_tokens")
    return Tokens(
        max(0, _count(usage, "input_tokens") - cached),
        _count(usage, "output_tokens"),
        cached + _count(usage, "cache_read_input_tokens"),
        _count(usage, "cache_creation_input_tokens"),
    )


def _inner(event: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _count(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return min(max(0, value), MOST_TOKENS)


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        amount = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return math.inf
    return amount if amount >= 0 else None  # NaN is nothing
