"""Steps that an agent program does, by the Agent Client Protocol and the real SDK: from the plan to
the landed commit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scripted_agent
import victims
from conftest import Done, Here, data

WRITE = {"write": "hello.py", "text": "print('hi')\n"}
CHECK = {"type": "run", "argv": ["python3", "hello.py"]}

Doing = Callable[..., str]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes agent programs on PATH: a name, and the acts of its script."""
    directory = tmp_path / "programs"
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    return lambda name, *acts: scripted_agent.write(directory, name, *acts)


def plan_of(here: Here, **fields: Any) -> str:
    step = {"title": "Write hello", "prompt": "Write hello.py that prints hi", **fields}
    return here.plan({"title": "Hello", "steps": [step]})


def file_of(here: Here, plan: str, name: str) -> str:
    return here.repo.git("show", f"orch/{plan}:{name}")


def error_of(done: Done) -> str:
    return next(line for line in done.err.splitlines() if line.startswith("error: "))


def test_an_agent_that_a_plan_names_does_its_step(here: Here, agent: Any) -> None:
    agent("opencode", {"say": "I look. "}, WRITE, {"pay": 0.01}, {"say": "It prints hi."})
    plan = plan_of(here, agent="opencode", checks=[CHECK])
    here("exec", plan)
    assert file_of(here, plan, "hello.py") == "print('hi')"
    message = here.repo.git("log", "-1", "--format=%B", f"orch/{plan}")
    assert message.split("\n\n")[1] == "It prints hi."
    assert "\nOrch-Cost: 0.0100 USD\nOrch-Agent: scripted 1" in message
    assert here.show(plan)["steps"][0]["usd"] == pytest.approx(0.01)


def test_what_an_agent_asks_for_is_answered_by_the_policy(here: Here, agent: Any) -> None:
    agent(
        "opencode",
        {"run": "echo one > one.txt"},
        {"run": "git push origin main; echo two > two.txt"},
        {"write": "three.txt", "text": "3\n", "kind": "other"},
        {"run": "echo four > four.txt", "asks": False},
    )
    plan = plan_of(here, agent="opencode")
    here("exec", plan)
    assert here.repo.git("ls-tree", "--name-only", f"orch/{plan}").split() == [
        "README.md", "four.txt", "one.txt",
    ]  # fmt: skip
    calls = data(here("audit", plan, "--json").out)
    assert [(call["tool"], call["verdict"]) for call in calls] == [
        ("execute", "done"), ("execute", "refused"), ("other", "refused"), ("execute", "done"),
    ]  # fmt: skip


def test_an_agent_gets_the_key_that_its_user_names_and_no_other(
    here: Here, agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "DATABASE_PASSWORD"):
        monkeypatch.setenv(name, f"value-of-{name}-0123456789")
    here.repo.git("config", "--global", "orch.agentKey", "GEMINI_API_KEY, OPENAI_API_KEY")
    agent("gemini", {"run": "env | sed 's/value-of/it was/' > env.txt; ls -A $HOME > home.txt"})
    plan = plan_of(here, agent="gemini")
    refused = here("exec", plan, expect=3)
    assert error_of(refused) == (
        "error: step 1 would give a key to an agent program: 'gemini with GEMINI_API_KEY'"
    )
    shown = here("approve", plan).out.splitlines()
    assert "agent    gemini with GEMINI_API_KEY" in shown
    here("exec", plan)
    told = file_of(here, plan, "env.txt").splitlines()
    keys = [line.partition("=")[0] for line in told if "it was" in line]
    assert keys == ["GEMINI_API_KEY"]
    assert file_of(here, plan, "home.txt") == ""


def test_an_agent_is_ended_once_the_money_is_spent(here: Here, agent: Any) -> None:
    agent("opencode", WRITE, {"pay": 0.02}, {"pay": 0.06}, {"hang": "1000"})
    plan = plan_of(here, agent="opencode")
    done = here("exec", plan, "--max-usd", "0.05", expect=4)
    assert error_of(done).startswith("error: step 1 stopped: the plan has cost $0.06")
    assert here.show(plan)["steps"][0]["usd"] == pytest.approx(0.06)
    again = here("exec", plan, expect=4)
    assert error_of(again).startswith("error: step 1 stopped: the plan has cost $0.06")


@pytest.mark.parametrize(
    ("acts", "error"),
    [
        ([{"complain": "no login"}, {"exit": 0}], "in the middle of its work: no login"),
        ([WRITE, {"stop": "max_tokens"}], "the agent ended before it had finished: max_tokens"),
        ([WRITE, {"pay": 1e300}], "'opencode' reports a cost of 1e+300 USD"),
        ([WRITE, {"pay": -1.0}], "'opencode' reports a cost of -1.0 USD"),
    ],
)
def test_an_agent_that_does_not_finish_fails_its_step(
    here: Here, agent: Any, acts: list[Any], error: str
) -> None:
    agent("opencode", *acts)
    plan = plan_of(here, agent="opencode")
    done = here("exec", plan, "--retries", "0", expect=None)
    assert error in error_of(done)
    assert done.status in (1, 8)
    assert "Traceback" not in done.err


def test_an_agent_ends_with_the_time_of_its_step(here: Here, agent: Any) -> None:
    agent("opencode", {"hang": "1000"})
    plan = plan_of(here, agent="opencode", timeout=1)
    done = here("exec", plan, "--retries", "0", expect=1)
    assert error_of(done) == "error: step 1 failed: 'opencode' did not end within 1 s"


def test_a_command_of_the_user_gets_the_prompt_on_its_standard_input(
    here: Here, tmp_path: Path
) -> None:
    program = tmp_path / "programs" / "any"
    program.parent.mkdir()
    result = {"type": "result", "result": "Copied it.", "total_cost_usd": 0.02,
              "usage": {"input_tokens": 5, "output_tokens": 7}}  # fmt: skip
    program.write_text(f"#!/bin/sh\ncat > $1\necho '{json.dumps(result)}'\nexit 3\n")
    program.chmod(0o755)
    here.repo.git("config", "--global", "orch.agent", f"command:{program} prompt.txt")
    plan = plan_of(here)
    here("exec", plan)
    assert "Write hello.py that prints hi" in file_of(here, plan, "prompt.txt")
    [step] = here.show(plan)["steps"]
    assert (step["summary"], step["usd"]) == ("Copied it.", pytest.approx(0.02))
    assert step["usage"]["output_tokens"] == 7


@pytest.mark.parametrize(
    ("act", "error"),
    [
        ("kill -9 $$", "exited 137 (signal 9)"),
        ("exec /no/such/program", "exited 127"),
        ("echo '{\"total_cost_usd\": 1e999}'", "reports a cost of inf USD"),
        (f"echo '{{\"total_cost_usd\": {'9' * 400}}}'", "reports a cost of inf USD"),
    ],
)
def test_a_command_that_breaks_off_or_lies_fails_its_step(
    here: Here, tmp_path: Path, act: str, error: str
) -> None:
    program = tmp_path / "any"
    program.write_text(f"#!/bin/sh\necho 1 > one\n{act}\n")
    program.chmod(0o755)
    here.repo.git("config", "--global", "orch.agent", f"command:{program}")
    done = here("exec", plan_of(here), "--retries", "0", expect=1)
    assert error_of(done).endswith(error)


def test_tokens_that_nobody_can_use_stay_numbers(here: Here, tmp_path: Path) -> None:
    program = tmp_path / "any"
    usage = json.dumps({"type": "result", "usage": {"input_tokens": 10**300, "output_tokens": -5}})
    program.write_text(f"#!/bin/sh\necho 1 > one\necho '{usage}'\n")
    program.chmod(0o755)
    here.repo.git("config", "--global", "orch.agent", f"command:{program}")
    plan = plan_of(here)
    here("exec", plan)
    counted = here.show(plan)["steps"][0]["usage"]
    assert (counted["input_tokens"], counted["output_tokens"]) == (10**12, 0)


def test_a_step_is_done_again_by_the_agent_that_is_chosen(here: Here, agent: Any) -> None:
    agent("opencode", WRITE)
    plan = plan_of(here)
    here("exec", plan, "--agent", "opencode")
    agent("gemini", {"write": "hello.py", "text": "print('ho')\n"})
    here("redo", plan, "1", "--agent", "gemini")
    assert file_of(here, plan, "hello.py") == "print('ho')"
    here.repo.git("config", "--global", "orch.agent", "opencode")
    here("redo", plan, "1")
    assert file_of(here, plan, "hello.py") == "print('hi')"


def test_only_the_users_own_configuration_chooses_an_agent(here: Here, agent: Any) -> None:
    agent("opencode", WRITE)
    here.repo.git("config", "orch.agent", "opencode")
    plan = plan_of(here)
    done = here("exec", plan, expect=8)
    assert "ANTHROPIC_API_KEY" in done.err
    here("exec", plan, "--agent", "opencode")


def test_an_approval_for_one_agent_gives_no_key_to_another(
    here: Here, agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "an-open-secret-0123456789")
    here.repo.git("config", "--global", "orch.agentKey", "OPENAI_API_KEY")
    agent("codex-acp", WRITE)
    plan = plan_of(here)
    here("approve", plan, "--agent", "acp:other")
    hint = f"hint: git orch approve {plan.split('-')[2][:4]}"
    assert hint in here("exec", plan, "--agent", "codex", expect=3).err
    here("approve", plan, "--agent", "codex")
    here("exec", plan, "--agent", "codex")


def test_nothing_of_an_agent_lives_on_when_git_orch_is_killed(here: Here, agent: Any) -> None:
    seconds = f"86{os.getpid()}"  # no other sleep has this number
    program = agent("opencode", {"hang": seconds})
    plan = plan_of(here, agent="opencode")
    argv = [sys.executable, "-m", "git_orch", "exec", plan]
    with subprocess.Popen(argv, cwd=here.repo.path, stderr=subprocess.DEVNULL) as run:
        assert victims.until(lambda: victims.sleeping("sleep") and victims.running(seconds))
        run.kill()
    assert victims.until(lambda: not victims.running(seconds))
    assert victims.until(lambda: not victims.running(str(program)))


def test_an_agent_that_is_not_there_is_named(here: Here) -> None:
    done = here("exec", plan_of(here), "--agent", "acp:not-installed", expect=None)
    assert "the program of the agent 'not-installed' is not there" in error_of(done)
