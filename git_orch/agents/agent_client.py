"""git-orch as the client of an agent program, by the Agent Client Protocol over its standard input
and output. The one user of the package `acp`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from git_orch import errors
from git_orch.agents.permissions import Use

if TYPE_CHECKING:
    import acp

_LONGEST_LINE = 16 * 1024 * 1024  # bytes of one message
MOST_TOKENS = 10**12  # more than any turn has: a sum stays a number that a log can hold
_SUMMARY = 4_000  # characters of the last words
# In the order of preference: never for longer than this one time.
_YES, _NO = ("allow_once",), ("reject_once", "reject_always")
# The protocol has no words for the reason of a refusal, and some programs stop there.
_ANOTHER_WAY = 5
_GO_ON = (
    "git-orch refused that: {refusal}. Go on with the step in another way. When it cannot be done, "
    "say what stands in the way, and stop."
)
# Of the modes that programs have, those in which they ask before they act.
_ASKING_MODES = ("default", "ask", "manual", "build")


class Tokens(NamedTuple):
    """The tokens of a turn, as the agent counts them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def document(self) -> dict[str, int]:
        """The tokens under the names of the Messages API."""
        return {
            "input_tokens": self.input,
            "output_tokens": self.output,
            "cache_read_input_tokens": self.cache_read,
            "cache_creation_input_tokens": self.cache_write,
        }


class Listener(Protocol):
    """Hears what an agent does, and answers it. What a method raises ends the conversation."""

    def refusal(self, use: Use) -> str | None:
        """Why the agent may not use the tool; None where it may, this one time."""
        ...

    def used(self, use: Use, *, failed: bool) -> None:
        """The agent has used a tool."""
        ...

    def wrote(self, text: str) -> None:
        """A piece of the agent's text."""
        ...

    def paid(self, total: float, currency: str) -> None:
        """The cost of the whole session so far, as the agent reports it."""
        ...


class Order(NamedTuple):
    """What the agent gets: the directory where it works, as it sees it, and the prompt. `model` is
    the one that it is to use, `meta` more for programs that know it.
    """

    directory: str
    prompt: str
    version: str
    model: str | None = None
    meta: Mapping[str, object] | None = None


class Answer(NamedTuple):
    """The end of the agent's turn: its stop reason in the words of the protocol, its last words, and
    its tokens, where it counts them.
    """

    stop_reason: str
    summary: str
    tokens: Tokens | None = None
    agent: str = ""


class TalkFailed(errors.OrchError):
    """The agent program broke off, or did not keep to the protocol."""


def require_package() -> None:
    """Raises UsageError where the package is not installed."""
    try:
        import acp  # noqa: F401
    except ImportError as missing:
        raise errors.UsageError(
            "agent programs need the package 'agent-client-protocol'",
            "pipx inject git-orch 'agent-client-protocol>=0.12.1,<0.13'",
        ) from missing


def converse(reader: int, writer: int, order: Order, listener: Listener) -> Answer:
    """Let the agent at the other end of two pipes do one turn; closes our ends. Raises TalkFailed,
    and what the listener raises.
    """
    # The package logs each message that it cannot read, with a traceback on standard error.
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    return asyncio.run(_converse(reader, writer, order, listener))


async def _converse(reader: int, writer: int, order: Order, listener: Listener) -> Answer:
    import acp

    loop = asyncio.get_running_loop()
    incoming = asyncio.StreamReader(limit=_LONGEST_LINE)
    with os.fdopen(reader, "rb", 0) as from_agent, os.fdopen(writer, "wb", 0) as to_agent:
        read_end, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(incoming), from_agent
        )
        write_end, flow = await loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(loop=loop), to_agent
        )
        outgoing = asyncio.StreamWriter(write_end, flow, None, loop)
        client = _Client(listener)
        connection = acp.connect_to_agent(client, outgoing, incoming)  # type: ignore[arg-type]
        talk = asyncio.ensure_future(_turn(connection, order, client))
        try:
            first: set[asyncio.Future[Any]] = {talk, client.trouble}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if client.trouble.done():
                client.trouble.result()
            return talk.result()
        except (ConnectionError, EOFError, asyncio.IncompleteReadError) as broken:
            raise _broke_off() from broken
        except acp.RequestError as refused:
            raise TalkFailed(f"the agent answers: {_message(refused)}", "") from refused
        finally:
            talk.cancel()
            client.trouble.cancel()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await talk
            with contextlib.suppress(Exception):
                await connection.close()
            read_end.close()
            write_end.close()


def _broke_off() -> TalkFailed:
    return TalkFailed("the agent ended in the middle of its work", "")


def _message(refused: acp.RequestError) -> str:
    """The message of an error, with its details where they are text."""
    details = getattr(refused, "data", None)
    more = details.get("details") or details.get("message") if isinstance(details, dict) else None
    text = f"{refused}: {more}" if isinstance(more, str) and more else str(refused)
    return " ".join(text.split())[:500]


async def _turn(connection: Any, order: Order, client: _Client) -> Answer:
    import acp
    from acp.schema import ClientCapabilities, Implementation

    # Neither files nor terminals are offered: the agent uses its own tools, inside of the sandbox.
    begun = await connection.initialize(
        protocol_version=acp.PROTOCOL_VERSION,
        client_capabilities=ClientCapabilities(),
        client_info=Implementation(name="git-orch", version=order.version),
    )
    meta = dict(order.meta or {})
    session = await connection.new_session(cwd=order.directory, mcp_servers=[], **meta)
    await _choose_mode(connection, session)
    if order.model is not None:
        await _choose_model(connection, session, order.model)
    answer = await _say(connection, session.session_id, order.prompt)
    for _ in range(_ANOTHER_WAY):
        refusal = client.last_refusal
        if refusal is None or answer.stop_reason not in ("end_turn", "cancelled"):
            break
        client.last_refusal = None
        answer = await _say(connection, session.session_id, _GO_ON.format(refusal=refusal))
    info = begun.agent_info
    name = f"{info.name} {info.version}" if info is not None else ""
    return Answer(str(answer.stop_reason), client.summary(), _tokens(answer.usage), name)


async def _say(connection: Any, session: str, text: str) -> Any:
    import acp

    return await connection.prompt(session_id=session, prompt=[acp.text_block(text)])


async def _choose_mode(connection: Any, session: Any) -> None:
    """See to it that the agent asks, where it has a mode for that."""
    modes = session.modes
    if modes is None:
        return
    offered = [mode.id for mode in modes.available_modes]
    asking = next((mode for mode in _ASKING_MODES if mode in offered), None)
    if asking is not None and modes.current_mode_id != asking:
        await connection.set_session_mode(session_id=session.session_id, mode_id=asking)


async def _choose_model(connection: Any, session: Any, model: str) -> None:
    """Choose the model where the agent offers it. Raises TalkFailed where it offers others alone."""
    option = next((one for one in session.config_options or () if one.id == "model"), None)
    if option is None or not hasattr(option, "options"):
        return
    offered = _values(option.options)
    if model not in offered:
        shown = ", ".join(offered[:8])
        raise TalkFailed(f"the agent does not offer the model '{model}': it has {shown}", "")
    await connection.set_config_option(
        config_id=option.id, session_id=session.session_id, value=model
    )


def _values(options: Any) -> list[str]:
    """The values of a list of choices, which may be in groups."""
    values: list[str] = []
    for option in options:
        group = getattr(option, "options", None)
        values += [str(choice.value) for choice in (group if group is not None else [option])]
    return values


def _tokens(usage: Any) -> Tokens | None:
    if usage is None:
        return None
    counted = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_read_tokens,
        usage.cached_write_tokens,
    )
    return Tokens(*(min(max(0, count or 0), MOST_TOKENS) for count in counted))


class _Client:
    """The callbacks of the protocol. An exception of the listener is the result of `trouble`: in a
    callback the package would make an answer of it.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._uses: dict[str, Use] = {}
        self._ended: set[str] = set()
        self._words = ""
        self.last_refusal: str | None = None  # if the agent has done nothing since
        self.trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def summary(self) -> str:
        """The last words of the agent: its text after its last tool."""
        return self._words.strip()

    async def request_permission(
        self,
        session_id: str,  # noqa: ARG002
        tool_call: Any,
        options: Any,
        **_more: Any,
    ) -> object:
        """Answer by the policy: once, never for ever."""
        from acp.schema import AllowedOutcome, DeniedOutcome, RequestPermissionResponse

        use = self._merged(tool_call)
        kinds: tuple[str, ...] = _NO
        with self._trouble():
            self.last_refusal = self._listener.refusal(use)
            kinds = _NO if self.last_refusal is not None else _YES
        chosen = next((option for kind in kinds for option in options if option.kind == kind), None)
        if chosen is None:  # nothing fits: then nothing happens
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(
            outcome=AllowedOutcome(outcome="selected", option_id=chosen.option_id)
        )

    async def session_update(self, session_id: str, update: Any, **_more: Any) -> None:  # noqa: ARG002
        """Take in what the agent tells of its work."""
        kind = getattr(update, "session_update", None)
        with self._trouble():
            if kind == "agent_message_chunk" and update.content.type == "text":
                self.last_refusal = None
                self._words = (self._words + update.content.text)[-_SUMMARY:]
                self._listener.wrote(update.content.text)
            elif kind in ("tool_call", "tool_call_update"):
                self._take_tool_call(update)
            elif kind == "usage_update" and update.cost is not None:
                self._listener.paid(float(update.cost.amount), update.cost.currency)

    def _take_tool_call(self, update: Any) -> None:
        use = self._merged(update)
        self._words = ""
        if update.status == "completed":
            self.last_refusal = None
        if update.status in ("completed", "failed") and use.id not in self._ended:
            self._ended.add(use.id)
            self._listener.used(use, failed=update.status == "failed")

    def _merged(self, update: Any) -> Use:
        """What is known of the use of a tool by now: an update has only what is new."""
        before = self._uses.get(update.tool_call_id, Use(update.tool_call_id, "other", ""))
        places = update.locations
        use = before._replace(
            kind=update.kind or before.kind,
            title=update.title or before.title,
            input=update.raw_input if update.raw_input not in (None, {}) else before.input,
            paths=before.paths if places is None else tuple(place.path for place in places),
        )
        self._uses[use.id] = use
        return use

    @contextlib.contextmanager
    def _trouble(self) -> Any:
        try:
            yield
        except Exception as raised:  # noqa: BLE001 - whatever it is, the caller gets it
            if not self.trouble.done():
                self.trouble.set_exception(raised)

    def on_connect(self, connection: object) -> None:
        """Nothing is asked of the agent but the one turn."""
