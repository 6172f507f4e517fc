"""The models of the provider and of the price table, and one that has no price."""

from __future__ import annotations

import os
from typing import Any

import pytest
from conftest import Here, data
from model_server import ModelServer, status, text, tool, turn

_PLAN = {
    "title": "Hello",
    "steps": [{"title": "Write", "prompt": "Write a", "paths": ["a"]}],
}
_WORK = (turn(tool("write_file", path="a", content="a")), turn(tool("step_done", summary="Wrote.")))


def listed(here: Here, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = data(here("models", *options, "--json").out)
    return document


def test_models_lists_those_of_the_provider_with_their_prices(
    here: Here, model_server: ModelServer
) -> None:
    model_server.offers = ["claude-opus-5-5", "claude-sonnet-5-5", "new\x1b[31m-model"]
    head, opus, sonnet, new = here("models").out.splitlines()
    assert head.split() == ["model", "input", "output", "context"]
    assert opus.split() == ["claude-opus-5-5", "$4.00", "$20.00", "1,000,000"]
    assert sonnet.split()[:2] == ["*", "claude-sonnet-5-5"]
    assert "no price" in new
    assert "\x1b" not in new


def test_models_in_json_have_prices_where_the_table_has_them(
    here: Here, model_server: ModelServer
) -> None:
    model_server.offers = ["claude-sonnet-5-5", "new-model"]
    document = listed(here)
    sonnet, new = document["models"]
    assert document["source"] == "provider"
    assert (sonnet["chosen"], sonnet["prices"]["output"]) == (True, 10.0)
    assert (new["chosen"], new["prices"], new["context"]) == (False, None, None)


@pytest.mark.usefixtures("model_server")
def test_models_without_a_key_are_those_of_the_price_table(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    result = here("models")
    assert "claude-opus-5-5" in result.out
    assert "these are the models of the price table: " in result.err


def test_models_of_a_provider_that_does_not_answer_are_those_of_the_price_table(
    here: Here, model_server: ModelServer
) -> None:
    model_server.look_fault = status(500)
    assert listed(here)["source"] == "table"


def test_a_price_of_the_users_table_counts(here: Here, model_server: ModelServer) -> None:
    file = here.repo.path.parent / "prices.toml"
    rates = "\n".join(f"{name} = 7" for name in ("input", "output", "write_5m", "write_1h", "read"))
    facts = 'id = "new-model"\ndate = 2026-11-01\nsource = "mine"\ncontext = 1\nmax_output = 1\n'
    file.write_text(f"[[model]]\n{facts}{rates}\n")
    here.repo.git("config", "--global", "orch.prices", str(file))
    model_server.offers = ["new-model"]
    [model] = listed(here)["models"]
    assert (model["prices"]["read"], model["price_source"]) == (7.0, "mine")


def test_a_model_that_orch_model_names_and_nobody_offers_is_named(
    here: Here, model_server: ModelServer
) -> None:
    model_server.offers = ["claude-opus-5-5"]
    assert "'claude-sonnet-5-5' (orch.model) is not one of them" in here("models").err


def test_a_model_without_a_price_runs_when_an_option_says_what_it_costs(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(*_WORK)
    plan = here.plan(_PLAN)
    assert (
        "there is no price for model 'my-model'"
        in here("exec", plan, "--model", "my-model", expect=2).err
    )
    here("exec", plan, "--model", "my-model", "--price-unknown", "0")
    [step] = here.show(plan)["steps"]
    assert (step["state"], step["usd"]) == ("done", 0)
    assert "GIT_CONFIG_KEY_0" not in os.environ  # it was for that command alone


def test_a_model_without_a_price_costs_what_the_setting_says(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(*_WORK)
    here.repo.git("config", "--global", "orch.priceUnknown", "1000")
    here.repo.git("config", "--global", "orch.maxUsd", "0")
    plan = here.plan(_PLAN)
    here("exec", plan, "--model", "my-model")
    [step] = here.show(plan)["steps"]
    assert step["usd"] > 0.001


def test_an_estimate_for_a_model_without_a_price_has_the_typed_one(here: Here) -> None:
    typed = ("plan", "x", "--estimate-only", "--model", "my-model")
    here(*typed, expect=2)
    assert "$0.00" in here(*typed, "--price-unknown", "0").out


def test_a_step_done_again_by_a_model_without_a_price_has_the_typed_one(
    here: Here, model_server: ModelServer
) -> None:
    model_server.script(*_WORK, *_WORK)
    plan = here.plan(_PLAN)
    here("exec", plan)
    here("redo", plan, "1", "--model", "my-model", "-m", "again", "--price-unknown", "0")
    assert model_server.calls[-1].body["model"] == "my-model"


def test_a_spec_by_a_model_without_a_price_has_the_typed_one(
    here: Here, model_server: ModelServer
) -> None:
    here("plan", "Greet people", "--ready")
    model_server.script(turn(text("no")))
    typed = ("spec", "--model", "my-model", "--price-unknown")
    assert "no price" not in here(*typed, "0", expect=None).err
    assert model_server.calls[0].body["model"] == "my-model"
