"""Budgets: no request is made that could cost more than what is left, whoever has spent it."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Here, data
from model_server import ModelServer, tool, turn

DONE = tool("step_done", summary="Done.")
CHECK = {"command": "test -f a"}


def agents(count: int, **more: object) -> dict[str, Any]:
    return {
        "title": "Ask",
        "steps": [
            {"title": f"Step {n}", "prompt": "Write", "may_be_empty": True, **more}
            for n in range(1, count + 1)
        ],
    }


def working(output: int) -> list[Any]:
    """The replies for one step: a file, and the word that it is done; the first has so many tokens
    of output.
    """
    return [
        turn(tool("write_file", path="a", content=f"{output}\n"), usage={"output_tokens": output}),
        turn(DONE),
    ]


def test_a_step_after_the_budget_is_spent_asks_nothing(
    here: Here, model_server: ModelServer
) -> None:
    """S1-074, S1-075: the third step never calls."""
    model_server.script(*working(4_000), *working(4_000), *working(4_000))
    plan = here.plan(agents(3))
    here("exec", plan, "--max-usd", "0.09", expect=4)
    assert len(model_server.calls) == 3  # the second step's second request could be too dear
    shown = here.show(plan)
    assert [step["usd"] > 0 for step in shown["steps"]] == [True, True, False]
    assert shown["usd"] <= 0.09


def test_a_request_asks_for_no_more_than_is_left(here: Here, model_server: ModelServer) -> None:
    model_server.script(*working(20))
    plan = here.plan(agents(1))
    here("exec", plan, "--max-usd", "0.1")
    asked = [call.body["max_tokens"] for call in model_server.calls]
    # $0.1 at $10 for a million tokens, less the prompt.
    assert all(1_024 <= tokens < 10_000 for tokens in asked)


def test_earlier_runs_and_failed_attempts_count(here: Here, model_server: ModelServer) -> None:
    """S1-084, S1-151: what a run before has spent is not there again; a larger budget goes on."""
    model_server.script(turn(DONE, usage={"output_tokens": 5_000}))
    plan = here.plan(agents(1, checks=[CHECK]))
    here("exec", plan, "--retries", "0", "--max-usd", "0.1", expect=1)
    said = here("exec", plan, "--max-usd", "0.06", expect=4).err
    assert len(model_server.calls) == 1
    model_server.script(*working(20))
    again = next(line for line in said.splitlines() if line.startswith("hint: ")).removeprefix(
        "hint: git orch "
    )
    here(*again.split())
    assert here.show(plan)["state"] == "COMPLETE"


def test_a_step_has_a_budget_of_its_own(here: Here, model_server: ModelServer) -> None:
    model_server.script(turn(DONE, usage={"output_tokens": 5_000}), *working(20))
    plan = here.plan(agents(1, checks=[CHECK]))
    said = here("exec", plan, "--max-step-usd", "0.06", expect=4).err
    assert "the step has cost $0.05" in said
    assert "--max-step-usd" in said
    assert len(model_server.calls) == 1
    assert '"reason": "budget"' in here("log", plan, "--json").out


def test_planning_has_a_budget_too(here: Here, model_server: ModelServer) -> None:
    said = here("plan", "--max-usd", "0.001", "Do something", expect=4).err
    assert "at most $0.0010" in said
    assert len(model_server.calls) == 0


def test_the_settings_budget_counts_where_nothing_else_does(
    here: Here, model_server: ModelServer
) -> None:
    here.repo.git("config", "--global", "orch.maxUsd", "0.001")
    plan = here.plan(agents(1))
    here("exec", plan, expect=4)
    assert len(model_server.calls) == 0
    model_server.script(*working(20))
    here("exec", plan, "--max-usd", "0")


def test_a_plan_that_nobody_gave_a_limit_stops_before_it_costs_more_than_a_dollar(
    here: Here, model_server: ModelServer
) -> None:
    """S1-082."""
    model_server.script(turn(DONE, usage={"output_tokens": 66_600}), *working(20))
    plan = here.plan(agents(2, model="claude-sonnet-4-6"))
    said = here("exec", plan, expect=4).err  # the first step costs $0.999
    assert "at most $1.00" in said
    here("exec", plan, "--max-cost", "5")


def test_what_was_paid_is_the_price_of_what_was_used(here: Here, model_server: ModelServer) -> None:
    """S1-072: 1,234 tokens in and 567 out at $3 and $15 for a million."""
    used = {"input_tokens": 1_234, "output_tokens": 567}
    model_server.script(turn(DONE, usage=used))
    plan = here.plan(agents(1, model="claude-sonnet-4-6"))
    here("exec", plan)
    assert data(here("cost", plan, "--json").out)["actual_usd"] == 0.012207


def test_a_limit_holds_for_later_runs_until_it_is_raised(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(DONE, usage={"output_tokens": 5_000}), *working(20))
    plan = here.plan(agents(1, checks=[CHECK]))
    here("exec", plan, "--max-usd", "0.06", expect=4)
    stopped = here("exec", plan, expect=4)
    assert "of at most $0.0600" in stopped.err
    assert "--max-usd 0.12" in stopped.err
    assert len(model_server.calls) == 1
    here("exec", plan, "--max-usd", "0.12")


def test_another_clone_knows_nothing_of_a_limit_that_was_typed_here(
    here: Here, model_server: ModelServer
) -> None:
    """The log says nothing of it: whoever writes to a log cannot raise what may be spent here."""
    model_server.script(*working(20))
    plan = here.plan(agents(1))
    here("exec", plan, "--max-usd", "100")
    assert "max_usd" not in here("log", plan, "--json").out


def test_a_limit_of_a_step_holds_for_later_runs(here: Here, model_server: ModelServer) -> None:
    model_server.script(turn(DONE, usage={"output_tokens": 5_000}))
    plan = here.plan(agents(1, checks=[CHECK]))
    here("exec", plan, "--max-step-usd", "0.06", expect=4)
    assert "of at most $0.0600" in here("exec", plan, expect=4).err
    assert len(model_server.calls) == 1


def test_an_approval_with_a_limit_takes_the_place_of_an_earlier_one(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(DONE, usage={"output_tokens": 5_000}), *working(20))
    plan = here.plan(agents(1, checks=[CHECK]))
    here("exec", plan, "--max-usd", "0.06", expect=4)
    here("approve", plan, "--max-usd", "5")
    here("exec", plan)


@pytest.mark.parametrize(
    ("option", "setting"), [("--max-usd", "orch.maxUsd"), ("--max-step-usd", "orch.maxStepUsd")]
)
def test_the_way_on_from_a_redo_that_money_stopped_runs_as_it_stands(
    here: Here, model_server: ModelServer, option: str, setting: str
) -> None:
    model_server.script(*working(20), *working(21))
    plan = here.plan(agents(1))
    here("exec", plan)
    here.repo.git("config", "--global", setting, "0.0001")
    stopped = here("redo", plan, "1", expect=4)
    [hint] = [line for line in stopped.err.splitlines() if line.startswith("hint: ")]
    words = hint.removeprefix("hint: git orch ").split()
    assert words[:4] == ["redo", here.repo.handle(plan), "1", option]
    assert f"next: git orch {' '.join(words)}  # try again" in stopped.out
    here(*words)
