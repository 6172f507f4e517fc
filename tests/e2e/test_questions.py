"""Questions of models: a step waits for the answer of a person."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Here
from model_server import ModelServer, tool, turn

from git_orch import checkpoints

ASK = tool("ask", question="Is -v free?\nOr \x1b[31mtaken?")
WRITE = tool("write_file", path="a.txt", content="a\n")
DONE = tool("step_done", summary="Wrote a.txt.")
AGENT = {"title": "Add the option", "prompt": "Add it."}
FILES = {"title": "Note it", "files": {"note.txt": "note\n"}}


def plan_of(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"title": "Options", "steps": list(steps)}


def states(here: Here, plan: str) -> list[str]:
    return [step["state"] for step in here.show(plan)["steps"]]


def test_a_question_ends_the_run_and_the_next_one_goes_on_with_the_answer(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(ASK))
    plan = here.plan(plan_of(AGENT, FILES))
    ended = here("exec", plan, expect=9)
    assert "Is -v free?" in ended.err
    assert states(here, plan) == ["asked", "pending"]
    shown = here("status").out
    assert f'next: git orch answer {here.repo.handle(plan)} "ANSWER"' in shown
    assert "asks: Is -v free?" in shown
    assert "\x1b" not in shown + ended.err
    assert "answered" in here("answer", "It is taken.").out
    model_server.script(turn(WRITE), turn(DONE))
    here("exec", plan)
    assert "It is taken." in model_server.calls[1].said()
    assert states(here, plan) == ["done", "done"]


def test_other_steps_of_a_parallel_run_go_on_beside_a_question(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(ASK), turn(ASK))
    plan = here.plan(plan_of(AGENT, FILES, {**AGENT, "title": "Another"}))
    here("exec", plan, "--jobs", "2", expect=9)
    assert states(here, plan) == ["asked", "done", "asked"]
    assert "name one" in here("answer", plan, "no", expect=2).err
    here("answer", plan, "3", "-", stdin="It is free.\n")
    assert [step["answer"] for step in here.show(plan)["steps"]] == [None, None, "It is free."]
    assert '"by": "Ada Tester <ada@example.com>"' in here("log", plan, "--json").out


def test_a_run_goes_on_with_an_answer_that_comes_while_it_runs(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(ASK), turn(WRITE), turn(DONE))
    plan = here.plan(plan_of(AGENT, FILES))
    told: list[str] = []

    def answer(moment: str, deed: str, _about: object, /) -> None:
        if (moment, deed) == ("before", "end run") and not told:
            told.append(here.repo.orch("answer", plan, "It is free.").stdout)

    checkpoints.observe(answer)
    try:
        here("exec", plan, "--jobs", "2")
    finally:
        checkpoints.observe(None)
    assert "step 1 of" in told[0]
    assert "is answered; the run goes on with it\n" in told[0]
    assert "It is free." in model_server.calls[1].said()
    assert states(here, plan) == ["done", "done"]


@pytest.mark.parametrize(
    ("words", "code"),
    [(["answer"], 2), (["answer", "a", "b", "c", "d"], 2), (["answer", "yes"], 3)],
    ids=["nothing", "too much", "nobody asks"],
)
def test_an_answer_needs_words_and_a_question(here: Here, words: list[str], code: int) -> None:
    here.plan(plan_of(FILES))
    here(*words, expect=code)


@pytest.mark.parametrize("command", ["answer", "note", "do"])
def test_a_text_on_standard_input_that_is_too_large_is_refused_whole(
    here: Here, command: str
) -> None:
    too_large = here(command, "-", stdin="x" * (1024**2 + 1), expect=2)
    assert "error: standard input is larger than 1 MiB" in too_large.err
