"""A plan and a step come in one order everywhere; either alone is understood."""

from __future__ import annotations

import pytest
from conftest import Here, data, writing

COMMANDS = [("drop", "2"), ("redo", "2"), ("reorder", "2,1"), ("pick", "2", "--onto", "other")]


def planned(here: Here) -> str:
    """A complete plan of two steps that need each other not."""
    plan = here.plan(writing("a.txt", "b.txt", chained=False))
    here("exec", plan)
    here.repo.git("branch", "other")
    return plan


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_plan_comes_before_a_step(here: Here, words: tuple[str, ...]) -> None:
    plan = planned(here)
    assert "plan comes first" not in here(words[0], plan, *words[1:]).err


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_step_alone_is_one_of_the_plan_that_is_meant(here: Here, words: tuple[str, ...]) -> None:
    planned(here)
    here(*words)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_the_other_order_still_works_and_is_noted(here: Here, words: tuple[str, ...]) -> None:
    plan = planned(here)
    said = here(*words[:2], plan, *words[2:]).err
    assert f"note: the plan comes first now: git orch {words[0]} {plan} {words[1]}" in said


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_plan_without_the_step_that_is_needed_is_refused(
    here: Here, words: tuple[str, ...]
) -> None:
    plan = planned(here)
    assert f"hint: git orch {words[0]} -h" in here(words[0], plan, expect=2).err


@pytest.mark.parametrize("words", [["PLAN", "2"], ["2"], ["--step", "2", "PLAN"], ["PLAN", "2-2"]])
def test_verify_takes_a_step_as_well(here: Here, words: list[str]) -> None:
    plan = planned(here)
    typed = [plan if word == "PLAN" else word for word in words]
    assert [each["step"] for each in data(here("verify", *typed, "--json").out)] == [2]


def test_what_is_no_number_is_no_step(here: Here) -> None:
    plan = planned(here)
    assert "'x' is not the number of a step" in here("drop", plan, "x", expect=2).err


@pytest.mark.parametrize("name", ["state", "graph", "cost"])
def test_show_gives_what_a_command_of_that_name_does(here: Here, name: str) -> None:
    plan = planned(here)
    assert here("show", f"--{name}", plan).out == here(name, plan).out
    assert data(here("show", f"--{name}", "--json").out) == data(here(name, "--json").out)


def test_show_gives_the_context_of_a_step(here: Here) -> None:
    ask = {"title": "Ask", "prompt": "Write a poem."}
    plan = here.plan({"title": "Ask", "steps": [ask, {**ask, "prompt": "Write prose."}]})
    said = here("show", "--context", plan, "2").out
    assert "Write prose." in said
    assert said == here("context", plan, "2").out == here("context", "--step", "2").out


def test_show_takes_a_step_for_its_context_only(here: Here) -> None:
    plan = planned(here)
    assert f"git orch show {plan} --context 2" in here("show", plan, "2", expect=2).err
