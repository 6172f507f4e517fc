"""The exchange between git-orch and a model: a request, the reply, and the record of a call's
usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from git_orch import errors

# Content blocks and messages stay the plain documents of the Messages API: git-orch sends them back
# exactly as they came, and only the functions of this module look inside.
Block = Mapping[str, object]
Message = Mapping[str, object]


class Stopped(errors.OrchError):
    """Somebody set the stop event while git-orch waited for a model or a command."""

    def __init__(self) -> None:
        super().__init__("stopped", "run the same command again; finished work stays")


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `system` and the first block of the first message have the same bytes for all
    steps of a plan.
    """

    model: str
    system: str
    messages: tuple[Message, ...]
    max_tokens: int
    tools: tuple[Block, ...] = ()
    output_schema: Mapping[str, object] | None = None
    effort: str | None = None


class ToolCall(NamedTuple):
    """A tool that the model asks for; `input` is any JSON value."""

    id: str
    name: str
    input: object


class Call(NamedTuple):
    """The record of one call: `usage` verbatim as the provider counted it; `stop_reason` is None
    when the reply was cut off. `id` is that of the reply.
    """

    model: str
    usage: Mapping[str, object]
    request_id: str | None
    seconds: float
    stop_reason: str | None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply: `content` holds its blocks verbatim, `explanation` a refusal's reason."""

    content: tuple[Block, ...]
    call: Call
    explanation: str | None = None

    @property
    def stop_reason(self) -> str:
        """The reason for the end of the reply; every whole reply has one."""
        return self.call.stop_reason or ""

    @property
    def text(self) -> str:
        """The texts of all text blocks as one."""
        texts = [block.get("text") for block in self.content if block.get("type") == "text"]
        return "".join(text for text in texts if isinstance(text, str))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls in the reply, in order."""
        calls = [block for block in self.content if block.get("type") == "tool_use"]
        return tuple(
            ToolCall(str(call.get("id")), str(call.get("name")), call.get("input"))
            for call in calls
        )


def user(*texts: str) -> Message:
    """A message of the user with one block for each text."""
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def assistant(reply: Reply) -> Message:
    """The reply as a message of the conversation, unchanged: thinking blocks are signed."""
    return {"role": "assistant", "content": list(reply.content)}


# -- the request for the Messages API --------------------------------------------------------------

_BREAKPOINT = {"type": "ephemeral"}


def parameters(request: Request, *, adaptive: bool) -> dict[str, object]:
    """The arguments of a Messages API call; the prompt cache ends at the system prompt, the plan
    and the last block.
    """
    output: dict[str, object] = {}
    if request.output_schema is not None:
        output["format"] = {"type": "json_schema", "schema": request.output_schema}
    if request.effort is not None:
        output["effort"] = request.effort
    optional: dict[str, object] = {
        "tools": list(request.tools),
        "output_config": output,
        # without "summarized" the text between tool calls comes back as empty thinking blocks
        "thinking": {"type": "adaptive", "display": "summarized"} if adaptive else {},
    }
    return {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "system": [{"type": "text", "text": request.system, "cache_control": _BREAKPOINT}],
        "messages": _with_breakpoints(request.messages),
        **{name: value for name, value in optional.items() if value},
    }


def _with_breakpoints(conversation: tuple[Message, ...]) -> list[Message]:
    marked = list(conversation)
    first = blocks(marked[0])
    if len(first) > 1:
        marked[0] = {
            **marked[0],
            "content": [{**first[0], "cache_control": _BREAKPOINT}, *first[1:]],
        }
    last = max(number for number, message in enumerate(marked) if message["role"] == "user")
    content = blocks(marked[last])
    marked[last] = {
        **marked[last],
        "content": [*content[:-1], {**content[-1], "cache_control": _BREAKPOINT}],
    }
    return marked


def blocks(message: Message) -> list[Block]:
    """The content of a message that `user`, `assistant` or the conversation made."""
    return cast("list[Block]", message["content"])  # they always make a list of blocks
