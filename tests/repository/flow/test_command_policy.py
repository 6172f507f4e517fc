"""Where the command policy is asked: a model's commands in a step, and the commands of a plan that
a model made.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, data
from model_server import ModelServer, text, tool, turn

from git_orch.agents import exchange, tool_definitions, toolbox
from git_orch.flow.machine import command_policy
from git_orch.plans.plan import Command, Plan
from git_orch.sandbox.policy.decision import Policy
from git_orch.sandbox.policy.whitelist import Whitelist
from git_orch.sandbox.walls.launcher import Launcher

NOTHING = Plan("Nothing", "Nothing changes.", ())


def used(directory: Path, command: str, *, sandboxed: bool) -> toolbox.Result:
    """What a model is told when it runs a command in `directory` under the policy."""
    launcher = Launcher({"PATH": "/usr/bin:/bin"}, directory / "home")
    policy = Policy(Whitelist(), str(directory), sandboxed)
    box = toolbox.Toolbox(
        toolbox.Place(directory, directory / "outputs", launcher, policy),
        tool_definitions.PERMISSIONS,
    )
    return box.result(exchange.ToolCall("t", "bash", {"command": command, "reason": "to see"}))


def test_a_denied_command_is_an_error_and_is_not_run(tmp_path: Path) -> None:
    """S1-052."""
    result = used(tmp_path, "touch made; sudo true", sandboxed=True)

    assert (result.verdict, result.is_error) == ("refused", True)
    assert result.text == (
        "not run, PRIVILEGE: blocked pattern: sudo\n"
        "part: sudo (characters 12 to 16)\n"
        "hint: work as the user who runs the step"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_command_for_the_sandbox_is_refused_where_there_is_none(tmp_path: Path) -> None:
    """A20."""
    (tmp_path / "kept").touch()

    result = used(tmp_path, "rm kept", sandboxed=False)

    assert result.is_error
    assert "NEEDS_SANDBOX" in result.text
    assert (tmp_path / "kept").exists()


def test_an_allowed_command_runs_without_a_sandbox(tmp_path: Path) -> None:
    result = used(tmp_path, f"touch {tmp_path}/made && echo done", sandboxed=False)

    assert (result.verdict, result.exit) == ("done", 0)
    assert (tmp_path / "made").exists()


def test_each_run_has_the_whitelist_of_its_own_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-047."""
    git = shutil.which("git")
    assert git is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git)
    policies = []
    launcher = Launcher({}, tmp_path)
    for path in ("", str(tmp_path / "bin")):
        monkeypatch.setenv("PATH", path)
        policies.append(command_policy.policy(NOTHING, tmp_path, None, launcher, network=False))

    told = [policy.refusal(Command(argv=("git", "log"))) for policy in policies]

    assert [each and each.code for each in told] == ["NOT_ALLOWED", None]


def test_a_command_that_a_model_may_not_run_is_refused_in_a_step_and_audited(
    here: Here, model_server: ModelServer
) -> None:
    """S1-052."""
    asked = tool("bash", command="git push origin main", reason="to share it")
    model_server.script(
        turn(asked),
        turn(tool("write_file", path="a", content="a\n")),
        turn(tool("step_done", summary="Done.")),
    )
    plan = here.plan(
        {"title": "Write", "steps": [{"title": "Write a", "prompt": "Write a.", "paths": ["a"]}]}
    )

    here("exec", plan)

    [result] = model_server.calls[1].body["messages"][-1]["content"]
    assert result["is_error"] is True
    assert "NETWORK: git subcommand not allowed: push" in json.dumps(result["content"])
    audited = data(here("audit", plan, "--json").out)
    assert [each["verdict"] for each in audited if each["tool"] == "bash"] == ["refused"]


def _reply(command: str) -> str:
    step: dict[str, Any] = {
        "title": "Make it",
        "kind": "run",
        "prompt": "",
        "argv": [],
        "run": command,
        "paths": [],
    }
    steps = [{**step, "depends_on": [], "checks": []}]
    return json.dumps(
        {
            "title": "Make",
            "objective": "It is made.",
            "dependencies": [],
            "missing": [],
            "steps": steps,
        }
    )


def test_a_planned_command_that_is_denied_is_told_to_the_model(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(text(_reply("sudo make install"))), turn(text(_reply("touch made"))))

    plan = here("plan", "make it").out.split()[0]

    told = json.dumps(model_server.calls[1].body["messages"][-1])
    assert (
        "steps[0].run: blocked pattern: sudo [privilege]; work as the user who runs the step"
        in told
    )
    assert here.show(plan)["steps"][0]["run"] == "touch made"


def test_a_plan_that_still_has_a_denied_command_is_a_plan_with_a_finding(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(
        turn(text(_reply("sudo make install"))), turn(text(_reply("sudo make install")))
    )

    plan = here("plan", "make it").out.split()[0]

    assert "privilege" in {each["code"] for each in data(here("check", plan, "--json").out)}


def test_a_command_for_the_sandbox_is_no_problem_of_a_plan(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(text(_reply("rm -f made"))))

    here("plan", "make it")

    assert len(model_server.calls) == 1
