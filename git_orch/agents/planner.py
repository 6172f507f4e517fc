"""From a task to a plan: one call, our own validation of the reply, and one round to repair its
findings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from git_orch import errors
from git_orch.agents import exchange, prompts, revision_prompts
from git_orch.plans import sentences

if TYPE_CHECKING:
    from git_orch.agents import toolbox
    from git_orch.agents.conversation import Model
    from git_orch.agents.revision_prompts import Version
    from git_orch.plans.repo_map.sections import Section

MAX_TOKENS = 32_000
LOOKS = 12  # turns in which the model may look at the repository
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
    random, `sections` the map of the repository. With a `version` the plan is there, and the next
    version of it is asked for. With `asks_spec` the task is the idea of a plan, and the reply also
    says how the steps reach it.
    """

    task: str
    capabilities: Mapping[str, str]
    model: str
    delimiter: str
    sections: Sequence[Section] = ()
    version: Version | None = None
    asks_spec: bool = False

    def message(self) -> exchange.Message:
        """The first message: the map, and then the task."""
        blocks = [prompts.map_block(self.sections, self.delimiter)] if self.sections else []
        if self.version is not None:
            now = revision_prompts.blocks(self.version, self.task, self.delimiter)
            return exchange.user(*blocks, *now)
        quoted = prompts.quotation("task", self.task, self.delimiter)
        return exchange.user(*blocks, f"Plan this task:\n{quoted}")

    def system(self, *, with_tools: bool) -> str:
        """The system prompt."""
        planning = prompts.planning_system(self.capabilities, LOOKS if with_tools else 0)
        if self.asks_spec:
            return planning + prompts.SPEC_SYSTEM
        return planning if self.version is None else revision_prompts.system(planning)

    @property
    def reply_schema(self) -> Mapping[str, object]:
        """The schema of the reply."""
        if self.asks_spec:
            return prompts.SPEC_REPLY_SCHEMA
        if self.version is None:
            return prompts.PLAN_REPLY_SCHEMA
        return revision_prompts.REPLY_SCHEMA


class Flawed(NamedTuple, Generic[Value]):
    """A reply that has to be corrected: the findings, and the value that serves if the next reply is
    worse.
    """

    findings: list[str]
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Draft(Generic[Value]):
    """The value that `read` made of the reply, and the reply's text."""

    value: Value
    raw: str


class Tools(Protocol):
    """The tools with which a planning model looks at the repository."""

    def definitions(self) -> tuple[exchange.Block, ...]:
        """The definitions of the tools."""
        ...

    def result(self, call: exchange.ToolCall) -> toolbox.Result:
        """Run a tool."""
        ...


class Listeners(NamedTuple):
    """`on_call` gets every paid call, `on_wait` the seconds and the cause of a wait for the
    provider; `may_look` says whether there is money for one more look and the plan after it.
    `on_text` gets the text of a reply as it comes.
    """

    on_call: Callable[[exchange.Call], None]
    on_wait: Callable[[float, str], None] | None = None
    may_look: Callable[[exchange.Call], bool] = lambda _: True
    on_text: Callable[[str], None] | None = None


def draft(
    question: Question,
    model: Model,
    *,
    read: Callable[[str], Value | Flawed[Value]],
    listeners: Listeners,
    tools: Tools | None = None,
) -> Draft[Value]:
    """A plan for a task; `read` gets the reply's JSON text and gives a value, or findings to send
    back once. With `tools` the model may look at the repository first.

    Raises NoPlan, and ProviderFailed when the model refuses or its service fails.
    """
    return _Drafting(question, model, read, listeners, tools).run()


class _Drafting(Generic[Value]):
    def __init__(
        self,
        question: Question,
        model: Model,
        read: Callable[[str], Value | Flawed[Value]],
        listeners: Listeners,
        tools: Tools | None,
    ) -> None:
        self._question = question
        self._model = model
        self._read = read
        self._listeners = listeners
        self._tools = tools
        self._messages: list[exchange.Message] = [question.message()]
        self._looks = 0
        self._last_look = tools is None

    def run(self) -> Draft[Value]:
        first = self._plan()
        value = self._read(json_text(first.text))
        if not isinstance(value, Flawed):
            return Draft(value, first.text)
        self._messages += [exchange.assistant(first), exchange.user(_repair(value.findings))]
        second = self._plan()
        better = self._read(json_text(second.text))
        if not isinstance(better, Flawed):
            return Draft(better, second.text)
        if better.value is not None:
            return Draft(better.value, second.text)
        if value.value is not None:
            return Draft(value.value, first.text)
        raise NoPlan(
            f"the model's plan has {sentences.count(len(better.findings), 'finding')} after one "
            f"repair, the first: {better.findings[0]}",
            "say more in the task or try another model with --model",
            second.text,
        )

    def _plan(self) -> exchange.Reply:
        """The first reply that calls no tool."""
        while True:
            reply = self._reply()
            calls = reply.tool_calls
            if reply.stop_reason != "tool_use" or not calls:
                return reply
            if self._looks > LOOKS or (self._last_look and self._looks == 0):
                raise NoPlan(
                    f"the model looked at the repository for {sentences.count(LOOKS, 'turn')} and made no plan",
                    "let it read nothing further, with --no-look",
                    reply.text,
                )
            self._answer(reply, calls)

    def _answer(self, reply: exchange.Reply, calls: Sequence[exchange.ToolCall]) -> None:
        """Run the tools that a reply calls; once the last look is over, say so in their place."""
        over = self._last_look
        self._looks = LOOKS + 1 if over else self._looks + 1
        blocks = [self._block(call, over=over) for call in calls]
        self._last_look = over or self._looks == LOOKS or not self._listeners.may_look(reply.call)
        if self._last_look:
            blocks.append({"type": "text", "text": _LAST_LOOK})
        self._messages += [exchange.assistant(reply), {"role": "user", "content": blocks}]

    def _block(self, call: exchange.ToolCall, *, over: bool) -> exchange.Block:
        answer: exchange.Block = {"type": "tool_result", "tool_use_id": call.id}
        if over or self._tools is None:
            return {**answer, "content": "not run: no turn left to look", "is_error": True}
        result = self._tools.result(call)
        answer = {**answer, "content": result.text}
        return {**answer, "is_error": True} if result.is_error else answer

    def _reply(self) -> exchange.Reply:
        request = exchange.Request(
            self._question.model,
            self._question.system(with_tools=self._tools is not None),
            tuple(self._messages),
            MAX_TOKENS,
            self._tools.definitions() if self._tools is not None else (),
            output_schema=self._question.reply_schema,
        )
        listeners = self._listeners
        reply = self._model.reply(
            request,
            on_text=listeners.on_text,
            on_lost=listeners.on_call,
            on_wait=listeners.on_wait,
        )
        listeners.on_call(reply.call)
        _refuse_cut(reply)
        return reply


_LAST_LOOK = "You have no turn left to look. Answer with the plan now, in JSON only."


def _refuse_cut(reply: exchange.Reply) -> None:
    """Raises ProviderFailed for a refusal, NoPlan for a reply without its end."""
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
