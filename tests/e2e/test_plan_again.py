"""A planning that failed is done again without its task, and its cost is the plan's."""

from __future__ import annotations

import json

import pytest
from conftest import Here, data
from model_server import ModelServer, text, turn

PLAN = json.dumps({"title": "Hello", "steps": [{"title": "Write", "run": "echo hi > hello"}]})


def test_a_planning_that_money_stopped_keeps_its_task(
    here: Here, model_server: ModelServer
) -> None:
    said = here("plan", "--max-usd", "0.001", "Do something odd", expect=4).err
    assert "hint: git orch plan --again --max-usd " in said
    model_server.script(turn(text(PLAN)))
    here("plan", "--again", "--no-look")
    assert "Do something odd" in model_server.calls[0].said()


def test_a_failed_planning_is_part_of_what_the_plan_has_cost(
    here: Here, model_server: ModelServer
) -> None:
    """Two replies are no plan, the third is one: the plan has cost all three, in `cost` and `ls`."""
    used = {"output_tokens": 1_000}
    model_server.script(turn(text("no"), usage=used), turn(text("no"), usage=used))
    here("plan", "--no-look", "Do something", expect=1)
    model_server.script(turn(text(PLAN), usage=used))
    plan = here("plan", "--again", "--no-look").out.split()[0]
    cost = data(here("cost", plan, "--json").out)
    assert cost["planning_usd"] == cost["actual_usd"] == pytest.approx(3 * 1_000 * 10e-6, rel=0.1)
    [listed] = data(here("ls", "--json").out)
    assert listed["usd"] == cost["actual_usd"]
    assert "no planning has failed here" in here("plan", "--again", expect=5).err


def test_a_task_and_again_exclude_each_other(here: Here) -> None:
    assert "cannot be used with --again" in here("plan", "--again", "x", expect=2).err
