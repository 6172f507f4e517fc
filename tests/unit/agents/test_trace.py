"""The trace of an attempt."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from git_orch.agents import exchange, reports, toolbox, trace

ABOUT = {"plan": "PLAN-1", "step": "s1", "attempt": "1"}
NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
CALL = exchange.ToolCall(
    "toolu_1", "bash", {"command": "deploy hunter2hunter2", "reason": "to see"}
)


def record(path: Path, *events: reports.Event) -> None:
    with trace.Trace(
        path, ABOUT, secrets=["hunter2hunter2", 'quo"te\nsecret'], clock=lambda: NOON
    ) as opened:
        for event in events:
            opened.record(event)


def recorded(path: Path, *events: reports.Event) -> list[dict[str, Any]]:
    record(path, *events)
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("verdict", ["done", "failed", "timeout", "refused", "invalid"])
def test_every_tool_call_has_a_line(tmp_path: Path, verdict: toolbox.Verdict) -> None:
    """S1-145: time, plan, step, tool, input, verdict, exit, duration."""
    result = toolbox.Result("out", verdict, 3, 1.23456)

    assert recorded(tmp_path / "trace", reports.Used(2, CALL, result)) == [
        {
            "time": "2026-11-20T12:00:00+00:00", **ABOUT, "event": "used", "turn": 2,
            "tool": "bash", "tool_use_id": "toolu_1",
            "input": {"command": "deploy [redacted]", "reason": "to see"}, "verdict": verdict,
            "exit": 3, "seconds": 1.235, "dry_run": False, "result": "out",
        }
    ]  # fmt: skip


def test_messages_replies_and_waits_have_lines(tmp_path: Path) -> None:
    call = exchange.Call("claude-sonnet-5-5", {"input_tokens": 7}, "req_1", 0.5, "end_turn")
    reply = exchange.Reply(({"type": "text", "text": "hi"},), call)

    lines = recorded(
        tmp_path / "trace",
        reports.Sent(1, (exchange.user("hello"),)),
        reports.Waiting(1, 2.5, "busy"),
        reports.Text(1, "h"),
        reports.Replied(1, reply),
    )

    assert [line["event"] for line in lines] == ["sent", "waiting", "replied"]
    assert lines[0]["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "hello"}]}
    ]
    assert lines[2]["call"]["usage"] == {"input_tokens": 7}


def test_no_secret_is_on_any_line_however_json_would_spell_it(tmp_path: Path) -> None:
    words = 'a hunter2hunter2 b quo"te\nsecret c sk-ant-api03-abcdefghijklmnop d'

    recorded(tmp_path / "trace", reports.Sent(1, (exchange.user(words),)))

    written = (tmp_path / "trace").read_text()
    assert "a [redacted] b [redacted] c [redacted] d" in written


def test_the_file_is_its_owners_and_grows(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("")
    path.chmod(0o644)

    recorded(path, reports.Waiting(1, 1, "x"))
    lines = recorded(path, reports.Waiting(2, 1, "x"))

    assert path.stat().st_mode & 0o777 == 0o600
    assert [line["turn"] for line in lines] == [1, 2]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "trace").symlink_to(tmp_path / "elsewhere")

    record(tmp_path / "trace", reports.Waiting(1, 1, "x"))

    assert not (tmp_path / "elsewhere").exists()


def test_text_that_is_not_text_is_written_visibly(tmp_path: Path) -> None:
    assert (
        recorded(tmp_path / "trace", reports.Waiting(1, 1, "half \ud800"))[0]["cause"]
        == "half \ud800"
    )
