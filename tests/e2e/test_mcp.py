"""Agents drive git-orch by the Model Context Protocol: with the real client, over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Here, Repo, writing
from mcp import Client, StdioServerParameters

from git_orch import cli
from git_orch.cli import mcp_server
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import discover
from git_orch.views import answer

TOOLS = {"plan", "show", "approve", "exec", "wait", "rollback", "land"}
READING = {"show", "wait"}
HELLO = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"},
}})  # fmt: skip
PLAN = json.dumps(writing("a.txt", "b.txt"))


class Agent:
    """The client of an agent that has opened git-orch."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, tool: str, *, fails: bool = False, **given: object) -> dict[str, Any]:
        """What a tool answers, which is the answer of a command."""
        result = await self.client.call_tool(tool, given)
        assert result.is_error is fails
        found: dict[str, Any] = result.structured_content
        jsonschema.validate(found, answer.schema())
        return found


@asynccontextmanager
async def agent(repo: Repo, mode: Any = "auto") -> AsyncIterator[Agent]:
    """An agent that has started git-orch in a repository."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "git_orch", "mcp"], cwd=repo.path, env={**os.environ}
    )
    async with Client(server, mode=mode) as client:
        yield Agent(client)


def called(directory: Path, tool: str, **given: object) -> dict[str, Any]:
    """What a tool answers that fails, without a process between it and the client."""

    async def call() -> dict[str, Any]:
        async with Client(mcp_server.make_server(str(directory))) as client:
            return await Agent(client)(tool, fails=True, **given)

    return asyncio.run(call())


def test_an_agent_goes_the_whole_way(repo: Repo) -> None:
    async def drive() -> list[dict[str, Any]]:
        async with agent(repo) as call:
            plan = (await call("plan", plan_file=PLAN))["data"]["id"]
            shown = (await call("approve", plan=plan))["data"]
            await call("approve", plan=plan, digest=shown["digest"])
            started = await call("exec", plan=plan)
            done = await call("wait", plan=plan)
            taken = await call("rollback", plan=plan, to_step=1, dry_run=True)
            return [started, done, taken, await call("land", plan=plan, mode="squash")]

    answers = asyncio.run(drive())
    assert [found["status"] for found in answers] == ["ok"] * 4
    assert answers[1]["data"]["state"] == "COMPLETE"
    assert {"a.txt", "b.txt"} <= set(repo.git("ls-tree", "--name-only", "main").split())


def test_a_client_sees_which_of_the_seven_tools_only_read(repo: Repo) -> None:
    async def drive() -> Mapping[str, Any]:
        async with agent(repo) as call:
            return {tool.name: tool for tool in (await call.client.list_tools()).tools}

    tools = asyncio.run(drive())
    assert tools.keys() == TOOLS
    assert {name for name, tool in tools.items() if tool.annotations.read_only_hint} == READING
    harmless = {name for name, tool in tools.items() if not tool.annotations.destructive_hint}
    assert harmless == {*READING, "plan"}
    assert all("status" in tool.output_schema["properties"] for tool in tools.values())


def test_an_agent_of_the_earlier_era_runs_no_plan_whose_digest_it_did_not_name(repo: Repo) -> None:
    async def drive() -> list[dict[str, Any]]:
        async with agent(repo, "legacy") as call:
            plan = (await call("plan", plan_file=PLAN))["data"]["id"]
            return [
                await call("approve", plan=plan),
                await call("approve", plan=plan, digest="sha256:0", fails=True),
                await call("exec", plan=plan, fails=True),
            ]

    shown, *refused = asyncio.run(drive())
    assert [step["title"] for step in shown["data"]["plan"]["steps"]]
    assert [found["status"] for found in refused] == ["refused"] * 2
    assert "git orch approve --dry-run" in refused[1]["data"]["hint"]


def test_a_wait_that_ends_before_the_run_is_no_error(repo: Repo) -> None:
    plan = repo.plan(writing("a.txt"))

    async def call() -> dict[str, Any]:
        async with Client(mcp_server.make_server(str(repo.path))) as client:
            return await Agent(client)("wait", plan=plan, seconds=0)

    with localfiles.lock(PlanPlace(discover(repo.path), plan)):
        assert asyncio.run(call())["status"] == "limit"


def test_a_word_of_an_agent_is_never_an_option(repo: Repo) -> None:
    assert called(repo.path, "exec", plan="--in-place")["status"] == "not-found"


def test_the_tools_answer_outside_of_a_repository_too(tmp_path: Path) -> None:
    found = called(tmp_path, "show")
    assert (found["status"], bool(found["data"]["hint"])) == ("unfit", True)


def test_a_signal_ends_the_server_while_its_client_is_there(repo: Repo) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "git_orch", "mcp"], cwd=repo.path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as server:  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"{HELLO}\n")
        server.stdin.flush()
        assert '"git-orch"' in server.stdout.readline()
        server.terminate()
        assert server.wait() == 143


def test_it_says_what_to_install_where_the_package_is_missing(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delattr(cli, "mcp_server", raising=False)
    monkeypatch.delitem(sys.modules, "git_orch.cli.mcp_server", raising=False)
    assert "pip install 'git-orch[mcp]'" in here("mcp", expect=128).err
