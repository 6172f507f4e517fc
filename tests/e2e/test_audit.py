"""The audit: every tool call of a model, what became of it, and a disk that refuses to keep it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Here, data
from model_server import ModelServer, tool, turn

from git_orch.agents import spans

AGENT = {"title": "Write a", "prompt": "Write a.txt", "checks": [{"command": "test -f a.txt"}]}
PLAN = {"title": "Audit", "steps": [AGENT]}
CALLS = (
    tool("write_file", path="a.txt", content="a\n"),
    tool("bash", command="echo begun; sleep 60", reason="see", timeout=1),
    tool("read_file", path="../x"),
)
KEPT = ("output", "traces", "conversations", "receipts", "refused")


def audit(here: Here, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data(here("audit", "--json", *words).out)
    return found


@pytest.fixture
def done(here: Here, model_server: ModelServer) -> str:
    """A plan whose one step a model did, with several calls; its last one nobody saw end."""
    plan = here.plan(PLAN)
    model_server.script(turn(*CALLS), turn(tool("step_done", summary="Done."), tool("ask")))
    here("exec", plan)
    return plan


def test_every_tool_call_has_an_entry_and_what_was_rolled_back_is_marked(
    here: Here, done: str
) -> None:
    """S1-145, S1-187, S1-275, S1-195, S1-280."""
    entries = audit(here)
    tip = here.repo.git("rev-parse", f"orch/{done}")
    assert [(entry["tool"], entry["verdict"]) for entry in entries] == [
        ("write_file", "done"), ("bash", "timeout"), ("read_file", "refused"),
        ("step_done", "done"), ("ask", "no-result"),
    ]  # fmt: skip
    assert {entry["commit"] for entry in entries} == {tip}
    assert {(entry["plan"], entry["step"], entry["dry_run"]) for entry in entries} == {
        (done, "s1", False)
    }
    assert [entry["exit"] is not None for entry in entries] == [False, True, False, False, False]
    assert [entry["tool"] for entry in audit(here, "--failed", "-n", "2", "1")] == [
        "read_file", "ask",
    ]  # fmt: skip
    assert len(audit(here, "--tool", "bash", "--run", entries[0]["run"])) == 1
    assert {entry["trace_id"] for entry in entries} == {spans.trace_id(entries[0]["run"])}
    assert len({entry["tool_use_id"] for entry in entries}) == 5
    assert audit(here, "--run", "another") == []
    here("rollback")
    hidden = here("audit")
    assert hidden.out == ""
    assert "5 calls of attempts that were rolled back: git orch audit --all" in hidden.err
    assert [entry["rolled_back"] for entry in audit(here, "--all")] == [True] * 5
    assert here("audit", "--all").out.count("rolled back") == 5


def test_an_unwritable_audit_warns_and_ends_no_run(here: Here, model_server: ModelServer) -> None:
    """S1-146: a file stands where each directory is to be."""
    plan = here.plan(PLAN)
    store = here.repo.path / ".git/orch"
    for name in KEPT:
        (store / name).write_text("")
    model_server.script(turn(CALLS[0]), turn(tool("step_done", summary="Done.")))
    said = here("exec", plan).err
    assert said.count("warning: ") == 4
    assert f"warning: the conversation with the model cannot be kept: '{store}/traces" in said
    assert here.show(plan)["state"] == "COMPLETE"


def test_what_has_to_be_recorded_ends_a_run_that_cannot(
    here: Here, model_server: ModelServer
) -> None:
    plan = here.plan(PLAN)
    spool = here.repo.path / ".git/orch/spool"
    spool.write_text("")
    assert f"cannot write '{spool}" in here("exec", plan, expect=128).err
    assert model_server.calls == []


def test_the_model_that_plans_is_in_the_audit_of_its_plan(
    here: Here, model_server: ModelServer
) -> None:
    (here.repo.path / "README").write_text("read me\n")
    here.repo.git("add", "README")
    here.repo.git("commit", "-qm", "readme")
    reply = json.dumps({"title": "T", "steps": [{"title": "a", "run": "true"}]})
    model_server.script(
        turn(tool("read_file", path="README")), turn({"type": "text", "text": reply})
    )
    here("plan", "do it")
    [entry] = audit(here)
    assert (entry["step"], entry["tool"], entry["verdict"]) == (None, "read_file", "done")
    assert here("audit").out.split()[1] == "plan"
