"""A model changes the steps of a plan that are not done, as a person wants it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Here, data
from model_server import ModelServer, text, tool, turn

from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import around

KEY = "sk-ant-api03-" + "A1b2C3d4" * 8
SAYS = "Write the second one with printf."
PLAN: dict[str, Any] = {
    "title": "Greet",
    "objective": "Three files.",
    "steps": [
        {"title": "Write one", "run": "echo 1 >one", "checks": [{"command": "test -f one"}]},
        {
            "title": "Write two",
            "run": "true",
            "depends_on": [1],
            "checks": [{"command": "cat two"}],
        },
        {"title": "Write three", "files": {"three": "3\n"}, "depends_on": [2]},
    ],
}


def step(step_id: str, title: str, run: str, *needs: str) -> dict[str, Any]:
    """A whole step of a reply, with all that it does not have."""
    return {
        "id": step_id, "title": title, "why": "", "kind": "run", "prompt": "", "argv": [], "run": run,
        "paths": [], "depends_on": list(needs), "checks": [], "network": False,
    }  # fmt: skip


def reply(*steps: dict[str, Any]) -> str:
    fields = {"title": "", "objective": "", "dependencies": [], "missing": []}
    return json.dumps({**fields, "steps": list(steps)})


GOOD = reply(
    step("s2", "Write two", "printf 2 >two", "s1"), {"keep": "s3"}, step("s4", "Sum up", "cat one")
)


@pytest.fixture
def failed(here: Here) -> str:
    """A plan whose first step is done, and whose second has failed."""
    plan = here.plan(PLAN)
    here("exec", plan, expect=1)
    return plan


def test_the_steps_that_are_not_done_change_and_an_undo_takes_it_back(
    here: Here, model_server: ModelServer, failed: str
) -> None:
    tip = here.repo.git("rev-parse", f"orch/{failed}")
    model_server.script(turn(tool("read_file", path="one")), turn(text(GOOD)))
    done = here("plan", "--revise", failed, "-m", f"{SAYS} {KEY}", "-m", "And sum up.")
    name = here.repo.handle(failed)
    assert f"{name}: step 2 changed, step 4 added   estimate $0.00 (was $0.00)" in done.out
    assert f"read: git orch plan diff {name}\nto take it back: git orch undo {name}\n" in done.out
    told = model_server.calls[0].said()
    for fact in (f"{SAYS} ", "\n\nAnd sum up.\n</person ", "README.md", "ID s1, done", "changed: one",
                 "ID s2, failed", "$ cat two", "Write three", "has had is s4"):  # fmt: skip
        assert fact in told
    assert "1\t1" in model_server.calls[1].said()  # the file that step 1 made
    assert "read_file  done" in here("audit", failed).out
    assert "another version of it" in json.dumps(model_server.calls[0].body["system"])
    after = here.show(failed)
    assert [(each["id"], each["state"]) for each in after["steps"]] == [
        ("s1", "done"), ("s2", "failed"), ("s3", "pending"), ("s4", "pending"),
    ]  # fmt: skip
    assert here.repo.git("rev-parse", f"orch/{failed}") == tip
    assert after["usd"] > 0
    log = here("log", failed, "--all", "--json").out
    assert SAYS in log
    assert KEY not in told + log
    shown = here("plan", "diff", failed).out
    assert "step 2 changed: Write two\n  run:\n    - true\n    + printf 2 >two" in shown
    assert f"  asked: {SAYS} " in shown
    here("undo", failed)
    assert [each["run"] for each in here.show(failed)["steps"][:2]] == ["echo 1 >one", "true"]
    here("undo", failed)
    here("exec", failed)
    assert here.repo.git("show", f"orch/{failed}:two") == "2"


def test_a_reply_that_changes_a_step_that_is_done_goes_back_and_is_never_stored(
    here: Here, model_server: ModelServer, failed: str
) -> None:
    """The next planning takes the text up; both requests are a part of what the plan costs."""
    bad = reply(step("s1", "Write one", "echo 9 >one"), {"keep": "s2"}, {"keep": "s3"})
    before = here.show(failed)
    model_server.script(turn(text(bad), repeat=2))
    said = here("plan", "--revise", "-m", SAYS, expect=1).err
    repair = model_server.calls[1].said()
    assert "steps[0].id: step 's1' is done and stays as it is: leave it out" in repair
    after = here.show(failed)
    assert after["steps"] == before["steps"]
    assert after["usd"] > 0
    name = said.rpartition("--again=")[2][:4]
    model_server.script(turn(text(GOOD)))
    here("plan", f"--again={name}")
    assert SAYS in model_server.calls[2].said()
    calls = [e for e in data(here("log", failed, "--json").out) if e["event"] == "model.called"]
    assert [call["purpose"] for call in calls] == ["plan"] * 3
    assert here.show(failed)["usd"] == pytest.approx(sum(call["usd"] for call in calls))
    assert "no planning has failed here" in here("plan", "--again", expect=5).err


def test_a_complete_plan_takes_a_new_step(here: Here, model_server: ModelServer) -> None:
    plan = here.plan({**PLAN, "steps": PLAN["steps"][:1]})
    here("exec", plan)
    model_server.script(turn(text(reply(step("s2", "Write two", "echo 2 >two")))))
    answer = json.loads(here("plan", "--revise", plan, "--json", stdin="one more").out)
    assert answer["data"]["state"] == "EXECUTING"
    assert answer["next"][-1] == f"git orch exec {here.repo.handle(plan)}"
    here("exec", plan)
    assert here.show(plan)["state"] == "COMPLETE"


def test_a_plan_that_another_process_works_on_is_refused_before_anybody_is_asked(
    here: Here, model_server: ModelServer, failed: str
) -> None:
    with localfiles.lock(PlanPlace(around(), failed)):
        here("plan", "--revise", failed, "-m", SAYS, expect=6)
    assert model_server.requests == []
    assert "no planning has failed here" in here("plan", "--again", expect=5).err


def test_the_limit_of_a_plan_is_one_of_its_revisions_as_well(
    here: Here, model_server: ModelServer, failed: str
) -> None:
    here("approve", failed, "--max-usd", "0.001")
    said = here("plan", "--revise", failed, "-m", SAYS, expect=4).err
    assert "of at most $0.0010" in said
    model_server.script(turn(text(GOOD)))
    here("plan", "--again", "--max-usd", "1", "--no-look")
    assert "tools" not in model_server.calls[0].body


def test_a_revision_keeps_to_the_dollar_that_a_plan_may_cost_in_all(
    here: Here, model_server: ModelServer, failed: str
) -> None:
    model_server.script(turn(text(GOOD), usage={"output_tokens": 66_600}), turn(text(GOOD)))
    words = ["plan", "--revise", failed, "-m", SAYS, "--no-look", "--model", "claude-sonnet-4-6"]
    here(*words)  # costs $0.999
    assert "of at most $1.00" in here(*words, expect=4).err


def test_the_estimate_of_a_revision_asks_nobody(
    here: Here, model_server: ModelServer, failed: str
) -> None:
    assert "revising the plan: " in here("plan", "--revise", "-m", SAYS, "--estimate-only").out
    assert model_server.requests == []


@pytest.mark.parametrize(
    ("typed", "cause"),
    [
        (["--revise", "x", "Add a step"], "TASK cannot be used with --revise"),
        (["--revise", "x"], "nothing says what to change"),
        (["-m", SAYS, "Build"], "-m goes with --revise"),
        (["--revise", "x", "-m", SAYS, "--base", "main"], "are for new plans"),
        (["--json", "diff"], "'diff' is no task"),
    ],
)
def test_what_does_not_go_together_is_refused(here: Here, typed: list[str], cause: str) -> None:
    done = here("plan", *typed, expect=2)
    assert cause in done.out + done.err


def test_the_difference_of_a_plan_is_data_as_well(here: Here) -> None:
    plan = here.plan(PLAN)
    assert "no edit has changed the text" in here("plan", "diff", expect=5).err
    one, two, three = PLAN["steps"]
    steps = [one, {**two, "run": "echo 2 >two"}, three, {"title": "More", "run": "true"}]
    here("edit", plan, "--from", "-", stdin=json.dumps({**PLAN, "steps": steps}))
    answer = json.loads(here("diff", "--plan", plan, "--json").out)
    assert answer["schema"] == "git-orch/plan-diff/1"
    assert [(each["change"], each["number"]) for each in answer["data"]["steps"]] == [
        ("changed", 2), ("added", 4),
    ]  # fmt: skip
    assert answer["data"]["steps"][0]["fields"] == [
        {"name": "run", "before": "true", "after": "echo 2 >two"}
    ]
    assert here("plan", "diff", "--stat").out.count("\n") == 2
    here("undo", plan)
    assert "no edit has changed the text" in here("plan", "diff", expect=5).err
