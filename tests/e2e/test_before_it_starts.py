"""What no model can be asked with is found before a run or a plan begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Here
from model_server import ModelServer, status, tool, turn

from git_orch.sandbox import secrecy

TWO_STEPS: dict[str, Any] = {
    "title": "Two",
    "steps": [
        {"title": "Write", "files": {"a": "1\n"}},
        {"title": "Ask", "prompt": "Write b", "may_be_empty": True},
    ],
}


@pytest.fixture
def asked(here: Here, model_server: ModelServer) -> Here:
    """A repository with a plan whose second step asks a model, which never hears of it."""
    here.plan(TWO_STEPS)
    return here


def nothing_began(here: Here, server: ModelServer) -> bool:
    return "run.started" not in here("log", "--json").out and server.requests == []


def test_two_keys_end_a_run_before_its_first_step(
    asked: Here, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another-key")
    said = asked("exec", expect=2).err
    assert said.splitlines() == [
        "error: 'ANTHROPIC_API_KEY' and 'ANTHROPIC_AUTH_TOKEN' are both set",
        "hint: unset ANTHROPIC_AUTH_TOKEN",
    ]
    assert nothing_began(asked, model_server)


@pytest.mark.parametrize(
    "options", [["--model", "gpt-x"], ["--retry-model", "gpt-x"]], ids=lambda options: options[0]
)
def test_an_unknown_model_ends_a_run_before_its_first_step(
    asked: Here, model_server: ModelServer, options: list[str]
) -> None:
    said = asked("exec", *options, expect=2).err
    assert "there is no price for model 'gpt-x'" in said
    assert nothing_began(asked, model_server)


def test_an_unknown_model_that_no_attempt_would_ask_stands_in_no_way(
    here: Here, model_server: ModelServer
) -> None:
    here.plan({**TWO_STEPS, "steps": TWO_STEPS["steps"][:1]})
    here("exec", "--model", "gpt-x", "--retry-model", "gpt-y")


def test_the_step_that_names_an_unknown_model_is_named(
    here: Here, model_server: ModelServer, tmp_path: Path
) -> None:
    """The model was known where the plan was made."""
    table = Path(secrecy.__file__).parents[1] / "agents/prices.toml"
    own = tmp_path / "prices.toml"
    rows = table.read_text(encoding="utf-8").partition("[[model]]")
    row = rows[2].partition("[[model]]")[0].replace('id = "', 'id = "own-')
    own.write_text(f"[[model]]{row}", encoding="utf-8")
    name = next(line for line in row.splitlines() if line.startswith("id")).split('"')[1]
    here.repo.git("config", "--global", "orch.prices", str(own))
    here.plan(
        {**TWO_STEPS, "steps": [TWO_STEPS["steps"][0], {**TWO_STEPS["steps"][1], "model": name}]}
    )
    here.repo.git("config", "--global", "--unset", "orch.prices")
    said = here("exec", expect=2).err
    assert f"step 2: there is no price for model '{name}'" in said
    assert "hint: git orch edit " in said
    assert nothing_began(here, model_server)


def test_a_missing_key_ends_a_run_before_its_first_step(
    asked: Here, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert "no credentials for the model provider" in asked("exec", expect=8).err
    assert nothing_began(asked, model_server)


def test_a_model_that_the_provider_lacks_ends_a_run_before_its_first_step(
    asked: Here, model_server: ModelServer
) -> None:
    model = "claude-sonnet-5-5"
    model_server.look_fault = status(404, "not_found_error", f"model: {model}")
    assert f"does not know model '{model}'" in asked("exec", expect=8).err
    assert nothing_began(asked, model_server)
    assert model_server.looks == [model]


def test_a_model_that_has_answered_is_not_asked_for_again(
    here: Here, model_server: ModelServer
) -> None:
    steps = [TWO_STEPS["steps"][1], {**TWO_STEPS["steps"][1], "title": "Ask again"}]
    here.plan({**TWO_STEPS, "steps": steps})
    model_server.script(*(turn(tool("step_done", summary="Done.")) for _ in steps))
    here("exec", "--steps", "1")
    here("exec")
    assert len(model_server.looks) == 1


def test_the_model_of_further_attempts_is_asked_for_as_well(
    asked: Here, model_server: ModelServer
) -> None:
    model_server.script(turn(tool("step_done", summary="Done.")))
    asked("exec", "--retry-model", "claude-sonnet-4-6")
    assert model_server.looks[1:] == ["claude-sonnet-4-6"]
