"""From a task to a plan: one call, our own validation of the reply, and one round to repair its
findings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from git_orch import errors
from git_orch.agents import exchange, prompts
from git_orch.plans import sentences

if TYPE_CHECKING:
    from git_orch.agents.conversation import Model
    from git_orch.plans.repo_map.sections import Section

MAX_TOKENS = 32_000
# In a reply: enough for prose with braces, and a limit for a flood of braces.
_MOST_OBJECTS = 20
_FINDINGS_SHOWN = 50

Value = TypeVar("Value")


class NoPlan(errors.StepFailed):
    """The model gave no valid plan; `raw` is the text of its last reply, for inspection."""

    def __init__(self, cause: str, hint: str, raw: str) -> None:
        super().__init__(cause, hint)
        self.raw = raw


@dataclass(frozen=True, slots=True)
class Question:
    """The task for a plan: `capabilities` as `prompts.planning_system` takes them, `delimiter`
    random, `sections` the map of the repository.
    """

    task: str
    capabilities: Mapping[str, str]
    model: str
    delimiter: str
    sections: Sequence[Section] = ()

    def message(self) -> exchange.Message:
        """The first message: the map, and then the task."""
        quoted = prompts.quotation("task", self.task, self.delimiter)
        blocks = [prompts.map_block(self.sections, self.delimiter)] if self.sections else []
        return exchange.user(*blocks, f"Plan this task:\n{quoted}")


@dataclass(frozen=True, slots=True)
class Draft(Generic[Value]):
    """The value that `read` made of the reply, and the reply's text."""

    value: Value
    raw: str


def draft(
    question: Question,
    model: Model,
    *,
    read: Callable[[str], Value | list[str]],
    on_call: Callable[[exchange.Call], None],
    on_wait: Callable[[float, str], None] | None = None,
) -> Draft[Value]:
    """A plan for a task; `read` gets the reply's JSON text and gives a value, or findings to send
    back once.

    `on_wait` gets the seconds and the cause of a wait for the provider.
    Raises NoPlan, and ProviderFailed when the model refuses or its service fails.
    """
    messages: tuple[exchange.Message, ...] = (question.message(),)
    first = _reply(question, messages, model, on_call, on_wait)
    value = read(json_text(first.text))
    if not isinstance(value, list):
        return Draft(value, first.text)
    repair = exchange.user(_repair(value))
    second = _reply(
        question, (*messages, exchange.assistant(first), repair), model, on_call, on_wait
    )
    value = read(json_text(second.text))
    if not isinstance(value, list):
        return Draft(value, second.text)
    raise NoPlan(
        f"the model's plan has {sentences.count(len(value), 'finding')} after one repair, "
        f"the first: {value[0]}",
        "say more in the task or try another model with --model",
        second.text,
    )


def _reply(
    question: Question,
    messages: tuple[exchange.Message, ...],
    model: Model,
    on_call: Callable[[exchange.Call], None],
    on_wait: Callable[[float, str], None] | None,
) -> exchange.Reply:
    request = exchange.Request(
        question.model,
        prompts.planning_system(question.capabilities),
        messages,
        MAX_TOKENS,
        output_schema=prompts.PLAN_REPLY_SCHEMA,
    )
    reply = model.reply(request, on_lost=on_call, on_wait=on_wait)
    on_call(reply.call)
    if reply.stop_reason == "refusal":
        reason = reply.explanation or "no reason given"
        raise errors.ProviderFailed(
            f"the model refused to plan this task: {reason}",
            "change the task or try another model with --model",
        )
    if reply.stop_reason in ("max_tokens", "model_context_window_exceeded"):
        raise NoPlan(
            "the model's plan was cut off, it is longer than "
            f"{reply.call.usage.get('output_tokens')} tokens",
            "plan a smaller task",
            reply.text,
        )
    return reply


def _repair(findings: list[str]) -> str:
    shown = "\n".join(f"- {finding}" for finding in findings[:_FINDINGS_SHOWN])
    again = "Send the whole plan again, with these corrected and nothing else changed."
    return f"This plan cannot be used:\n{shown}\n{again}"


def json_text(reply: str) -> str:
    """The plan in a reply without the code fence or prose around it; the whole reply when it holds
    no plan.
    """
    decoder = json.JSONDecoder()
    at = reply.find("{")
    for _ in range(_MOST_OBJECTS):
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(reply, at)
        except (json.JSONDecodeError, RecursionError):
            end = at + 1
        else:
            if "steps" in value:  # prose, or a plan that was cut off, may hold other objects
                return reply[at:end]
        at = reply.find("{", end)
    return reply.strip()
