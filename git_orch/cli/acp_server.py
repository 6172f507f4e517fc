"""git-orch as an agent of the Agent Client Protocol: a session is a plan.

Each act is a command of git-orch in a process of its own. What an editor shows is read from the
plan, so that two editors with the same session show the same.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import acp
from acp import helpers, schema

from git_orch import __version__, errors
from git_orch.cli import own_command, plan_window, wire
from git_orch.cli.own_command import Ended, Typed
from git_orch.cli.plan_window import Window
from git_orch.plans import ids
from git_orch.plans.document import Document

_GLANCE = 0.5  # seconds between two looks at the files of a plan
_CONTEXT = 1_000_000  # tokens, of a model; the protocol wants a size
_COMMANDS = {
    "exec": ("run the steps that are not done", "[STEPS]"),
    "fix": ("mend a failed step by hand", "[STEP]"),
    "redo": ("run one step again", "STEP"),
    "rollback": ("take back steps", "[LAST STEP THAT STAYS]"),
    "pick": ("put some steps onto a branch", "STEPS [BRANCH]"),
    "land": ("bring the plan to your branch", "[BRANCH]"),
}
_USAGE = "\n".join(f"/{name} {hint}: {does}" for name, (does, hint) in _COMMANDS.items())


def serve() -> None:
    """Serve an editor until standard input ends. Raises Interrupted after a signal, UsageError where
    standard output is a file.
    """
    if stat.S_ISREG(os.fstat(1).st_mode):
        raise errors.UsageError("git orch acp answers an editor, and no file", "git orch acp -h")
    connection = os.dup(1)
    os.dup2(2, 1)  # what anybody prints does not disturb the protocol
    printed, sys.stdout = sys.stdout, os.fdopen(connection, "w")
    try:
        with wire.ended_by_signals():
            asyncio.run(acp.run_agent(cast("acp.Agent", Agent())))
    finally:
        sys.stdout = printed  # the connection has closed the other


class Session:
    """A plan that an editor has open; the plan may not be made yet."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.turn: asyncio.Future[str] | None = None
        self.watching: asyncio.Future[None] | None = None
        self.shown: list[schema.PlanEntry] = []
        self.paid: tuple[int, float] | None = None

    def end(self) -> None:
        """End what goes on for the editor."""
        for work in (self.turn, self.watching):
            if work is not None:
                work.cancel()


class Agent:
    """What the protocol asks of an agent."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._client: acp.Client | None = None

    def on_connect(self, conn: acp.Client) -> None:
        """Remember the editor."""
        self._client = conn

    def close(self) -> None:
        """End what goes on for the editor."""
        for session in self._sessions.values():
            session.end()

    async def initialize(self, protocol_version: int, **_: Any) -> schema.InitializeResponse:
        """Say what this agent can do."""
        sessions = schema.SessionCapabilities(list=schema.SessionListCapabilities())
        return schema.InitializeResponse(
            protocol_version=min(protocol_version, acp.PROTOCOL_VERSION),
            agent_capabilities=schema.AgentCapabilities(
                load_session=True,
                prompt_capabilities=schema.PromptCapabilities(embedded_context=True),
                session_capabilities=sessions,
            ),
            agent_info=schema.Implementation(name="git-orch", version=__version__),
        )

    async def new_session(self, cwd: str, **_: Any) -> schema.NewSessionResponse:
        """Name a plan that the first prompt makes."""
        now, chance = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(3), "big")
        plan = ids.without_slug(ids.plan_id("plan", now, chance))
        self._open(Window(cwd, plan))
        return schema.NewSessionResponse(session_id=plan)

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> schema.LoadSessionResponse:
        """Show a plan that is there."""
        window = Window(cwd, session_id)
        ended = await window.look()
        if ended.error is not None:
            raise _failure(ended)
        session = self._open(window)
        await self._say(session, "user", str(window.plan["objective"]))
        await self._say(session, "agent", plan_window.told(window.plan))
        await self._show(session)
        return schema.LoadSessionResponse()

    async def list_sessions(self, cwd: str | None = None, **_: Any) -> schema.ListSessionsResponse:
        """List the open plans."""
        directory = cwd or os.getcwd()
        ended = await own_command.run(directory, Typed("ls"))
        plans = ended.answer["data"]
        if ended.error is not None or not isinstance(plans, list):
            raise _failure(ended)
        listed = [
            schema.SessionInfo(session_id=plan["id"], cwd=directory, title=plan["title"])
            for plan in plans
        ]
        return schema.ListSessionsResponse(sessions=listed)

    async def cancel(self, session_id: str, **_: Any) -> None:
        """End the turn; a run ends in order."""
        session = self._sessions.get(session_id)
        if session is not None and session.turn is not None:
            session.turn.cancel()

    async def prompt(
        self, session_id: str, prompt: Sequence[Any], **_: Any
    ) -> schema.PromptResponse:
        """Do what a person typed: a command, or a task for a model that plans."""
        session = self._sessions.get(session_id)
        if session is None:
            raise acp.RequestError.invalid_params({"error": f"no session '{session_id}'"})
        if session.turn is not None:
            raise acp.RequestError.invalid_request({"error": "a turn goes on; cancel it first"})
        session.turn = asyncio.ensure_future(self._do(session, _text(prompt).strip()))
        try:
            reply = await session.turn
        except asyncio.CancelledError:
            return schema.PromptResponse(stop_reason="cancelled")
        finally:
            session.turn = None
        if reply:
            await self._say(session, "agent", reply)
        if session.window.has_changed():
            await session.window.look()
        await self._show(session)
        return schema.PromptResponse(stop_reason="end_turn")

    # -- what a turn does --------------------------------------------------------------------------

    async def _do(self, session: Session, text: str) -> str:
        """The reply to what a person typed."""
        window = session.window
        if not text.startswith("/"):
            ended = await window.ask(text)
            await window.look()
            done = "" if ended.exit_code else plan_window.told(window.plan)
            return "\n\n".join(part for part in (done, ended.text) if part)
        name, *words = text[1:].split() or [""]
        if name == "exec":
            return await self._approved(session, lambda: self._run(session, words))
        typed = plan_window.command(name, window.name, words)
        if typed is None:
            return f"Commands:\n{_USAGE}"
        return await self._approved(session, lambda: window.run(typed))

    async def _approved(self, session: Session, act: Callable[[], Awaitable[Ended]]) -> str:
        """Do what may run commands of the plan; where it needs approval, ask the editor's user, and
        do it then.
        """
        ended = await act()
        if ended.error is None or "git orch approve" not in ended.error[1]:
            return ended.text
        refusal = await self._approve(session)
        return refusal if refusal is not None else (await act()).text

    async def _run(self, session: Session, words: Sequence[str]) -> Ended:
        waiting = list[asyncio.Future[None]]()

        def hear(event: Document) -> None:
            waiting.append(asyncio.ensure_future(self._hear(session, event)))

        options = [f"--steps={','.join(words)}"] if words else []
        typed = Typed("exec", options, (session.window.name,))
        ended = await own_command.stream(session.window.directory, typed, hear)
        await asyncio.gather(*waiting)
        return ended

    async def _approve(self, session: Session) -> str | None:
        """Ask the editor's user; None where they have approved, else why not."""
        offers = await session.window.offers()
        if isinstance(offers, Ended):
            return offers.text
        options = [
            schema.PermissionOption(option_id=offer.digest, name=offer.name, kind="allow_once")
            for offer in offers
        ]
        refusal = schema.PermissionOption(option_id="no", name="Do not run it", kind="reject_once")
        text = helpers.text_block(offers[0].text)
        call = schema.ToolCallUpdate(
            tool_call_id=offers[0].digest,
            title=f"approve {session.window.name}",
            kind="execute",
            status="pending",
            content=[helpers.tool_content(text)],
            raw_input={offer.name: offer.digest for offer in offers},
        )
        answer = await self._editor.request_permission(
            session_id=session.window.name, tool_call=call, options=[*options, refusal]
        )
        chosen = getattr(answer.outcome, "option_id", None)
        for offer in offers:
            if offer.digest == chosen:
                ended = await session.window.run(offer.approving)
                return ended.text if ended.error is not None else None
        return "Nothing was approved, and nothing ran."

    # -- what the editor shows ---------------------------------------------------------------------

    async def _hear(self, session: Session, event: Document) -> None:
        """Show an event of a run."""
        number = event.get("step")
        entries = list(session.shown)
        state = plan_window.STATES.get(str(event["event"]))
        if state is not None and isinstance(number, int) and number <= len(entries):
            entries[number - 1] = entries[number - 1].model_copy(update={"status": state})
            await self._show_steps(session, entries)
        text = plan_window.line_of(event)
        if event["event"] == "text":
            await self._send(session, helpers.update_agent_thought_text(str(event["text"])))
        elif text:
            await self._say(session, "agent", f"{text}\n")

    async def _show(self, session: Session) -> None:
        """Show the plan as the window has it."""
        plan = session.window.plan
        entries = [
            helpers.plan_entry(step.title, status=step.status) for step in plan_window.steps(plan)
        ]
        await self._show_steps(session, entries)
        paid = plan_window.paid(plan)
        if plan and paid != session.paid:
            session.paid = paid
            tokens, usd = paid
            update = schema.UsageUpdate(
                session_update="usage_update",
                used=tokens,
                size=max(_CONTEXT, tokens),
                cost=schema.Cost(amount=usd, currency="USD"),
            )
            await self._send(session, update)

    async def _show_steps(self, session: Session, entries: list[schema.PlanEntry]) -> None:
        if entries != session.shown:
            session.shown = entries
            await self._send(session, helpers.update_plan(entries))

    async def _say(self, session: Session, who: str, text: str) -> None:
        chunk: Callable[[str], Any] = (
            helpers.update_user_message_text if who == "user" else helpers.update_agent_message_text
        )
        await self._send(session, chunk(text))

    async def _send(self, session: Session, update: Any) -> None:
        await self._editor.session_update(session_id=session.window.name, update=update)

    @property
    def _editor(self) -> acp.Client:
        if self._client is None:
            raise acp.RequestError.internal_error({"error": "no editor is connected"})
        return self._client

    # -- sessions ----------------------------------------------------------------------------------

    def _open(self, window: Window) -> Session:
        if window.name in self._sessions:
            self._sessions[window.name].end()
        session = self._sessions[window.name] = Session(window)
        session.watching = asyncio.ensure_future(self._watch(session))
        return session

    async def _watch(self, session: Session) -> None:
        """Tell of the commands, then of what others do with the plan."""
        commands = [
            schema.AvailableCommand(
                name=name,
                description=does,
                input=schema.AvailableCommandInput(root=schema.UnstructuredCommandInput(hint=hint)),
            )
            for name, (does, hint) in _COMMANDS.items()
        ]
        await self._send(session, helpers.update_available_commands(commands))
        while True:
            await asyncio.sleep(_GLANCE)
            if session.turn is None and session.window.has_changed():
                await session.window.look()
                await self._show(session)


def _failure(ended: Ended) -> acp.RequestError:
    cause, hint = ended.error or (ended.text, "git orch status")
    return acp.RequestError(-32002, cause, {"error": cause, "hint": hint})


def _text(prompt: Sequence[Any]) -> str:
    """The text of a prompt; what it links to is named, what it brings along is quoted."""
    parts = list[str]()
    for block in prompt:
        resource = getattr(block, "resource", None)
        text: object = getattr(block, "text", None) or getattr(resource, "text", None)
        parts.append(str(text if text is not None else getattr(block, "uri", "")))
    return "\n".join(part for part in parts if part)
