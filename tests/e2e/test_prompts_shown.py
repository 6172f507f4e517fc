"""The prompt of a step, as people see it before or during a run, and as the model gets it."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from conftest import Here, Repo, data
from model_server import Document, ModelServer, text, tool, turn

from git_orch.views import events

WRITE = {"title": "Write a", "prompt": "Write a.txt\n<b>\u202e", "paths": ["src"]}
NEXT = {"title": "Write b", "prompt": "Write b.txt", "may_be_empty": True}
PLAN = {"title": "Two", "objective": "Both.", "steps": [WRITE, NEXT]}
DONE = turn(tool("step_done", summary="Wrote a.txt."))


def request(here: Here, *words: str) -> Any:
    """The request that `context` shows, as JSON."""
    return data(here("context", "--json", *words).out)["request"]


def received(server: ModelServer, number: int) -> Document:
    """A request that arrived, with the delimiter that `context` has."""
    content = json.dumps(server.calls[number].body)
    [delimiter] = set(re.findall(r"<plan ([0-9a-f]{16})>", content))
    found: Document = json.loads(content.replace(delimiter, "DELIMITER"))
    assert found.pop("stream") is True
    return found


def test_context_is_what_the_model_gets_byte_by_byte(here: Here, model_server: ModelServer) -> None:
    """S1-273; also after a failure, and after earlier steps."""
    here.repo.commit({"AGENTS.md": "Use tabs.\n", "src/CLAUDE.md": "No globals.\n"})
    plan = here.plan(PLAN)
    before = request(here, plan)
    failing = turn(tool("step_failed", reason="No pen."))
    model_server.script(failing, turn(tool("write_file", path="a", content="a\n")), DONE, DONE)
    here("exec", plan, "--retries", "0", expect=1)
    assert received(model_server, 0) == before
    after_failure = request(here, plan, "1")
    here("exec", plan, "--steps", "1")
    assert received(model_server, 1) == after_failure
    assert "No pen." in json.dumps(after_failure)
    second = request(here, plan, "2")
    here("exec", plan)
    assert received(model_server, 3) == second
    assert "Wrote a.txt." in json.dumps(second)


def test_context_names_the_files_whose_text_it_quotes(
    here: Here, model_server: ModelServer
) -> None:
    here.repo.commit({"AGENTS.md": "Use tabs.\n", "src/CLAUDE.md": "No globals.\n"})
    plan = here.plan(PLAN)
    shown = here("context", plan)
    files = "'AGENTS.md', 'src/CLAUDE.md'"
    assert f"note: the prompt quotes untrusted text of the repository: {files}" in shown.err
    told = data(here("context", plan, "--json").out)
    assert told["instructions"] == ["AGENTS.md", "src/CLAUDE.md"]
    assert here("context", plan, "2").err == (
        "note: the prompt quotes untrusted text of the repository: 'AGENTS.md'\n"
    )
    assert model_server.requests == []


def test_without_a_step_it_is_the_first_that_needs_a_model(here: Here) -> None:
    plan = here.plan({"title": "T", "steps": [{"title": "Run", "run": "true"}, NEXT]})
    assert "Your step is number 2" in here("context", plan).out
    assert "step 1 needs no model" in here("context", plan, "1", expect=2).err


def test_the_prompt_of_an_agent_program_is_one_text(here: Here) -> None:
    here.repo.git("config", "--global", "orch.agent", "command:true")
    plan = here.plan(PLAN)
    told = data(here("context", plan, "--json").out)
    assert (told["agent"], told["request"], told["system"]) == ("command:true", None, "")
    assert "Write a.txt" in told["step"]
    assert here("context", plan).out.startswith(told["step"][:40])


@pytest.mark.parametrize("resumed", [False, True])
def test_debug_step_prints_the_prompt_that_is_sent(
    here: Here, model_server: ModelServer, *, resumed: bool
) -> None:
    """S1-272; also of a step that goes on, with its conversation so far."""
    model_server.script(turn(tool("ask", question="Which pen?")) if resumed else DONE)
    plan = here.plan({"title": "One", "objective": "Both.", "steps": [NEXT]})
    if resumed:
        here("exec", plan, expect=9)
        here("answer", plan, "1", "The red one.")
        model_server.script(turn(text("Done.")))
    shown = here("exec", plan, "--debug-step", "1").err
    sent = model_server.calls[-1].body
    texts = [block["text"] for block in sent["system"]]
    for message in sent["messages"]:
        texts += [block["text"] for block in message["content"] if block["type"] == "text"]
    for part in texts:
        assert part in shown
    assert "claude-sonnet-5-5 gets this prompt, and the tools bash, read_file" in shown
    assert ("The red one." in shown) == resumed


def test_debug_step_is_an_event_of_the_stream(repo: Repo, model_server: ModelServer) -> None:
    model_server.script(DONE)
    plan = repo.plan({"title": "One", "steps": [NEXT]})
    done = repo.orch("exec", plan, "--debug-step", "1", "--stream")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        jsonschema.validate(line, events.schema())
    [prompt] = [line for line in lines if line["event"] == "prompt"]
    assert prompt["texts"][0] == model_server.calls[0].system
    assert "step_done" in prompt["tools"]


def test_debug_step_is_for_a_step_of_a_model(here: Here) -> None:
    plan = here.plan({"title": "T", "steps": [{"title": "Run", "run": "true"}]})
    assert "step 1 needs no model" in here("exec", plan, "--debug-step", "1", expect=2).err
    here("exec", plan, "--debug-step", "2", expect=5)
