"""git-orch as the client of an agent program: the agent is the real SDK's, in a thread behind two
pipes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scripted_agent

from git_orch.agents import agent_client
from git_orch.agents.agent_client import Answer, Order, TalkFailed, Tokens
from git_orch.agents.permissions import Use


class Listener:
    """Refuses what contains `refused`, and remembers what it hears."""

    def __init__(self, refused: str = "\0") -> None:
        self.refused = refused
        self.heard: list[object] = []

    def refusal(self, use: Use) -> str | None:
        return "not that" if self.refused in use.subject else None

    def used(self, use: Use, *, failed: bool) -> None:
        self.heard.append((use.kind, use.subject, failed))

    def wrote(self, text: str) -> None:
        self.heard.append(text)

    def paid(self, total: float, currency: str) -> None:
        if currency != "USD":
            raise ValueError(currency)
        self.heard.append((total, currency))


@contextlib.contextmanager
def agent_at(reader: int, writer: int, acts: list[dict[str, Any]]) -> Iterator[None]:
    """A scripted agent in a thread, which reads and writes these descriptors."""
    import acp

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        incoming = asyncio.StreamReader()
        with os.fdopen(reader, "rb", 0) as source, os.fdopen(writer, "wb", 0) as sink:
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(incoming), source)
            end, flow = await loop.connect_write_pipe(
                lambda: asyncio.streams.FlowControlMixin(loop=loop), sink
            )
            outgoing = asyncio.StreamWriter(end, flow, None, loop)
            agent: Any = scripted_agent.Agent(acts)
            await acp.run_agent(agent, outgoing, incoming)
            end.close()

    def run() -> None:
        with contextlib.suppress(ConnectionError):  # the client may go first
            asyncio.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def turn(directory: Path, listener: Listener, *acts: dict[str, Any], **order: Any) -> Answer:
    """The turn of an agent with this script."""
    of_agent, writer = os.pipe()
    reader, to_client = os.pipe()
    with agent_at(of_agent, to_client, list(acts)):
        given = Order(str(directory), "Do it.", "1", **order)
        return agent_client.converse(reader, writer, given, listener)


def test_the_answer_has_the_words_after_the_last_tool_and_the_tokens(tmp_path: Path) -> None:
    answer = turn(
        tmp_path, Listener(), {"say": "First. "}, {"run": "true"}, {"say": "It "}, {"say": "works."},
        {"tokens": [5, 7]},
    )  # fmt: skip
    assert answer == Answer("end_turn", "It works.", Tokens(5, 7), "scripted 1")


def test_an_agent_hears_the_reason_of_a_refusal_that_it_stopped_at(tmp_path: Path) -> None:
    listener = Listener("touch a")
    turn(tmp_path, listener, {"say": "x"}, {"run": "touch a"}, {"again": True}, {"tell": "t.json"})
    assert "git-orch refused that: not that." in (tmp_path / "t.json").read_text()
    assert not (tmp_path / "a").exists()


def test_an_agent_that_goes_on_after_a_refusal_hears_nothing_more(tmp_path: Path) -> None:
    acts: list[dict[str, Any]] = [{"run": "touch a"}, {"say": "Done."}, {"again": True}]
    turn(tmp_path, Listener("touch a"), *acts, {"write": "second", "text": ""})
    assert not (tmp_path / "second").exists()


def test_a_permission_is_given_for_one_time(tmp_path: Path) -> None:
    turn(tmp_path, Listener(), {"run": "touch a"})
    assert (tmp_path / "a").exists()  # the script does nothing with 'allow_always'


def test_costs_and_tools_are_heard_as_they_come(tmp_path: Path) -> None:
    listener = Listener()
    turn(tmp_path, listener, {"pay": 0.5}, {"run": "false"}, {"pay": 0.75})
    assert listener.heard == [(0.5, "USD"), ("execute", "false", True), (0.75, "USD")]


def test_what_a_listener_raises_ends_the_conversation(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="EUR"):
        turn(tmp_path, Listener(), {"pay": 1, "currency": "EUR"}, {"forever": True})


@pytest.mark.parametrize("garbage", ["{", '{"id": 7}', '{"method": 3}', "\0", "nonsense"])
def test_garbage_between_the_messages_changes_nothing(
    tmp_path: Path, garbage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    of_agent, writer = os.pipe()
    reader, to_client = os.pipe()
    os.write(to_client, garbage.encode() + b"\n")
    with agent_at(of_agent, to_client, [{"say": "Done."}]):
        order = Order(str(tmp_path), "Do it.", "1")
        assert agent_client.converse(reader, writer, order, Listener()).summary == "Done."
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("odd", [b"[]", b"null", b"3"])
def test_what_is_no_message_at_all_ends_the_conversation(
    tmp_path: Path, odd: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    of_agent, writer = os.pipe()
    reader, to_client = os.pipe()
    os.write(to_client, odd + b"\n")
    with pytest.raises(TalkFailed):
        agent_client.converse(reader, writer, Order(str(tmp_path), "", "1"), Listener())
    os.close(of_agent)
    os.close(to_client)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("first", [b"", b'{"jsonrpc": "2.0", "id": 0, "result": {}}\n'])
def test_an_agent_that_ends_has_broken_off(tmp_path: Path, first: bytes) -> None:
    of_agent, writer = os.pipe()
    reader, to_client = os.pipe()
    os.write(to_client, first) if first else None
    os.close(to_client)
    os.close(of_agent)
    with pytest.raises(TalkFailed):
        agent_client.converse(reader, writer, Order(str(tmp_path), "", "1"), Listener())
