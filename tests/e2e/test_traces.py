"""What a run asks its models is recorded, shown, and replayed without a model."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from conftest import Here, data
from model_server import KEY, ModelServer, text, tool, turn

PLAN: dict[str, Any] = {
    "title": "Hello",
    "objective": "People are greeted.",
    "steps": [
        {
            "title": f"Write {name}",
            "prompt": f"Write {name}.txt",
            "paths": [f"{name}.txt"],
            "depends_on": [],
            "checks": [
                {"review": "It is short.", "model": "claude-haiku-4-5"},
                {"command": "true"},
            ],
        }
        for name in ("one", "two")
    ],
}


def write(name: str) -> dict[str, Any]:
    return tool("write_file", path=f"{name}.txt", content=f"{name}\n")


LOOK = tool("bash", command="ls; date -u +%Y", reason="to see what is here")
DONE = tool("step_done", summary="Wrote it.")
GOOD = json.dumps({"passed": True, "reasons": []})


@pytest.fixture(params=["1", "2"], ids=["one by one", "at the same time"])
def jobs(request: pytest.FixtureRequest) -> str:
    """How many steps run at the same time."""
    return str(request.param)


def record(here: Here, model_server: ModelServer, jobs: str = "1") -> str:
    """A plan that was run and recorded."""
    for number, name in enumerate(("one", "two"), 1):
        mine = {"contains": f"Your step is number {number}:"}
        model_server.script(turn(LOOK, write(name), match=mine), turn(DONE, match=mine))
    model_server.script(turn(text(GOOD), match={"model": "claude-haiku-4-5"}, repeat=2))
    plan = here.plan(PLAN)
    here("exec", plan, "--record", "-j", jobs)
    return plan


@pytest.fixture
def recorded(here: Here, model_server: ModelServer) -> str:
    return record(here, model_server)


def tape(here: Here) -> Path:
    [path] = (here.repo.path / ".git/orch/tapes").glob("*/*.jsonl")
    return path


def tree(here: Here, plan: str) -> str:
    return here.repo.git("rev-parse", f"orch/{plan}^{{tree}}")


def test_a_replay_asks_no_model_and_gives_the_same_trees(
    here: Here, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    """S1-096, S1-255: without a key and a network, and for nothing."""
    recorded = record(here, model_server, jobs)
    asked, before = len(model_server.calls), tree(here, recorded)
    spent = here.show(recorded)["usd"]
    here("rollback", recorded)
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    (here.repo.path / ".git/orch/verdicts").rename(here.repo.path / ".git/orch/verdicts.away")

    here("exec", recorded, "--replay", "-j", jobs, "--max-usd", "0.000001")

    assert tree(here, recorded) == before
    assert len(model_server.calls) == asked
    assert here.show(recorded)["usd"] == spent


def test_each_request_and_its_reply_are_lines_of_a_private_file(
    here: Here, recorded: str, model_server: ModelServer
) -> None:
    """S1-271, S1-274 and S1-275."""
    path = tape(here)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    events = [entry["event"] for entry in entries]
    assert events.count("request") == events.count("reply") == len(model_server.calls) == 6
    assert len({entry["trace_id"] for entry in entries}) == 1
    assert len({entry["span_id"] for entry in entries}) == 6
    sent = [call.body for call in model_server.calls]
    assert [entry["request"] for entry in entries if entry["event"] == "request"] == sent
    assert KEY not in path.read_text()
    audited = data(here("audit", recorded, "--json").out)
    asking = {entry["span_id"] for entry in entries if "tool_use" in str(entry.get("content"))}
    assert {call["span_id"] for call in audited} == asking
    assert {call["trace_id"] for call in audited} == {entries[0]["trace_id"]}
    shown = data(here("trace", recorded, "2", "--json").out)
    assert {entry["step"] for entry in shown} == {"s2"}
    assert len(shown) == 6


def test_a_replay_stops_at_the_first_request_that_differs(here: Here, recorded: str) -> None:
    here("rollback", recorded)
    first, second = PLAN["steps"]
    changed = {**PLAN, "steps": [{**first, "prompt": "Write another file"}, second]}
    here("edit", recorded, "--from", "-", stdin=json.dumps(changed))
    failed = here("exec", recorded, "--replay", expect=3)
    assert "trace: Write one.txt" in failed.err
    assert "now:   Write another file" in failed.err


def test_a_trace_goes_to_another_clone(here: Here, recorded: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_text(here("trace", recorded, "--raw").out)
    before = tree(here, recorded)
    here("rollback", recorded)
    shutil.rmtree(here.repo.path / ".git/orch/tapes")
    assert "was recorded on this machine" in here("exec", recorded, "--replay", expect=5).err
    here("exec", recorded, "--replay", str(copy))
    assert tree(here, recorded) == before


@pytest.mark.parametrize("place", ["/dev/null", "./fifo.jsonl", "./", "./no.jsonl"])
def test_what_is_no_file_is_no_trace(here: Here, recorded: str, place: str) -> None:
    os.mkfifo(here.repo.path / "fifo.jsonl")
    here("rollback", recorded)
    code = 5 if "no." in place else 2
    assert "error: " in here("exec", recorded, "--replay", place, expect=code).err
    assert "error: " in here("trace", recorded, "--run", place, expect=code).err


def test_without_the_option_nothing_is_recorded(here: Here, model_server: ModelServer) -> None:
    """S1-279."""
    model_server.script(turn(write("one")), turn(DONE))
    plan = here.plan({**PLAN, "steps": [{**PLAN["steps"][0], "checks": []}]})
    here("exec", plan)
    assert not (here.repo.path / ".git/orch/tapes").exists()
    assert "exec" in here("trace", plan, expect=5).err
