"""What agent programs without the protocol print, in the forms that they have."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from git_orch.agents import agent_command
from git_orch.agents.agent_client import Answer, Tokens


class Listener:
    """Remembers the costs."""

    def __init__(self) -> None:
        self.totals: list[float] = []

    def refusal(self, use: object) -> str | None:
        raise AssertionError(use)

    def used(self, use: object, *, failed: bool) -> None:
        raise AssertionError(use, failed)

    def wrote(self, text: str) -> None:
        assert text

    def paid(self, total: float, currency: str) -> None:
        assert currency == "USD"
        self.totals.append(total)


def read(*lines: object) -> tuple[Answer, list[float]]:
    """The answer to lines of output, and the costs in it."""
    _, writer = os.pipe()
    reader, output = os.pipe()
    with os.fdopen(output, "w") as file:
        for line in lines:
            file.write(f"{line if isinstance(line, str) else json.dumps(line)}\n")
    listener = Listener()
    return agent_command.converse(reader, writer, "Do it.", listener), listener.totals


CLAUDE: list[dict[str, Any]] = [
    {"type": "assistant", "message": {"content": []}},
    {
        "type": "result", "subtype": "success", "is_error": False, "result": "Done.",
        "total_cost_usd": 0.25, "usage": {"input_tokens": 3, "output_tokens": 4},
    },
]  # fmt: skip
CODEX: list[dict[str, Any]] = [
    {"type": "item.completed", "item": {"type": "agent_message", "text": "Done."}},
    {"type": "turn.completed",
     "usage": {"input_tokens": 5, "cached_input_tokens": 2, "output_tokens": 4}},
]  # fmt: skip
OPENCODE: list[dict[str, Any]] = [
    {"type": "step_finish", "part": {"cost": 0.125, "tokens": {"input": 1, "output": 2}}},
    {"type": "text", "part": {"text": "Done."}},
    {"type": "step_finish",
     "part": {"cost": 0.125, "tokens": {"input": 2, "output": 1, "reasoning": 1}}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "tokens", "totals"),
    [
        (CLAUDE, Tokens(3, 4), [0.25]),
        (CODEX, Tokens(3, 4, 2), []),
        (OPENCODE, Tokens(3, 4), [0.125, 0.25]),
    ],
    ids=["claude", "codex", "opencode"],
)
def test_words_cost_and_tokens_are_read(
    lines: list[Any], tokens: Tokens, totals: list[float]
) -> None:
    assert read(*lines) == (Answer("end_turn", "Done.", tokens), totals)


def test_text_is_words_and_an_error_is_no_end() -> None:
    assert read("Hello", "there")[0].summary == "Hello\nthere"
    [failed, _] = read({"type": "result", "is_error": True, "subtype": "error_max_turns"})
    assert failed.stop_reason == "error_max_turns"


@pytest.mark.parametrize(
    "line", ["[" * 20_000, '{"total_cost_usd": "1"}', '{"total_cost_usd": NaN}',
             '{"total_cost_usd": -1}', '{"type": "result", "usage": 3}', '{"item": []}'],
)  # fmt: skip
def test_odd_lines_cost_nothing(line: str) -> None:
    assert read(line)[1] == []
