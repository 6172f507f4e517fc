"""The tool loop: ask a model, run the tools that it calls, answer, until the model says that the
step is done or git-orch must stop it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from git_orch.agents import exchange, repetition, reports, telemetry
from git_orch.plans.money import cost

if TYPE_CHECKING:
    import threading

    from git_orch.agents import toolbox as tools

TURNS = 50
_REMINDERS = (0.8, 0.95)  # shares of the turns
_FULL = 0.6  # of the window: then old tool results are left out
_WORTH = 0.1  # of the window: less is not worth a new prefix in the provider's cache
_KEPT_RESULTS = 6  # messages with results that stay whole
# Replies of which the conversation keeps what they say.
_WHOLE = frozenset({"tool_use", "end_turn", "stop_sequence", "pause_turn"})
_LOST = (
    "the work was interrupted before the result of this call was seen: it may have run, in part or "
    "not at all; look before you call it again"
)
_STUB = "[result left out to save room; call the tool again if it is needed]"
_CHARACTERS_PER_TOKEN = 4  # roughly, of English and code

Outcome = Literal[
    "done",
    "gave-up",
    "asked",
    "no-summary",
    "stuck",
    "turn-limit",
    "refused",
    "truncated",
    "context-full",
    "stopped",
    "unknown-stop",
]


class Model(Protocol):
    """Something that replies: the Messages API, or a scripted reply."""

    def reply(
        self,
        request: exchange.Request,
        *,
        on_text: Callable[[str], None] | None = None,
        on_lost: Callable[[exchange.Call], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> exchange.Reply:
        """The whole reply; `on_lost` gets every failed try that the provider billed. Raises
        exchange.Stopped.
        """


@dataclass(frozen=True, slots=True)
class Brief:
    """The texts and limits for a conversation. `plan` has the same bytes for all steps of a plan;
    `window` is the model's context in tokens.
    """

    model: str
    system: str
    plan: str
    step: str
    window: int
    max_tokens: int = 32_000
    max_turns: int = TURNS
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a conversation: its outcome, the model's summary, reason or question or the cause,
    the number of turns.
    """

    outcome: Outcome
    summary: str
    turns: int


class Resumed(NamedTuple):
    """An earlier conversation that goes on: its messages, the answer to the question that it ended
    with, and what changed for the model since.
    """

    messages: tuple[exchange.Message, ...]
    answer: str | None
    note: str


Save = Callable[[tuple[exchange.Message, ...]], None]


def _unsaved(_: tuple[exchange.Message, ...]) -> None:
    """Keep nothing."""


def converse(
    brief: Brief,
    model: Model,
    toolbox: tools.Toolbox,
    *,
    on_call: Callable[[exchange.Call], None],
    report: Callable[[reports.Event], None] = reports.nobody,
    stop: threading.Event | None = None,
    resumed: Resumed | None = None,
    save: Save = _unsaved,
) -> Ending:
    """Work on a step until the conversation ends; `on_call` gets the usage of a call before any
    tool of its reply runs. `save` gets all messages after each reply and after its tools, also where
    it was stopped between them: another conversation can be `resumed` from there.

    Raises ProviderFailed and UsageError as the model does.
    """
    hearers = _Hearers(on_call, report, save)
    return _Conversation(brief, model, toolbox, hearers, resumed).run(stop)


class _Hearers(NamedTuple):
    """Who hears of usage, of what happens, and of the messages so far."""

    on_call: Callable[[exchange.Call], None]
    report: Callable[[reports.Event], None]
    save: Save


class _Conversation:
    def __init__(
        self,
        brief: Brief,
        model: Model,
        toolbox: tools.Toolbox,
        hearers: _Hearers,
        resumed: Resumed | None,
    ) -> None:
        self._brief = brief
        self._model = model
        self._toolbox = toolbox
        self._on_call, self._report, self._save = hearers
        self._tools = toolbox.definitions()
        self._messages: list[exchange.Message] = [exchange.user(brief.plan, brief.step)]
        self._unsent = tuple(self._messages)
        if resumed is not None:
            self._messages = [*_answered(resumed.messages, resumed.answer)]
            self._remark(resumed.note)
            self._unsent = tuple(self._messages[-1:])
        self._repetition = repetition.Repetition()
        self._truncated = False
        self._turn = 0

    def run(self, stop: threading.Event | None) -> Ending:
        for turn in range(1, self._brief.max_turns + 1):
            self._turn = turn
            try:
                ending = self._react(self._reply(stop), stop)
            except exchange.Stopped:
                return self._ending("stopped", "")
            if ending is not None:
                return ending
        return self._ending("turn-limit", f"not done after {self._brief.max_turns} turns")

    def _ending(self, outcome: Outcome, summary: str) -> Ending:
        return Ending(outcome, summary, self._turn)

    def _reply(self, stop: threading.Event | None) -> exchange.Reply:
        turn = self._turn
        self._report(reports.Sent(turn, self._unsent))
        brief = self._brief
        request = exchange.Request(
            brief.model,
            brief.system,
            tuple(self._messages),
            brief.max_tokens,
            self._tools,
            effort=brief.effort,
        )
        reply = self._model.reply(
            request,
            on_text=lambda text: self._report(reports.Text(turn, text)),
            on_lost=self._on_call,
            on_wait=lambda seconds, cause: self._report(reports.Waiting(turn, seconds, cause)),
            stop=stop,
        )
        self._on_call(reply.call)
        self._report(reports.Replied(turn, reply))
        if reply.stop_reason in _WHOLE:
            self._save((*self._messages, exchange.assistant(reply)))
        return reply

    def _react(self, reply: exchange.Reply, stop: threading.Event | None) -> Ending | None:
        """Do what a reply asks for. Returns the ending, None when there is another turn."""
        match reply.stop_reason:
            case "tool_use" if reply.tool_calls:
                return self._answer_calls(reply, stop)
            case "tool_use" | "end_turn" | "stop_sequence":
                text = reply.text.strip()
                return self._ending("done" if text else "no-summary", text)
            case "pause_turn":
                self._append(exchange.assistant(reply))
                return None
            case "max_tokens":
                return self._ask_for_less()
            case "refusal":
                return self._ending("refused", reply.explanation or "the model gave no reason")
            case "model_context_window_exceeded":
                return self._ending(
                    "context-full", "the conversation does not fit the model's window any more"
                )
            case unknown:
                return self._ending(
                    "unknown-stop", f"the model stopped for a reason that is not known: '{unknown}'"
                )

    def _append(self, *messages: exchange.Message) -> None:
        self._messages += messages
        self._unsent = messages

    def _ask_for_less(self) -> Ending | None:
        """Ask for a shorter reply, once. The conversation keeps nothing of the long one: its
        thinking may be unsigned.
        """
        if self._truncated:
            return self._ending(
                "truncated",
                f"two replies in a row were longer than {self._brief.max_tokens:,} tokens",
            )
        self._truncated = True
        note = (
            f"Your last reply was longer than {self._brief.max_tokens:,} tokens, was cut off and "
            "is lost; no tool of it was run. Go on in smaller pieces: write a long file in several "
            "calls."
        )
        self._remark(note)
        return None

    def _remark(self, note: str) -> None:
        last = self._messages[-1]
        block = {"type": "text", "text": note}
        if last["role"] == "user":
            self._messages[-1] = {**last, "content": [*exchange.blocks(last), block]}
            self._unsent = (exchange.user(note),)
        else:
            self._append(exchange.user(note))

    def _answer_calls(self, reply: exchange.Reply, stop: threading.Event | None) -> Ending | None:
        self._truncated = False
        results: list[exchange.Block] = []
        notes: list[str] = []
        failed = False
        for call in reply.tool_calls:
            try:
                result = self._use(call, stop, after_failure=failed)
            except exchange.Stopped:
                self._keep_results(reply, results)
                raise
            if result.ends == "asked":
                self._keep_results(reply, results)
            if result.ends is not None:
                return self._ending(result.ends, result.summary or "")
            failed = failed or result.is_error
            results.append(_answer(call, result))
            match self._repetition.judge(call, result):
                case "stuck":
                    return self._ending("stuck", repetition.explanation(call, result))
                case "nudge":
                    notes.append(repetition.NUDGE)
        notes += self._reminder()
        blocks = [*results, *({"type": "text", "text": note} for note in dict.fromkeys(notes))]
        self._append(exchange.assistant(reply), {"role": "user", "content": blocks})
        self._make_room(reply)
        self._save(tuple(self._messages))
        return None

    def _keep_results(self, reply: exchange.Reply, results: list[exchange.Block]) -> None:
        """Save the results of the calls that ran, while others of the same reply did not."""
        seen = [{"role": "user", "content": results}] if results else []
        self._save((*self._messages, exchange.assistant(reply), *seen))

    def _use(
        self, call: exchange.ToolCall, stop: threading.Event | None, *, after_failure: bool
    ) -> tools.Result:
        if stop is not None and stop.is_set():
            raise exchange.Stopped
        with telemetry.tool(call.name, call.id) as span:
            result = self._toolbox.result(call, stop)
            span.note(tool__verdict=result.verdict, tool__exit=result.exit)
            span.failed = result.verdict if result.is_error else None
        if result.ends == "done" and after_failure:
            refusal = (
                "another call of the same reply failed; look at its result first, "
                "then call step_done again"
            )
            result = dataclasses.replace(
                result, text=refusal, verdict="refused", summary=None, ends=None
            )
        self._report(reports.Used(self._turn, call, result))
        return result

    def _reminder(self) -> list[str]:
        most = self._brief.max_turns
        if self._turn not in {math.ceil(share * most) for share in _REMINDERS}:
            return []
        rest = f"{most - self._turn} of {most} turns are left."
        return [f"{rest} Finish what matters and call step_done in time."]

    def _make_room(self, reply: exchange.Reply) -> None:
        usage = cost.Usage.from_mapping(reply.call.usage)
        if usage.prompt + usage.output < _FULL * self._brief.window:
            return
        with_results = [
            number for number, message in enumerate(self._messages) if _has_results(message)
        ]
        old = with_results[:-_KEPT_RESULTS]
        freed = sum(_room(self._messages[number]) for number in old) / _CHARACTERS_PER_TOKEN
        if freed >= _WORTH * self._brief.window:
            for number in old:
                self._messages[number] = _with_stubs(self._messages[number])


def _answer(call: exchange.ToolCall, result: tools.Result) -> exchange.Block:
    answer: exchange.Block = {"type": "tool_result", "tool_use_id": call.id, "content": result.text}
    return {**answer, "is_error": True} if result.is_error else answer


def _answered(
    messages: tuple[exchange.Message, ...], answer: str | None
) -> tuple[exchange.Message, ...]:
    """The messages with a result for every call: the `answer` for a question, for others that their
    results are lost.
    """
    place = max(number for number, item in enumerate(messages) if item["role"] == "assistant")
    seen = messages[place + 1 :]
    results = [block for message in seen for block in exchange.blocks(message)]
    ids = {block.get("tool_use_id") for block in results}
    results += [
        _late_result(block, answer)
        for block in exchange.blocks(messages[place])
        if block.get("type") == "tool_use" and block.get("id") not in ids
    ]
    results.sort(key=lambda block: block.get("type") != "tool_result")
    last = [{"role": "user", "content": results}] if results else []
    return (*messages[: place + 1], *last)


def _late_result(call: exchange.Block, answer: str | None) -> exchange.Block:
    result: exchange.Block = {"type": "tool_result", "tool_use_id": str(call.get("id"))}
    if call.get("name") == "ask" and answer is not None:
        return {**result, "content": f"The person who runs the plan answered:\n{answer}"}
    return {**result, "content": _LOST, "is_error": True}


def _results(message: exchange.Message) -> Iterable[exchange.Block]:
    return (block for block in exchange.blocks(message) if block["type"] == "tool_result")


def _has_results(message: exchange.Message) -> bool:
    return message["role"] == "user" and any(True for _ in _results(message))


def _room(message: exchange.Message) -> int:
    """Characters that become free when stubs replace the results of a message."""
    return sum(
        max(0, len(json.dumps(block["content"])) - len(_STUB)) for block in _results(message)
    )


def _with_stubs(message: exchange.Message) -> exchange.Message:
    blocks = [
        {**block, "content": _STUB} if block["type"] == "tool_result" else block
        for block in exchange.blocks(message)
    ]
    return {**message, "content": blocks}
