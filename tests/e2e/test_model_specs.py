"""The spec of an idea by a model, through the real SDK."""

from __future__ import annotations

import json
from typing import Any

from conftest import Here, data
from model_server import ModelServer, status, text, turn

STEP = {
    "title": "Make it", "kind": "run", "why": "", "prompt": "", "argv": [], "run": "echo 1 > a",
    "paths": [], "depends_on": [], "review": "", "network": False,
    "checks": [], "requirements": [],
}  # fmt: skip
SPEC: dict[str, Any] = {
    "title": "Another title", "objective": "It is there.", "approach": "With echo.", "design": "",
    "criteria": ["a is there"], "requirements": [], "dependencies": [], "missing": [], "steps": [STEP],
}  # fmt: skip


CHECK = {"type": "run", "argv": [], "command": "test -s a", "expected_exit": 0, "timeout": 9}


def idea(here: Here, title: str = "Make a") -> str:
    """Write down an idea that is ready; gives the plan's ID."""
    said = here("plan", title, "--ready", "--body", "In the top directory.\n").out
    return said.split()[1]


def test_a_model_writes_the_spec_from_the_idea_and_the_repository(
    here: Here, model_server: ModelServer
) -> None:
    """S2-060: the idea keeps its title and body, and what the call has cost is the plan's."""
    model_server.script(turn(text(json.dumps(SPEC))))
    plan = idea(here)

    here("spec", plan)

    asked = json.dumps(model_server.requests[0].body)
    assert all(each in asked for each in ("Make a", "In the top directory.", "README"))
    assert "approach" in json.dumps(model_server.requests[0].body["output_config"])
    now = here.show(plan)
    assert (now["title"], now["body"]) == ("Make a", "In the top directory.\n")
    assert (now["approach"], now["criteria"]) == ("With echo.", ["a is there"])
    assert [step["title"] for step in now["steps"]] == ["Make it"]
    assert now["usd"] > 0


def test_a_call_that_gave_no_spec_is_the_plans_cost_and_the_plan_stays_an_idea(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(text("no plan")), turn(text("none again")))
    plan = idea(here)

    here("spec", plan, expect=1)

    now = here.show(plan)
    assert (now["status"], now["branch"]) == ("ready", None)
    assert now["usd"] > 0


def test_orchestrate_asks_for_each_ready_plan_and_goes_on_after_a_failure(
    here: Here, model_server: ModelServer
) -> None:
    """S2-030 and S2-174."""
    plans = [idea(here, "One"), idea(here, "Two")]
    model_server.script(turn(faults=[status(400)]), turn(text(json.dumps(SPEC))))

    done = data(here("orchestrate", "--json", expect=8).out)

    assert [each["plan"] for each in done["failed"]] == plans[:1]
    assert [each["plan"] for each in done["created"]] == plans[1:]


def test_a_model_names_requirements_which_the_steps_carry_and_scout_judges(
    here: Here, model_server: ModelServer
) -> None:
    """S2-060: a wrong name of a check goes back to the model, as a person would be told."""
    step = {**STEP, "checks": [CHECK], "requirements": ["R1"]}
    needed = {"id": "R1", "text": "a says something", "checks": ["1:1"], "watch": ["a"]}
    wrong = {**SPEC, "steps": [step], "requirements": [{**needed, "checks": ["1:2"]}]}
    right = {**wrong, "requirements": [needed]}
    model_server.script(turn(text(json.dumps(wrong))), turn(text(json.dumps(right))))
    plan = idea(here)

    here("spec", plan)

    assert "no step has the check '1:2'" in json.dumps(model_server.requests[1].body)
    assert here("show", plan, "--field", "requirements").out == "R1 a says something\n"
    assert "Requirements\n  open     R1 a says something" in here("scout", plan).out
    here("approve", plan)
    here("exec", plan)
    assert "Orch-Req: R1" in here.repo.git("log", "-1", "--format=%B", here.show(plan)["branch"])
    [judged] = data(here("scout", plan, "--json").out)["requirements"]
    assert (judged["id"], judged["checks"], judged["watch"]) == ("R1", ["test -s a"], ["a"])
    assert judged["state"] == "met"
