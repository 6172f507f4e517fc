"""Editors show and drive plans by the Agent Client Protocol: with the SDK's client over standard input
and output, and with an editor in this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import acp
import pytest
from acp import schema
from conftest import Here, Repo, writing
from model_server import ModelServer, text, turn

from git_orch import cli
from git_orch.cli import acp_server, plan_window
from git_orch.cli.own_command import Typed

STEPS: list[dict[str, Any]] = [
    {
        "title": title, "kind": "run", "prompt": "", "argv": [], "run": f"echo 1 > {title}",
        "paths": [], "depends_on": [], "checks": [],
    }
    for title in ("one", "two")
]  # fmt: skip
MADE = {"title": "Stamp", "objective": "Two files.", "dependencies": [], "missing": []}
HELLO = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1}}'
ALL_DONE = ["completed", "completed"]


class Editor:
    """An editor: keeps what it was shown, and answers as its user would."""

    def __init__(self, answer: str = "allow_once") -> None:
        self.shown: list[Any] = []
        self.asked: list[str] = []
        self.changed = asyncio.Event()
        self._answer = answer

    def on_connect(self, conn: Any) -> None:
        """Nothing to do."""

    async def session_update(self, update: Any, **_: Any) -> None:
        self.shown.append(update)
        self.changed.set()

    async def request_permission(
        self, tool_call: Any, options: Any, **_: Any
    ) -> schema.RequestPermissionResponse:
        self.asked.append(tool_call.content[0].content.text)
        [chosen] = [option for option in options if option.kind == self._answer]
        outcome = schema.AllowedOutcome(outcome="selected", option_id=chosen.option_id)
        return schema.RequestPermissionResponse(outcome=outcome)

    def entries(self) -> list[str]:
        """The states of the steps as the editor shows them."""
        plans = [update for update in self.shown if update.session_update == "plan"]
        return [entry.status for entry in plans[-1].entries] if plans else []

    def said(self) -> str:
        """All that the agent said."""
        chunks = [each for each in self.shown if each.session_update == "agent_message_chunk"]
        return "".join(chunk.content.text for chunk in chunks)

    async def until(self, states: list[str]) -> None:
        """Wait until the steps are in these states."""
        while self.entries() != states:
            await self.changed.wait()
            self.changed.clear()


def driven(act: Callable[[acp_server.Agent, Editor], Awaitable[None]], *answer: str) -> Editor:
    """The editor after an act; nothing but the commands is another process."""

    async def drive() -> Editor:
        editor, agent = Editor(*answer), acp_server.Agent()
        agent.on_connect(editor)  # type: ignore[arg-type]  # it needs no more of a client
        await act(agent, editor)
        agent.close()
        return editor

    return asyncio.run(drive())


def test_an_editor_makes_a_plan_and_runs_it_and_another_sees_the_same(
    repo: Repo, model_server: ModelServer
) -> None:
    model_server.script(turn(text(json.dumps({**MADE, "steps": STEPS}))))

    def agent(editor: Editor) -> Any:
        command = [sys.executable, "-m", "git_orch", "acp"]
        client: Any = editor
        return acp.spawn_agent_process(client, *command, cwd=repo.path, env={**os.environ})

    async def drive() -> tuple[Editor, Editor, str]:
        one, other = Editor(), Editor()
        async with agent(one) as (first, _), agent(other) as (second, _):
            for connection in (first, second):
                await connection.initialize(protocol_version=1)
            place = {"cwd": str(repo.path), "mcp_servers": []}
            session = (await first.new_session(**place)).session_id
            await first.prompt(session_id=session, prompt=[acp.text_block("stamp two files")])
            await second.load_session(session_id=session, **place)
            await first.prompt(session_id=session, prompt=[acp.text_block("/exec")])
            await other.until(ALL_DONE)
            return one, other, session

    one, other, session = asyncio.run(drive())
    [asked] = one.asked
    assert "echo 1 > two" in asked
    assert "digest   sha256:" in asked
    assert one.entries() == other.entries()
    [plan] = json.loads(repo.orch("ls", "--json").stdout)["data"]
    assert plan["id"] == f"{session}-stamp"


def test_nothing_runs_that_the_editors_user_did_not_approve(here: Here) -> None:
    plan = here.plan(writing("a.txt"))

    async def act(agent: acp_server.Agent, editor: Editor) -> None:
        await agent.load_session(str(here.repo.path), plan)
        await agent.prompt(plan, [acp.text_block("/exec")])

    editor = driven(act, "reject_once")
    assert editor.said().endswith("Nothing was approved, and nothing ran.")
    assert editor.entries() == ["pending"]


def test_no_slash_command_approves_a_plan_by_running_it(here: Here) -> None:
    plan = here.plan(writing("a.txt", "b.txt"))
    here("exec", plan, "--steps", "1")
    changed = writing("a.txt", "b.txt")
    changed["steps"][1]["checks"] = [{"command": "true"}]
    here("edit", plan, "--from", "-", stdin=json.dumps(changed))

    async def act(agent: acp_server.Agent, editor: Editor) -> None:
        await agent.load_session(str(here.repo.path), plan)
        await agent.prompt(plan, [acp.text_block("/redo 1")])

    editor = driven(act, "reject_once")
    assert editor.said().endswith("Nothing was approved, and nothing ran.")
    assert len(editor.asked) == 1


def test_a_session_loads_in_a_clone(here: Here, tmp_path: Path) -> None:
    plan = here.plan(writing("a.txt"))
    there = tmp_path / "clone"
    here.repo.git("clone", "-q", str(here.repo.path), str(there))
    refs = ["refs/heads/orch/*:refs/heads/orch/*", "refs/notes/orch/*:refs/notes/orch/*"]
    here.repo.git("-C", str(there), "fetch", "-q", "origin", *refs)

    async def act(agent: acp_server.Agent, editor: Editor) -> None:
        await agent.load_session(str(there), plan)

    editor = driven(act)
    assert editor.entries() == ["pending"]
    usage = [update for update in editor.shown if update.session_update == "usage_update"]
    assert usage[-1].cost.currency == "USD"


def test_a_plan_that_is_not_there_has_no_session(here: Here) -> None:
    async def act(agent: acp_server.Agent, editor: Editor) -> None:
        with pytest.raises(acp.RequestError) as failed:
            await agent.load_session(str(here.repo.path), "nonesuch")
        assert "hint" in str(failed.value.data)

    driven(act)


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("fix 2", Typed("fix", (), ("P", "2"))),
        ("fix", Typed("fix", (), ("P",))),
        ("redo 2", Typed("redo", (), ("P", "2"))),
        ("redo", None),
        ("rollback", Typed("rollback", (), ("P",))),
        ("rollback 1", Typed("rollback", ("--to-step=1",), ("P",))),
        ("pick 1,2 main", Typed("pick", ("--onto=main",), ("P", "1,2"))),
        ("pick", None),
        ("land", Typed("land", (), ("P",))),
        ("land main", Typed("land", ("--onto=main",), ("P",))),
        ("nonesuch", None),
    ],
)
def test_a_slash_command_is_a_command_of_git_orch(typed: str, command: Typed | None) -> None:
    name, *words = typed.split()
    assert plan_window.command(name, "P", words) == command


def test_a_plan_can_be_named_before_it_is_made(here: Here) -> None:
    beginning = "PLAN-20260101-0123456789"
    file = json.dumps(writing("a.txt"))
    made = here("plan", "--from", "-", "--id", beginning, stdin=file).out
    assert made.startswith(f"{beginning}-")
    here("plan", "--from", "-", "--id", beginning, stdin=file, expect=2)
    here("plan", "--from", "-", "--id", "any", stdin=file, expect=2)


def test_a_signal_ends_the_agent_in_order(repo: Repo) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "git_orch", "acp"], cwd=repo.path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as agent:  # fmt: skip
        assert agent.stdin is not None
        assert agent.stdout is not None
        assert agent.stderr is not None
        agent.stdin.write(f"{HELLO}\n")
        agent.stdin.flush()
        assert '"git-orch"' in agent.stdout.readline()
        agent.terminate()
        assert agent.wait() == 143
        assert agent.stderr.read().startswith("error: interrupted\nhint: ")


def test_an_input_that_is_no_pipe_ends_the_agent_too(repo: Repo) -> None:
    command = [sys.executable, "-m", "git_orch", "acp"]
    done = subprocess.run(
        command, cwd=repo.path, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_an_answer_into_a_file_is_refused(repo: Repo, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "git_orch", "acp"], cwd=repo.path, check=False,
            stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE,
        )  # fmt: skip
    assert done.returncode == 2


def test_it_says_what_to_install_where_the_package_is_missing(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "acp", None)
    monkeypatch.delattr(cli, "acp_server", raising=False)
    monkeypatch.delitem(sys.modules, "git_orch.cli.acp_server", raising=False)
    assert "pip install 'git-orch[acp]'" in here("acp", expect=128).err
