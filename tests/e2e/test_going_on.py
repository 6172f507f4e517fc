"""Attempts that were stopped go on: what was paid for is not paid twice."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from conftest import Here
from model_server import Fault, ModelServer, tool, turn

from git_orch import checkpoints, errors

WRITE = tool("write_file", path="a.txt", content="a\n")
DONE = tool("step_done", summary="Wrote a.txt.")
ASK = tool("ask", question="a or b?")
DEAR = {"output_tokens": 2500}
AGENT = {"title": "Write a", "prompt": "Write a.txt", "checks": [{"command": "test -f a.txt"}]}


def plan_of(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"title": "Go on", "steps": list(steps)}


@pytest.fixture
def stopped(here: Here, model_server: ModelServer) -> str:
    """A plan whose one step has written a.txt, and was stopped by its budget."""
    plan = here.plan(plan_of(AGENT))
    model_server.script(turn(WRITE, usage=DEAR))
    here("exec", plan, "--max-usd", "0.03", expect=4)
    return plan


def test_a_step_that_a_budget_stopped_goes_on_where_it_was(
    here: Here, model_server: ModelServer, stopped: str
) -> None:
    assert "BUDGET" in here("status", stopped).out
    model_server.script(turn(DONE))
    assert (
        "goes on where it was stopped (so far 1 turn" in here("exec", stopped, "--max-usd", "1").err
    )
    last = model_server.calls[-1]
    assert [block["type"] for block in last.messages[1]["content"]] == ["tool_use"]
    assert "created 'a.txt'" in last.said()
    assert here.repo.git("show", f"orch/{stopped}:a.txt") == "a"
    message = here.repo.git("log", "-1", "--format=%B", f"orch/{stopped}")
    assert f"Orch-Cost: {here.show(stopped)['usd']:.4f} USD" in message
    assert len(model_server.calls) == 2


def test_a_step_that_was_killed_goes_on_where_it_was(here: Here, model_server: ModelServer) -> None:
    plan = here.plan(plan_of(AGENT))
    model_server.script(turn(WRITE, usage=DEAR), turn(DONE, faults=[Fault("hang")]))
    running = here.repo.start("exec", plan)
    while len(model_server.calls) < 2:
        model_server.arrived.wait()
        model_server.arrived.clear()
    running.kill()
    running.communicate()
    assert "goes on where it was stopped (so far 1 turn, $0.0" in here("exec", plan).err
    assert len(model_server.calls) == 3
    assert "created 'a.txt'" in model_server.calls[-1].said()
    assert here.repo.git("show", f"orch/{plan}:a.txt") == "a"
    assert here.show(plan)["usd"] > 0.02


def test_in_place_a_stopped_step_begins_anew_and_says_so(
    here: Here, model_server: ModelServer, stopped: str
) -> None:
    here.repo.git("switch", "-q", f"orch/{stopped}")
    here("approve", "--in-place", stopped)
    model_server.script(turn(WRITE), turn(DONE))
    said = here("exec", stopped, "--in-place", "--max-usd", "1").err
    assert "step 1 begins anew: with --in-place no attempt goes on where it was stopped" in said
    assert len(model_server.calls[1].messages) == 1
    assert here.show(stopped)["state"] == "COMPLETE"


def test_a_step_whose_text_has_changed_begins_anew_and_says_so(
    here: Here, model_server: ModelServer, stopped: str
) -> None:
    changed = plan_of({**AGENT, "id": "s1", "prompt": "Write a.txt, with b in it"})
    here("edit", stopped, "--from", "-", stdin=json.dumps(changed))
    model_server.script(turn(WRITE), turn(DONE))
    said = here("exec", stopped, "--max-usd", "1").err
    assert "step 1 begins anew: its text, its model or its tools have changed" in said
    assert len(model_server.calls[1].messages) == 1
    assert "Do not repeat its mistake" not in model_server.calls[1].said()


def test_a_stopped_step_goes_on_with_what_a_person_says_now(
    here: Here, model_server: ModelServer, stopped: str
) -> None:
    model_server.script(turn(tool("read_file", path="a.txt"), usage=DEAR), turn(DONE))
    here("exec", stopped, "--max-usd", "0.06", "-m", "Mind the <gap>.", expect=4)
    assert len(model_server.calls[1].messages) == 3
    assert "A person says about the step now:" in model_server.calls[1].said()
    assert "Mind the <gap>." in model_server.calls[1].said()
    here("exec", stopped, "--max-usd", "1")
    assert json.dumps(model_server.calls[2].messages).count("Mind the <gap>.") == 1


def test_a_step_that_is_told_nothing_more_begins_anew(
    here: Here, model_server: ModelServer
) -> None:
    plan = here.plan(plan_of(AGENT))
    model_server.script(turn(WRITE, usage=DEAR))
    here("exec", plan, "--max-usd", "0.03", "-m", "Be brief.", expect=4)
    model_server.script(turn(WRITE), turn(DONE))
    said = here("exec", plan, "--max-usd", "1", "-m", "").err
    assert "step 1 begins anew: a person says something else about it" in said
    assert "Be brief." not in json.dumps(model_server.calls[1].messages)


def test_a_step_whose_model_had_finished_asks_it_nothing_more(
    here: Here, model_server: ModelServer
) -> None:
    plan = here.plan(plan_of(AGENT))
    model_server.script(turn(WRITE), turn(DONE))

    def cut_off(moment: str, deed: str, _about: object, /) -> None:
        if (moment, deed) == ("before", "land step"):
            raise errors.Interrupted(signal.SIGINT, "git orch status")

    checkpoints.observe(cut_off)
    try:
        here("exec", plan, expect=130)
    finally:
        checkpoints.observe(None)
    here("exec", plan)
    assert len(model_server.calls) == 2
    assert here.show(plan)["state"] == "COMPLETE"


def test_an_answered_step_goes_on_beside_what_has_landed_since(
    here: Here, model_server: ModelServer
) -> None:
    plan = here.plan(plan_of(AGENT, {"title": "Write b", "files": {"b.txt": "b\n"}}))
    model_server.script(turn(WRITE, ASK))
    here("exec", plan, "--keep-going", expect=9)
    here("answer", plan, "a, of course")
    model_server.script(turn(tool("read_file", path="b.txt")), turn(DONE))
    here("exec", plan)
    told, seen = (call.said() for call in model_server.calls[1:])
    assert "a, of course" in told
    assert "have landed meanwhile" in told
    assert "b" in seen
    assert set(here.repo.git("ls-tree", "--name-only", f"orch/{plan}").split()) >= {
        "a.txt",
        "b.txt",
    }


def test_a_failed_check_begins_a_new_conversation(here: Here, model_server: ModelServer) -> None:
    plan = here.plan(plan_of({**AGENT, "checks": [{"command": "test -f b.txt"}]}))
    model_server.script(turn(WRITE), turn(DONE))
    here("exec", plan, "--retries", "0", expect=1)
    model_server.script(turn(tool("write_file", path="b.txt", content="b\n")), turn(DONE))
    here("exec", plan)
    assert len(model_server.calls[2].messages) == 1
    assert "Do not repeat its mistake" in model_server.calls[2].said()
