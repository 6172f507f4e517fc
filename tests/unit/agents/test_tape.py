"""Tapes: what counts in a request, and what a file may hold."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.agents import exchange, spans, tape, trace
from git_orch.agents.conversation import Model
from git_orch.plans.document import BadDocument

REQUEST: dict[str, Any] = {
    "model": "m",
    "system": "You work.",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "<step %s>\nDo it\n</step %s>"}]}
    ],
    "max_tokens": 5,
}


def said(text: str, **changed: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": [{"type": "text", "text": text}]}]
    return {**REQUEST, "messages": messages, **changed}


MARK = "0123456789abcdef"


def printed(text: str) -> dict[str, Any]:
    """A request with what a command printed for the model."""
    call = {"type": "tool_use", "id": "t1", "name": "bash", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": text}
    messages = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    return {**REQUEST, "messages": messages}


def quoted(text: str) -> dict[str, Any]:
    """A request with what a failing check printed."""
    return said(f"These fail.\n<failing {MARK}>\n{text}\n</failing {MARK}>")


TIMES = [
    ("[exit 0 after 0.2 s]", "[exit 0 after 13.7 s]"),
    ("3 passed in 0.02s", "3 passed in 1.5s"),
    ("at 2026-11-20T12:00:07Z", "at 2027-01-01T00:00:00.5+01:00"),
    ("12:00:07 built", "23:59:59.123 built"),
    ("commit 89a316d5ee", "commit 0000000abc"),
]


@pytest.mark.parametrize(("one", "other"), TIMES)
@pytest.mark.parametrize("within", [printed, quoted])
def test_times_that_a_command_printed_do_not_count(
    one: str, other: str, within: Callable[[str], dict[str, Any]]
) -> None:
    assert tape.key_of(within(one)) == tape.key_of(within(other))


@pytest.mark.parametrize(("one", "other"), TIMES)
def test_times_that_a_person_or_a_file_says_count(one: str, other: str) -> None:
    def read(text: str) -> dict[str, Any]:
        document = json.loads(json.dumps(printed(text)))
        document["messages"][0]["content"][0]["name"] = "read_file"
        return dict(document)

    assert tape.key_of(said(one)) != tape.key_of(said(other))
    assert tape.key_of(read(one)) != tape.key_of(read(other))


def test_delimiters_and_the_longest_reply_do_not_count() -> None:
    one, other = f"<step {MARK}>\nDo it", "<step fedcba9876543210>\nDo it"
    assert tape.key_of(said(one)) == tape.key_of(said(other, max_tokens=9))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Do it", "Do that"),
        ("2 passed", "3 passed"),
        ("<step>", "<plan>"),
        ("v1.2", "v1.3"),
        ("a\nb", "a b"),
    ],
)
def test_what_is_said_counts(one: str, other: str) -> None:
    assert tape.key_of(said(one)) != tape.key_of(said(other))
    assert tape.key_of(said(one)) != tape.key_of(said(one, system="You play."))


def line(event: str, span: str = "1", **fields: Any) -> bytes:
    return json.dumps({"event": event, "span_id": span, "key": "k", **fields}).encode()


CALL = {"model": "m", "usage": {"input_tokens": 7}, "stop_reason": "end_turn"}
BLOCKS = [{"type": "text", "text": "hello"}]


def test_a_reply_comes_back_as_it_was_and_costs_nothing() -> None:
    lines = [line("request", request=REQUEST), line("reply", content=BLOCKS, call=CALL)]
    [spoken] = tape.read(lines)
    assert spoken.reply.text == "hello"
    assert spoken.reply.stop_reason == "end_turn"
    assert set(spoken.reply.call.usage.values()) == {0}


@pytest.mark.parametrize(
    "lines",
    [
        [b"no JSON"],
        [b"[]"],
        [b"{}"],
        [line("request"), line("reply", content="x", call=CALL)],
        [line("request"), line("reply", content=["x"], call=CALL)],
        [line("request"), line("reply", content=BLOCKS)],
        [line("request"), line("reply", content=BLOCKS, call={})],
        [b"[" * 100_000],
    ],
)
def test_a_file_that_is_no_tape_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(BadDocument):
        [*tape.read(lines)]


@given(st.lists(st.binary()))
def test_any_text_is_a_tape_or_is_refused(lines: list[bytes]) -> None:
    with contextlib.suppress(BadDocument):
        assert isinstance([*tape.read(lines)], list)


def test_the_line_that_a_killed_run_was_writing_is_left_out() -> None:
    whole = [line("request", request=REQUEST), line("reply", content=BLOCKS, call=CALL)]
    assert len([*tape.read([*whole, whole[0][:40]])]) == 1
    with pytest.raises(BadDocument):
        [*tape.read([whole[0], whole[1][:40], whole[0]])]


def test_signs_that_end_a_line_elsewhere_stay_in_a_reply() -> None:
    block = [{"type": "text", "text": "one\u2028two\x85three"}]
    raw = json.dumps({"event": "reply", "span_id": "1", "content": block, "call": CALL})
    written = json.dumps(json.loads(raw), ensure_ascii=False).encode()
    [spoken] = tape.read([line("request", request=REQUEST), written])
    assert spoken.reply.text == "one\u2028two\x85three"


def asked(text: str = "Do it") -> exchange.Request:
    return exchange.Request("m", "You work.", (exchange.user(text),), 5)


def body(request: exchange.Request) -> dict[str, object]:
    return exchange.parameters(request, adaptive=False)


def lines(span: str, reply: str, text: str = "Do it", **more: Any) -> list[bytes]:
    block = [{"type": "text", "text": reply}]
    return [
        line("request", span, request=body(asked(text))),
        line("reply", span, content=block, call=CALL, **more),
    ]


def model_of(tape_lines: list[bytes]) -> Model:
    named = tape.Named("the trace 'it'", "git orch exec")
    player = tape.Player(tape.read(tape_lines), named, tape.Reading(body, lambda value: value))
    nobody: Any = None
    return player.model(nobody, tape.About("r", "s1", "a"))


def test_each_reply_answers_once_and_equal_requests_in_their_order() -> None:
    model = model_of([*lines("1", "first"), *lines("2", "second")])
    assert [model.reply(asked()).text, model.reply(asked()).text] == ["first", "second"]
    with pytest.raises(tape.Differs, match="which is at its end"):
        model.reply(asked())


def test_a_reply_without_its_secret_is_no_answer() -> None:
    """S1-277: a file would get the mark in the place of what the model wrote."""
    model = model_of(lines("1", "first", redacted=True))
    with pytest.raises(tape.Differs, match="held a secret"):
        model.reply(asked())


def after(*steps: str) -> str:
    told = "".join(f"- {step}\n  wrote it\n" for step in steps).rstrip("\n")
    done = f"Done so far:\n<done {MARK}>\n{told}\n</done {MARK}>\n\n" if steps else ""
    return f"{done}Do it"


@pytest.mark.parametrize("now", [(), ("one",), ("two",), ("one", "two", "three")])
def test_steps_may_land_in_another_order_than_when_they_were_recorded(now: tuple[str, ...]) -> None:
    model = model_of(lines("1", "first", after("one", "two")))
    assert model.reply(asked(after(*now))).text == "first"


def test_a_step_that_did_something_else_counts() -> None:
    model = model_of(lines("1", "first", after("one")))
    with pytest.raises(tape.Differs, match="wrote more"):
        model.reply(asked(after("one").replace("wrote it", "wrote more")))


def test_the_request_after_the_same_steps_is_answered_first() -> None:
    model = model_of([*lines("1", "alone", after()), *lines("2", "after one", after("one"))])
    assert model.reply(asked(after("one"))).text == "after one"


class Scripted:
    """A model that writes a secret into a file after a try that was lost."""

    def reply(
        self,
        request: exchange.Request,  # noqa: ARG002
        *,
        on_text: Callable[[str], None] | None = None,  # noqa: ARG002
        on_lost: Callable[[exchange.Call], None] | None = None,  # noqa: ARG002
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,  # noqa: ARG002
    ) -> exchange.Reply:
        """The reply."""
        if on_wait is not None:
            on_wait(1.0, "busy")
        call = {"type": "tool_use", "id": "t", "name": "write_file", "input": {"content": SECRET}}
        return exchange.Reply((call,), exchange.Call("m", {}, None, 0.1, "tool_use"))


SECRET = "correct-horse-battery"


def test_a_secret_is_in_no_line_and_each_try_has_one(tmp_path: Path) -> None:
    """S1-271 and S1-277."""
    path = tmp_path / "run.jsonl"

    def opened(run: str) -> trace.Trace:
        return trace.Trace(path, {"run": run}, secrets=[SECRET])

    recorder = tape.Recorder(opened, body)
    model = recorder.model(Scripted(), tape.About("r", "s1", "a"))
    model.reply(asked(f"The password is {SECRET}."))
    model.reply(asked())
    recorder.close()
    assert SECRET not in path.read_text()
    found = [json.loads(written) for written in path.read_bytes().splitlines()]
    assert [entry["event"] for entry in found] == ["request", "retry", "reply"] * 2
    assert [entry.get("redacted") for entry in found if entry["event"] == "reply"] == [True, True]
    assert [entry["span_id"] for entry in found] == [
        spans.span_id("a", turn) for turn in (1, 1, 1, 2, 2, 2)
    ]
