"""What a person says about a step that runs again: its model hears it, the log keeps it."""

from __future__ import annotations

import json
from typing import Any

from conftest import Here, data
from model_server import ModelServer, text, tool, turn

PLAN: dict[str, Any] = {
    "title": "Hello",
    "steps": [
        {"title": "Greet", "prompt": "Write hello.py", "may_be_empty": True},
        {"title": "Note", "run": "echo noted >notes"},
    ],
}
KEY = "sk-ant-api03-" + "A1b2C3d4" * 8
SAID = "Print a greeting that names the world."
ALSO = "Keep it short."


def test_the_model_of_a_redone_step_hears_what_a_person_says_about_it(
    here: Here, model_server: ModelServer
) -> None:
    """The text is redacted, a paragraph for each -m, and stays with the step until it is taken away."""
    done = turn(tool("step_done", summary="Done."))
    write = [turn(tool("write_file", path="hello.py", content=f"{n}\n")) for n in range(4)]
    model_server.script(write[0], done)
    plan = here.plan(PLAN)
    here("exec", plan)

    model_server.script(write[1], turn(tool("step_failed", reason="No.")))
    here("redo", plan, "1", "-m", f"{SAID} {KEY}", "-m", ALSO, expect=1)
    told = _told(model_server, 2)
    assert "A person says about it:\\n" in told
    assert f"{SAID} " in told
    assert f"\\n\\n{ALSO}" in told
    assert "Write hello.py" in told
    shown = here("show", plan, "--attempts").out
    assert f"a person says: {SAID} " in shown
    assert f"a person says: {ALSO}" in shown
    assert ALSO in here("context", plan, "1").out
    log = here("log", plan, "--all", "--json").out
    assert SAID in log
    assert KEY not in told + shown + log

    model_server.script(write[2], done)
    here("redo", plan, "1")
    assert ALSO in _told(model_server, 4)
    attempts = data(here("show", plan, "--attempts", "--json").out)["attempts"]
    assert [len(each["remarks"]) for each in attempts if each["step"] == attempts[0]["step"]] == [
        0, 2, 2,
    ]  # fmt: skip

    model_server.script(write[3], done)
    here("redo", plan, "1", "-m", "")
    assert ALSO not in _told(model_server, 6)
    assert ALSO not in here("context", plan, "1").out


def test_a_step_without_a_model_takes_no_text(here: Here, model_server: ModelServer) -> None:
    model_server.script(turn(text("Nothing to do.")))
    plan = here.plan(PLAN)
    here("exec", plan)
    tip = here.repo.git("rev-parse", f"orch/{plan}")
    said = here("redo", plan, "2", "-m", ALSO, expect=3).err
    assert "step 2 is a run step: no model reads the text of -m" in said
    assert here.repo.git("rev-parse", f"orch/{plan}") == tip


def test_a_landed_step_is_redone_with_a_prompt_that_changed_since(
    here: Here, model_server: ModelServer
) -> None:
    done = turn(tool("step_done", summary="Done."))
    write = [turn(tool("write_file", path="hello.py", content=f"{n}\n")) for n in range(2)]
    model_server.script(write[0], done)
    plan = here.plan(PLAN)
    here("exec", plan)
    first, second = PLAN["steps"]
    edited = {**PLAN, "steps": [{**first, "prompt": ALSO}, second]}
    said = here("edit", "--from", "-", plan, stdin=json.dumps(edited)).out
    assert "step 1 changed\nstep 1 landed with another prompt; run: git orch redo " in said
    shown = here.show(plan)
    assert shown["state"] == "COMPLETE"
    assert [step["changed_since"] for step in shown["steps"]] == [True, False]
    assert "its prompt changed since it landed; run: git orch redo " in here("show", plan).out

    model_server.script(write[1], done)
    here("redo", plan, "1")
    assert ALSO in _told(model_server, 2)
    assert here.repo.git("show", f"orch/{plan}:hello.py") == "1"
    assert [step["changed_since"] for step in here.show(plan)["steps"]] == [False, False]
    here("undo", plan)
    assert here.show(plan)["steps"][0]["changed_since"]
    here("undo", plan)
    assert not here.show(plan)["steps"][0]["changed_since"]


def test_nothing_else_of_a_landed_step_changes(here: Here, model_server: ModelServer) -> None:
    model_server.script(turn(text("Nothing to do.")))
    plan = here.plan(PLAN)
    here("exec", plan)
    first, second = PLAN["steps"]
    for steps in ([{**first, "may_be_empty": False}, second], [first, {**second, "run": "true"}]):
        text_ = json.dumps({**PLAN, "steps": steps})
        assert (
            "has landed and is changed"
            in here("edit", "--from", "-", plan, stdin=text_, expect=3).err
        )


def test_exec_says_it_to_the_step_that_failed_and_to_no_other(
    here: Here, model_server: ModelServer
) -> None:
    agents = [{**PLAN["steps"][0], "title": f"Greet {name}"} for name in "ab"]
    plan = here.plan({**PLAN, "steps": agents})
    done = turn(tool("step_done", summary="Done."))
    model_server.script(turn(tool("step_failed", reason="No.")), done, done)
    here("exec", plan, "--retries", "0", expect=1)
    here("exec", plan, "-m", ALSO)
    assert ALSO not in _told(model_server, 0)
    assert "A person says about it:\\n" in _told(model_server, 1)
    assert ALSO in _told(model_server, 1)
    assert ALSO not in _told(model_server, 2)


def test_exec_says_it_to_the_steps_that_are_named(here: Here, model_server: ModelServer) -> None:
    agents = [{**PLAN["steps"][0], "title": f"Greet {name}"} for name in "abc"]
    plan = here.plan({**PLAN, "steps": agents})
    model_server.script(turn(tool("step_done", summary="Done."), repeat=3))
    here("exec", plan, "--steps", "2,3", "-m", ALSO)
    here("exec", plan)
    assert [ALSO in _told(model_server, call) for call in range(3)] == [True, True, False]


def test_exec_without_a_step_for_a_model_takes_no_text(here: Here) -> None:
    plan = here.plan({**PLAN, "steps": PLAN["steps"][1:]})
    said = here("exec", plan, "-m", ALSO, expect=3).err
    assert "no step that runs has a model: nobody reads the text of -m" in said
    assert here.show(plan)["steps"][0]["state"] == "pending"


def _told(server: ModelServer, call: int) -> str:
    return json.dumps(server.calls[call].body["messages"])
