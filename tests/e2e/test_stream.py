"""`git orch exec --stream`: the events of a run as JSON Lines (S1-246, S1-247)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from conftest import Repo, writing
from model_server import ModelServer, text, tool, turn

from git_orch.views import events

_SECRET = "correct-horse-battery-0042"


def streamed(repo: Repo, *words: str, expect: int = 0, **env: str) -> list[dict[str, Any]]:
    """The events of a run, each as the schema says."""
    done = repo.orch("exec", "--stream", *words, expect=expect, env=env)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        jsonschema.validate(line, events.schema())
    return lines


def names(lines: list[dict[str, Any]]) -> list[str]:
    """The names of the events, without notes."""
    return [line["event"] for line in lines if line["event"] != "note"]


def test_a_run_is_a_line_of_json_for_each_event(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    assert names(streamed(repo, plan)) == [
        "budget", "run.started", "step.started", "phase", "phase", "check.ended", "phase",
        "step.landed", "end",
    ]  # fmt: skip


def test_the_last_line_has_the_answer_of_json(repo: Repo) -> None:
    plan = repo.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "exit 3"}]})
    last = streamed(repo, plan, "--json", expect=1)[-1]
    assert (last["event"], last["exit"], last["answer"]["status"]) == ("end", 1, "failed")
    assert last["answer"]["data"]["summary"]["failed"] == [1]


def test_a_refusal_is_the_last_line_as_well(repo: Repo) -> None:
    [line] = streamed(repo, "NOPE", expect=5)
    assert (line["event"], line["answer"]["status"]) == ("end", "not-found")


def test_a_stream_that_is_the_value_of_another_option_is_none(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    assert not repo.orch("exec", plan, "--model", "--stream").stdout.startswith("{")


def test_a_run_in_the_background_has_no_stream(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    [line] = streamed(repo, plan, "--detach", expect=2)
    assert line["answer"]["status"] == "usage"


def test_what_a_command_prints_comes_redacted_and_escaped(repo: Repo) -> None:
    """S1-247: the secret comes in two pieces."""
    half, rest = _SECRET[:9], _SECRET[9:]
    command = rf"printf 'x \033[31m\177 {half}'; sleep 0; printf '{rest} y\n'"
    plan = repo.plan({"title": "P", "steps": [{"title": "P", "run": command}]})
    lines = streamed(repo, plan, API_TOKEN=_SECRET)
    printed = "".join(line["text"] for line in lines if line["event"] == "output")
    assert printed == "x \x1b[31m\x7f [redacted] y\n"


def test_what_a_model_writes_comes_before_its_call_ends(
    repo: Repo, model_server: ModelServer
) -> None:
    """S1-246."""
    model_server.script(
        turn(text("I write it now."), tool("write_file", path="a", content="a\n")),
        turn(tool("step_done", summary="done")),
    )
    step = {"title": "Write", "prompt": "Write a.", "checks": [{"command": "test -f a"}]}
    plan = repo.plan({"title": "Agent", "steps": [step]})
    lines = streamed(repo, plan)
    written = "".join(line["text"] for line in lines if line["event"] == "text")
    first, called = (names(lines).index(name) for name in ("text", "model.called"))
    assert (written, first < called) == ("I write it now.", True)


@pytest.mark.parametrize("reader", ["head -n 1 >/dev/null", "exec <&-"], ids=["early", "at-once"])
def test_a_reader_that_goes_away_ends_nothing(repo: Repo, reader: str) -> None:
    plan = repo.plan(writing("a", "b"))
    script = (
        f"{{ {sys.executable} -m git_orch exec --stream {plan}; echo $? >&2; }} | {{ {reader}; }}"
    )
    done = subprocess.run(
        ["sh", "-c", script], cwd=repo.path, env=os.environ, capture_output=True, check=True
    )
    assert done.stderr.endswith(b"\n0\n")
    assert repo.step_states(plan) == ["done", "done"]


def test_a_full_disk_behind_the_stream_ends_nothing_and_is_told(repo: Repo) -> None:
    plan = repo.plan(writing("a"))
    script = f"{sys.executable} -m git_orch exec --stream {plan} >/dev/full"
    done = subprocess.run(["sh", "-c", script], cwd=repo.path, capture_output=True, check=True)
    assert b"note: the events are not complete: no space left on device\n" in done.stderr
