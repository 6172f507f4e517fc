"""A plan and a step come in one order everywhere; either alone is understood."""

from __future__ import annotations

import pytest
from conftest import Here, Prepared, Repo, data, writing

COMMANDS = [("drop", "2"), ("redo", "2"), ("reorder", "2,1"), ("pick", "2", "--onto", "other")]


@pytest.fixture
def plan(here: Here, prepared: Prepared) -> str:
    """A complete plan of two steps that need each other not."""

    def build(repo: Repo) -> str:
        made = repo.plan(writing("a.txt", "b.txt", chained=False))
        repo.orch("exec", made)
        repo.git("branch", "other")
        return made

    return prepared.instead(here.repo, "two apart, and another branch", build)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_plan_comes_before_a_step(here: Here, plan: str, words: tuple[str, ...]) -> None:
    assert "plan comes first" not in here(words[0], plan, *words[1:]).err


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.usefixtures("plan")
def test_a_step_alone_is_one_of_the_plan_that_is_meant(here: Here, words: tuple[str, ...]) -> None:
    here(*words)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_the_other_order_still_works_and_is_noted(
    here: Here, plan: str, words: tuple[str, ...]
) -> None:
    said = here(*words[:2], plan, *words[2:]).err
    assert f"note: the plan comes first now: git orch {words[0]} {plan} {words[1]}" in said


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_plan_without_the_step_that_is_needed_is_refused(
    here: Here, plan: str, words: tuple[str, ...]
) -> None:
    assert f"hint: git orch {words[0]} -h" in here(words[0], plan, expect=2).err


@pytest.mark.parametrize("words", [["PLAN", "2"], ["2"], ["--step", "2", "PLAN"], ["PLAN", "2-2"]])
def test_verify_takes_a_step_as_well(here: Here, plan: str, words: list[str]) -> None:
    typed = [plan if word == "PLAN" else word for word in words]
    assert [each["step"] for each in data(here("verify", *typed, "--json").out)] == [2]


def test_what_is_no_number_is_no_step(here: Here, plan: str) -> None:
    assert "'x' is not the number of a step" in here("drop", plan, "x", expect=2).err


@pytest.mark.parametrize("name", ["state", "graph", "cost"])
def test_show_gives_what_a_command_of_that_name_does(here: Here, plan: str, name: str) -> None:
    assert here("show", f"--{name}", plan).out == here(name, plan).out
    assert data(here("show", f"--{name}", "--json").out) == data(here(name, "--json").out)


def test_show_gives_the_context_of_a_step(here: Here) -> None:
    ask = {"title": "Ask", "prompt": "Write a poem."}
    plan = here.plan({"title": "Ask", "steps": [ask, {**ask, "prompt": "Write prose."}]})
    said = here("show", "--context", plan, "2").out
    assert "Write prose." in said
    assert said == here("context", plan, "2").out == here("context", "--step", "2").out


def test_show_takes_a_step_for_its_context_only(here: Here, plan: str) -> None:
    assert f"git orch show {plan} --context 2" in here("show", plan, "2", expect=2).err


@pytest.mark.parametrize("state", ["CREATED", "COMPLETE"])
def test_where_several_plans_can_be_meant_the_hint_names_the_newest(repo: Repo, state: str) -> None:
    plans = [repo.plan(writing("a")), repo.plan(writing("b"))]
    for plan in plans if state == "COMPLETE" else []:
        repo.orch("exec", plan)
    said = repo.orch("rollback", "--last", "1", expect=5).stderr
    assert said.endswith(f"hint: git orch rollback {repo.handle(plans[1])} --last 1\n")


def test_the_hint_names_the_plan_to_revise_where_that_stands(repo: Repo) -> None:
    plans = [repo.plan(writing("a")), repo.plan(writing("b"))]
    said = repo.orch("plan", "--revise", "-m", "Do less", expect=5).stderr
    assert said.endswith(f"hint: git orch plan --revise {repo.handle(plans[1])} -m 'Do less'\n")
