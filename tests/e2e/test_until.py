"""`until` repeats a step until a check passes, and each repetition goes on from the one before."""

from __future__ import annotations

from typing import Any

from conftest import Here, data
from model_server import ModelServer, text, tool, turn

GROW = "echo line >> log"


def step(**fields: Any) -> dict[str, Any]:
    """A plan of one step that grows a file."""
    return {"title": "Grow", "steps": [{"title": "Grow the log", "run": GROW, **fields}]}


def until(lines: int, times: int) -> dict[str, Any]:
    """Until the file has so many lines."""
    return {"until": {"check": f"test $(wc -l < log) -ge {lines}", "times": times}}


def test_a_step_is_repeated_until_its_check_passes(here: Here) -> None:
    plan = here.repo.plan(step(**until(3, 5)))
    ran = here("exec")
    assert "trying again, 2 of 5" in ran.err
    assert "trying again, 3 of 5" in ran.err
    assert here.repo.git("show", f"orch/{plan}:log") == "line\nline\nline"
    [done] = data(here("show", "--json").out)["steps"]
    assert (done["state"], done["attempts"]) == ("done", 3)
    assert here.repo.git("rev-list", "--count", f"main..orch/{plan}") == "2"


def test_a_step_whose_check_never_passes_fails_after_its_times(here: Here) -> None:
    here.repo.plan(step(**until(9, 2)))
    here("exec", expect=1)
    [failed] = data(here("show", "--json").out)["steps"]
    assert (failed["state"], failed["attempts"]) == ("failed", 2)


def test_a_command_that_fails_is_repeated_from_what_it_made(here: Here) -> None:
    command = f"{GROW}; test $(wc -l < log) -ge 2"
    plan = here.repo.plan(step(run=command, until={"check": "true"}))
    here("exec")
    assert here.repo.git("show", f"orch/{plan}:log") == "line\nline"


def test_a_repetition_that_changes_nothing_keeps_what_is_there(here: Here) -> None:
    command = "test -f log || echo line > log"
    here.repo.plan(step(run=command, until={"check": "false", "times": 3}))
    here("exec", expect=1)
    kept = [
        attempt["commit"] for attempt in data(here("show", "--attempts", "--json").out)["attempts"]
    ]
    assert [here.repo.git("show", f"{commit}:log") for commit in kept] == ["line"] * 3


def test_the_model_of_a_repetition_sees_its_files_and_what_failed(
    here: Here, model_server: ModelServer
) -> None:
    both = {"check": "test -f one && test -f two", "times": 2}
    steps = [{"title": "S", "prompt": "Do", "until": both}]
    plan = here.repo.plan({"title": "T", "steps": steps})
    model_server.script(
        turn(tool("write_file", path="one", content="1\n")),
        turn(text("First.")),
        turn(tool("write_file", path="two", content="2\n")),
        turn(text("Second.")),
    )
    here("exec")
    assert here.repo.git("show", f"orch/{plan}:one") == "1"
    asked = model_server.calls[2].said()
    assert "Its changes are in the files: go on from them." in asked
    assert "test -f one && test -f two" in asked


def test_a_plan_says_what_its_steps_are_repeated_for(here: Here) -> None:
    here.repo.plan(step(**until(3, 5), checks=["test -f log"]))
    assert "until  test $(wc -l < log) -ge 3 (at most 5 times)" in here("show", "--tasks").out
    assert "until test $(wc -l < log) -ge 3 (at most 5 times)" in here("show").out
    written = here("show", "--yaml").out
    path = here.repo.path.parent / "again.yaml"
    path.write_text(written)
    here("plan", "--from", str(path))
    assert "times: 5" in written
