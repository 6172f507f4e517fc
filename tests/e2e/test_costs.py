"""What a plan may cost and has cost, before and after it ran."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from conftest import Here, data
from model_server import ModelServer, tool, turn

from git_orch.plans import sentences

DONE = tool("step_done", summary="Done.")


def asking(count: int) -> dict[str, Any]:
    return {
        "title": "Ask",
        "steps": [
            {"title": f"Step {n}", "prompt": "Write", "may_be_empty": True}
            for n in range(1, count + 1)
        ],
    }


def costs(here: Here, plan: str, *args: str) -> dict[str, Any]:
    found: dict[str, Any] = data(here("cost", plan, "--json", *args).out)
    return found


@pytest.fixture
def experienced(here: Here, model_server: ModelServer) -> Here:
    """A repository with five finished steps of a model, at $0.02 to $0.06."""
    model_server.script(
        *(
            turn(DONE, usage={"input_tokens": 0, "output_tokens": n * 1_000})
            for n in (2, 3, 4, 5, 6)
        )
    )
    here("exec", here.plan(asking(5)))
    return here


def test_the_estimate_is_compared_with_what_it_was(here: Here, model_server: ModelServer) -> None:
    """S1-073."""
    used = {"input_tokens": 1_000, "output_tokens": 1_000, "cache_read_input_tokens": 3_000}
    model_server.script(turn(DONE, usage=used))
    plan = here.plan(asking(1))
    here("exec", plan)
    found = costs(here, plan)
    [step] = found["steps"]
    assert step["actual_usd"] == found["actual_usd"] > 0
    assert step["difference_usd"] == pytest.approx(step["actual_usd"] - step["estimate_usd"])
    assert found["tokens"] == {
        "input": 1_000, "output": 1_000, "cache_write_5m": 0, "cache_write_1h": 0,
        "cache_read": 3_000,
    }  # fmt: skip
    assert found["cache_hit_ratio"] == 0.75
    assert "75% of all prompts" in here("cost", plan).out


def test_a_step_that_has_not_run_has_saved_nothing(here: Here, model_server: ModelServer) -> None:
    model_server.script(turn(DONE))
    plan = here.plan(asking(2))
    ran = here("exec", plan, "--steps", "1").out
    assert "this run: 100 tokens in, 20 out, $0.0004 (estimated $0.0140)\n" in ran
    found = costs(here, plan)
    first, second = found["steps"]
    assert (second["difference_usd"], second["done"]) == (None, False)
    assert found["difference_usd"] == first["difference_usd"]
    said = here("cost", plan).out
    assert "the 1 step that is done: estimate $0.0140  actual $0.0004 (-$" in said
    assert "  2  estimate $0.0140  not run  Step 2" in said


def test_what_failed_attempts_have_cost_is_told_apart(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(DONE), turn(DONE))
    plan = here.plan(
        {
            "title": "Ask",
            "steps": [{"title": "No", "prompt": "x", "checks": [{"command": "false"}]}],
        }
    )
    here("exec", plan, expect=1)
    found = costs(here, plan)
    assert found["failed_usd"] == found["actual_usd"] > 0
    assert found["failed_share"] == 1


def test_finished_steps_make_a_range_of_an_estimate(experienced: Here) -> None:
    made = experienced("plan", "--from", "-", stdin=json.dumps(asking(2))).out
    plan = made.split()[0]
    expected = costs(experienced, plan)["expected"]
    assert expected["samples"] == 5
    assert 0 < expected["p50"] < expected["p90"]
    assert f"estimate {sentences.usd(expected['p50'])} (" in made
    assert "from 5 finished steps" in experienced("cost", plan).out
    assert f"of an estimated {sentences.usd(expected['p50'])}" in experienced("show", plan).out


def test_a_plan_that_would_cost_too_much_is_found(experienced: Here) -> None:
    """S1-115."""
    plan = experienced.plan(asking(2))
    expected = costs(experienced, plan)["expected"]
    between = (2 * 0.014 + expected["p90"]) / 2
    assert "over-budget" in experienced("check", plan, "--max-usd", f"{between:.6f}", expect=1).out
    experienced("check", plan, "--max-usd", f"{2 * expected['p90']:.6f}")


def test_the_provider_counts_the_first_request(here: Here, model_server: ModelServer) -> None:
    plan = here.plan(asking(1))
    [step] = costs(here, plan, "--count-tokens")["steps"]
    assert step["prompt_tokens"] > 100
    assert [call.path for call in model_server.requests] == ["/v1/messages/count_tokens"]
    assert "first prompt" in here("cost", plan, "--count-tokens").out


def test_steps_that_a_dated_snapshot_did_count_for_their_model(
    here: Here, model_server: ModelServer
) -> None:
    """What a sixth step has used with another model does not."""

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        model, output = body["model"], 60_000
        if model == "claude-haiku-4-5":
            model, output = "claude-haiku-4-5-20251001", 9_000
        used = {"input_tokens": 0, "output_tokens": output}
        return {"content": [DONE], "stop_reason": "tool_use", "model": model, "usage": used}

    model_server.default = reply
    *first, last = asking(6)["steps"]
    here(
        "exec",
        here.plan(
            {
                "title": "Ask",
                "steps": [*({**step, "model": "claude-haiku-4-5"} for step in first), last],
            }
        ),
    )
    found = costs(here, here.plan(asking(1)), "--model", "claude-haiku-4-5")
    assert found["expected"] == {"p50": 0.045, "p90": 0.045, "samples": 5}
    assert found["step_tokens"]["reply"] == {"p50": 9_000, "p90": 34_500}


def test_a_model_for_a_run_is_the_one_of_steps_that_name_none(here: Here) -> None:
    [own, other] = asking(2)["steps"]
    plan = here.plan({"title": "Ask", "steps": [{**own, "model": "claude-haiku-4-5"}, other]})
    told = data(here("exec", plan, "--estimate-only", "--model", "claude-opus-4-5", "--json").out)
    assert [step["estimate_usd"] for step in told["steps"]] == [0.007, 0.035]


def test_an_estimate_of_no_task_is_a_usage_error(here: Here) -> None:
    assert "nothing to plan" in here("plan", "--estimate-only", stdin=" \n", expect=2).err


def test_an_estimate_alone_asks_nobody_and_stores_nothing(
    here: Here, model_server: ModelServer
) -> None:
    """S1-076."""
    before = here.repo.git("for-each-ref")
    assert (
        "$0.01" in here("plan", "--estimate-only", "--from", "-", stdin=json.dumps(asking(1))).out
    )
    making = here("plan", "--estimate-only", "Do something").out
    assert re.match(r"making the plan: \d{4} tokens in, 1000 out, \$", making)
    assert (
        data(here("plan", "--estimate-only", "--json", "Do something").out)["tokens_out"] == 1_000
    )
    assert here.repo.git("for-each-ref") == before
    plan = here.plan(asking(3))
    before = here.repo.git("for-each-ref")
    assert "all  estimate $0.0420" in here("exec", plan, "--estimate-only").out
    assert "all  estimate $0.0140" in here("exec", plan, "--estimate-only", "--steps", "2").out
    assert here.repo.git("for-each-ref") == before
    assert model_server.calls == []


def test_the_estimate_of_an_agent_step_counts_the_prompt_that_it_would_send(here: Here) -> None:
    """Its own words, and the instructions of the project; what is short is the usual step."""
    here.repo.commit({"AGENTS.md": "Use tabs.\n" * 2_000})
    steps = [{"title": f"Step {n}", "prompt": "x" * n} for n in (10, 60_000)]
    plan = here.plan({"title": "Ask", "steps": steps})
    short, long = data(here("cost", plan, "--json").out)["steps"]
    assert 3_000 < short["tokens_in"] < 6_000
    assert long["tokens_in"] - short["tokens_in"] == pytest.approx(15_000, rel=0.01)
    stored = here.show(plan)["estimate"]["tokens_in"]
    assert stored == short["tokens_in"] + long["tokens_in"]
