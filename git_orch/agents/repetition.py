"""A watch for models that go round in circles: the same call with the same result, or the same
error, once more.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from git_orch.agents import exchange, toolbox

SAME_CALLS = 4
SAME_ERRORS = 3
NUDGE = (
    "You are repeating yourself: you tried this before with the same result. Say what you know, "
    "then try something else, or call step_failed and say what stands in the way."
)
# Parts of an output that differ between runs of the same command.
_DURATION = re.compile(r"\b\d+(?:\.\d+)? ?m?s\b|output:\d+")


class Repetition:
    """Counts calls and errors; it counts anew after the first nudge, and the next time the model is
    stuck.
    """

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str, str]] = Counter()
        self._errors: Counter[tuple[str, str]] = Counter()
        self._nudged = False

    def judge(
        self, call: exchange.ToolCall, result: toolbox.Result
    ) -> Literal["new", "nudge", "stuck"]:
        """Count one more call and its result. Returns whether the model needs a nudge, or is
        stuck.
        """
        text = _DURATION.sub("", result.text)
        same_call = (call.name, json.dumps(call.input, sort_keys=True), text)
        same_error = (call.name, text)
        self._calls[same_call] += 1
        self._errors[same_error] += result.is_error
        if self._calls[same_call] < SAME_CALLS and self._errors[same_error] < SAME_ERRORS:
            return "new"
        if self._nudged:
            return "stuck"
        self._nudged = True
        self._calls.clear()
        self._errors.clear()
        return "nudge"


def explanation(call: exchange.ToolCall, result: toolbox.Result) -> str:
    """The cause of a stuck conversation, for people: the repeated call and its result."""
    first = next(iter(result.text.strip().splitlines()), "no output")[:200]
    return f"the model kept calling {call.name} with the same result: {first}"
