"""A planning that failed is done again without its task, and its cost is the plan's."""

from __future__ import annotations

import json

import pytest
from conftest import Here, data
from model_server import ModelServer, status, text, turn

from git_orch.flow.planning import replies
from git_orch.repo.repository import around

PLAN = json.dumps({"title": "Hello", "steps": [{"title": "Write", "run": "echo hi > hello"}]})


def test_a_planning_that_money_stopped_keeps_its_task(
    here: Here, model_server: ModelServer
) -> None:
    said = here("plan", "--max-usd", "0.001", "Do something odd", expect=4).err
    name = said.rpartition("hint: git orch plan --again=")[2][:4]
    assert f"--again={name} --max-usd " in said
    here("plan", "--max-usd", "0.001", "Do something else", expect=4)
    model_server.script(turn(text(PLAN)))
    here("plan", f"--again={name}", "--no-look")
    assert "Do something odd" in model_server.calls[0].said()


def test_a_failed_planning_is_part_of_what_the_plan_has_cost(
    here: Here, model_server: ModelServer
) -> None:
    """Two replies are no plan, the third is one: the plan has cost all three, in `cost` and `ls`."""
    used = {"output_tokens": 1_000}
    model_server.script(turn(text("no"), usage=used), turn(text("no"), usage=used))
    here("plan", "--no-look", "Do something", expect=1)
    wasted = pytest.approx(2 * 1_000 * 10e-6, rel=0.1)
    assert data(here("cost", "--json").out)["failed_plannings"] == {"count": 1, "usd": wasted}
    assert "1 planning failed, $0.02" in here("ls").out
    assert data(here("cost", "--by", "month", "--json").out)["usd"] == wasted
    model_server.script(turn(text(PLAN), usage=used))
    plan = here("plan", "--again", "--no-look").out.split()[0]
    cost = data(here("cost", plan, "--json").out)
    assert cost["planning_usd"] == cost["actual_usd"] == pytest.approx(3 * 1_000 * 10e-6, rel=0.1)
    [listed] = data(here("ls", "--json").out)
    assert listed["usd"] == cost["actual_usd"]
    assert data(here("cost", "--by", "step", "--json").out)["usd"] == cost["actual_usd"]
    assert "planning" not in here("ls").out
    assert "no planning has failed here" in here("plan", "--again", expect=5).err


def test_a_planning_that_another_process_is_at_is_not_taken_up(
    here: Here, model_server: ModelServer
) -> None:
    here("plan", "--max-usd", "0.001", "Do something odd", expect=4)
    with replies.begin(around(), "Do something else"):
        model_server.script(turn(text(PLAN)))
        here("plan", "--again", "--no-look")
        assert "Do something odd" in model_server.calls[0].said()
        assert "no planning has failed here" in here("plan", "--again", expect=5).err


def test_planning_waits_for_a_limit_that_resets(here: Here, model_server: ModelServer) -> None:
    slow = status(429, "rate_limit_error", "slow down", headers={"retry-after": "0.2"})
    model_server.script(turn(text(PLAN), faults=[slow]), turn(text(PLAN), faults=[slow]))
    assert "note: waiting until " in here("plan", "--no-look", "--wait-limits", "Build").err
    here.repo.git("config", "--global", "orch.waitLimits", "30m")
    assert "note: waiting until " in here("plan", "--no-look", "Build").err


def test_a_limit_beyond_the_allowed_wait_keeps_the_task(
    here: Here, model_server: ModelServer
) -> None:
    late = status(429, "rate_limit_error", "slow down", headers={"retry-after": "3600"})
    model_server.script(turn(text(PLAN), faults=[late]))
    said = here("plan", "--no-look", "--wait-limits", "10s", "Build", expect=4).err
    assert "and --wait-limits allows 10s" in said
    assert "hint: git orch plan --again=" in said


def test_a_task_and_again_exclude_each_other(here: Here) -> None:
    assert "cannot be used with --again" in here("plan", "--again", "x", expect=2).err
