"""Limits of the model provider that reset: a run waits for them with --wait-limits."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest
from conftest import Here, Repo, data
from model_server import Fault, ModelServer, status, text, tool, turn

DONE = tool("step_done", summary="Done.")


def step(number: int) -> dict[str, Any]:
    return {
        "title": f"Step {number}",
        "prompt": f"Write file number {number}",
        "paths": [f"{number}.txt"],
        "may_be_empty": True,
        "depends_on": [],
    }


def plan_of(here: Here, steps: int) -> str:
    return here.plan({"title": "Limits", "steps": [step(number + 1) for number in range(steps)]})


def limit(seconds: float, number: int = 429) -> Fault:
    return status(number, "rate_limit_error", "slow down", headers={"retry-after": f"{seconds}"})


def waits(err: str) -> list[str]:
    return re.findall(r"^note: waiting until .*", err, re.MULTILINE)


def events(here: Here, plan: str, name: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = data(here("log", plan, "--json").out)
    return [event for event in listed if event["event"] == name]


@pytest.mark.parametrize("number", [429, 529])
def test_a_run_waits_until_the_limit_resets_and_goes_on(
    here: Here, model_server: ModelServer, number: int
) -> None:
    model_server.script(turn(DONE, faults=[limit(0.2, number)]))
    plan = plan_of(here, 1)
    err = here("exec", plan, "--wait-limits").err
    [line] = waits(err)
    assert re.match(r"note: waiting until \d\d:\d\d:\d\d \S+: .*\(" + str(number), line)
    [event] = events(here, plan, "run.waiting")
    assert event["until"].endswith("Z")
    assert "slow down" in event["cause"]
    assert here.show(plan)["steps"][0]["attempts"] == 1


def test_two_workers_go_on_after_a_limit_that_one_of_them_met(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(DONE, faults=[limit(0.3)], repeat=2))
    plan = plan_of(here, 2)
    err = here("exec", plan, "--wait-limits", "--jobs", "2").err
    assert len(waits(err)) == 1
    assert [one["state"] for one in here.show(plan)["steps"]] == ["done", "done"]


ALLOWED = {
    "the option": (["--wait-limits=10s"], None),
    "a time after it": (["--wait-limits", "10s"], None),
    "the setting": ([], "10s"),
}


@pytest.mark.parametrize(("options", "setting"), ALLOWED.values(), ids=ALLOWED.keys())
def test_a_limit_beyond_the_allowed_wait_ends_the_run(
    here: Here, model_server: ModelServer, options: list[str], setting: str | None
) -> None:
    if setting is not None:
        here.repo.git("config", "--global", "orch.waitLimits", setting)
    model_server.script(turn(DONE, faults=[limit(3600)]))
    plan = plan_of(here, 1)
    err = here("exec", plan, *options, expect=4).err
    assert here.show(plan)["steps"][0]["reason"] == "limit"
    assert "and --wait-limits allows 10s" in err
    assert len(model_server.calls) == 1
    here("exec", plan)
    assert here.show(plan)["steps"][0]["state"] == "done"


def test_the_option_turns_the_setting_off(here: Here, model_server: ModelServer) -> None:
    here.repo.git("config", "--global", "orch.waitLimits", "true")
    fault = limit(0.01)
    fault.headers["x-should-retry"] = "false"
    model_server.script(turn(DONE, faults=[fault]))
    plan = plan_of(here, 1)
    err = here("exec", plan, "--wait-limits=0", expect=4).err
    assert not waits(err)
    assert "git orch exec" in err
    assert "--wait-limits  # waits until the limit resets" in err


def test_a_plan_after_the_option_is_no_time(here: Here, model_server: ModelServer) -> None:
    model_server.script(turn(DONE))
    plan = plan_of(here, 1)
    here("exec", "--wait-limits", plan)
    assert here.show(plan)["steps"][0]["state"] == "done"


@pytest.mark.parametrize("time", ["soon", "-1h", "8d", ""])
def test_a_wait_that_is_no_time_is_refused(here: Here, time: str) -> None:
    err = here("exec", f"--wait-limits={time}", expect=2).err
    assert "is not a time such as 90m or 6h, at most 7d" in err


def test_status_tells_until_when_a_run_waits_and_a_signal_ends_the_wait(
    repo: Repo, here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(text("Thinking"), DONE, faults=[limit(3000)]))
    plan = plan_of(here, 1)
    repo.orch("exec", plan, "--wait-limits", "--detach")
    assert model_server.arrived.wait(60)
    while not (waiting := here.show(plan)["waiting"]):
        assert here.show(plan)["running"]
    assert "slow down" in waiting["cause"]
    for words in (["status"], ["status", plan], ["status", plan, "--since"]):
        assert "waits    until " in here(*words).out
    [run] = data(here("status", plan, "--since", "--json").out)
    os.kill(run["run"]["pid"], signal.SIGINT)
    here("wait", plan, expect=130)
    assert here.show(plan)["waiting"] is None
    assert len(events(here, plan, "run.waiting")) == 1
    here("exec", plan)
    assert here.show(plan)["steps"][0]["state"] == "done"
