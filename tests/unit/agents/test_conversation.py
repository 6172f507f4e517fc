"""The tool loop, through the real SDK, with real tools: how it goes on and every way in which it
ends.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from model_server import Fault, ModelServer, status, text, thinking, tool, turn

from git_orch import errors
from git_orch.agents import (
    conversation,
    exchange,
    messages,
    prices,
    reports,
    tool_definitions,
    toolbox,
)
from git_orch.sandbox.walls import launcher

DONE = tool("step_done", summary="did it")
BRIEF = conversation.Brief(
    "claude-sonnet-5-5", "be careful", "the plan", "the step", window=1_000_000
)


class Work:
    """A conversation about a worktree, and what it reported."""

    def __init__(self, model: messages.MessagesModel, place: toolbox.Place) -> None:
        self.model = model
        self.place = place
        self.calls: list[exchange.Call] = []
        self.events: list[reports.Event] = []
        self.saved: list[tuple[exchange.Message, ...]] = []

    def ending(
        self,
        allowed: str = "all",
        stop: threading.Event | None = None,
        resumed: conversation.Resumed | None = None,
        **brief: Any,
    ) -> conversation.Ending:
        """Work until the end."""
        box = toolbox.Toolbox(self.place, tool_definitions.permissions(allowed))
        return conversation.converse(
            dataclasses.replace(BRIEF, **brief), self.model, box,
            on_call=self.calls.append, report=self.events.append, stop=stop,
            resumed=resumed, save=self.saved.append,
        )  # fmt: skip


@pytest.fixture
def work(model_server: ModelServer, tmp_path: Path) -> Iterator[Work]:
    (tmp_path / "worktree").mkdir()
    home = launcher.Launcher(dict(os.environ), tmp_path / "home")
    patience = messages.Patience(wait=lambda _: False)
    with messages.MessagesModel(prices.load(), patience=patience) as model:
        yield Work(model, toolbox.Place(tmp_path / "worktree", tmp_path / "outputs", home))


Script = Callable[..., None]


@pytest.fixture
def script(model_server: ModelServer) -> Script:
    """Replies in order, each given by its blocks."""

    def add(*replies: list[dict[str, Any]]) -> None:
        model_server.script(*[turn(*blocks) for blocks in replies])

    return add


def bash(command: str) -> dict[str, Any]:
    return tool("bash", command=command, reason="to see")


# -- going on --------------------------------------------------------------------------------------


def test_a_step_is_worked_on_until_it_is_done(
    work: Work, script: Script, model_server: ModelServer
) -> None:
    """S1-122, S1-125: the step's context is sent, the tools' effects are real."""
    script(
        [
            thinking("let me see"),
            text("I write it"),
            tool("write_file", path="a.txt", content="one\n"),
        ],
        [bash("cat a.txt && echo two >> a.txt")],
        [tool("read_file", path="a.txt")],
        [DONE],
    )

    assert work.ending() == conversation.Ending("done", "did it", 4)

    assert (work.place.worktree / "a.txt").read_text() == "one\ntwo\n"
    first, *_, last = model_server.calls
    assert first.system == "be careful"
    assert [block["text"] for block in first.messages[0]["content"]] == ["the plan", "the step"]
    assert last.said() == "[a.txt: 2 lines]\n1\tone\n2\ttwo"


def test_a_reply_is_sent_back_as_it_came(work: Work, model_server: ModelServer) -> None:
    blocks = [
        thinking("hmm"),
        text("so"),
        tool("read_file", path="."),
        {"type": "hologram", "x": 1},
    ]
    model_server.script(turn(*blocks, stop_reason="tool_use"), turn(DONE))

    work.ending()

    assert model_server.calls[1].messages[1] == {"role": "assistant", "content": blocks}


def test_all_calls_of_a_reply_are_answered_in_order_in_one_message(
    work: Work, script: Script, model_server: ModelServer
) -> None:
    """S1-132."""
    asked = [bash("echo one"), tool("nonsense"), bash("echo three")]
    script(asked, [DONE])

    work.ending()

    answers = model_server.calls[1].messages[-1]["content"]
    assert [answer["tool_use_id"] for answer in answers] == [call["id"] for call in asked]
    assert [answer["type"] for answer in answers] == ["tool_result"] * 3
    assert [answer["content"].strip().rpartition("\n")[2] for answer in answers[::2]] == [
        "one",
        "three",
    ]


@pytest.mark.parametrize(
    "call",
    [
        bash("exit 3"),
        tool("bash_command"),
        tool("read_file"),
        tool("read_file", path=7),
        tool("read_file", path="/x"),
    ],
    ids=[
        "command fails",
        "unknown tool",
        "missing argument",
        "argument of another type",
        "path outside",
    ],
)
def test_an_error_of_a_tool_goes_to_the_model_which_goes_on(
    work: Work, script: Script, model_server: ModelServer, call: dict[str, Any]
) -> None:
    """S1-128, S1-129, S1-130."""
    script([call], [bash("echo better > a.txt")], [DONE])

    assert work.ending().outcome == "done"

    first, second = (request.messages[-1]["content"][0] for request in model_server.calls[1:])
    assert first["is_error"] is True
    assert "is_error" not in second
    assert (work.place.worktree / "a.txt").read_text() == "better\n"


def test_a_tool_that_is_not_permitted_is_refused_though_the_model_asks(
    work: Work, script: Script, model_server: ModelServer
) -> None:
    """S1-135."""
    (work.place.worktree / "a.txt").write_text("canary")
    script([tool("read_file", path="a.txt")], [DONE])

    work.ending(allowed="none")

    assert [offer["name"] for offer in model_server.calls[0].body["tools"]] == [
        "step_done",
        "step_failed",
        "ask",
    ]
    assert "canary" not in str(model_server.calls[1].body)
    assert model_server.calls[1].messages[-1]["content"][0]["is_error"] is True


def test_a_paused_turn_is_sent_back_unchanged(work: Work, model_server: ModelServer) -> None:
    paused = [
        text("searching"),
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}},
    ]
    model_server.script(turn(*paused, stop_reason="pause_turn"), turn(text("found")))

    assert work.ending() == conversation.Ending("done", "found", 2)

    assert model_server.calls[1].messages[-1] == {"role": "assistant", "content": paused}


def test_done_beside_a_failure_is_not_done(
    work: Work, script: Script, model_server: ModelServer
) -> None:
    script([bash("false"), DONE], [tool("step_done", summary="now")])

    assert work.ending().summary == "now"

    assert "look at its result first" in model_server.calls[1].said()


# -- taken up --------------------------------------------------------------------------------------

ASK = tool("ask", question="a or b?")


def test_a_question_goes_on_with_its_answer(
    work: Work, script: Script, model_server: ModelServer
) -> None:
    script([thinking("hm"), tool("write_file", path="a.txt", content="a"), ASK])
    assert work.ending() == conversation.Ending("asked", "a or b?", 1)
    script([DONE])
    resumed = conversation.Resumed(work.saved[-1], "b, please", "It goes on.")
    assert work.ending(resumed=resumed).outcome == "done"
    results = model_server.calls[1].messages[-1]["content"]
    assert [block.get("is_error", False) for block in results] == [False, False, False]
    assert "b, please" in results[1]["content"]
    assert results[2]["text"] == "It goes on."
    assert len(model_server.calls[1].messages) == 3


def test_a_call_whose_result_nobody_saw_is_answered_as_lost(
    work: Work, script: Script, model_server: ModelServer
) -> None:
    stop = threading.Event()
    script([bash("true"), bash("sleep 60")])
    threading.Timer(1.0, stop.set).start()
    assert work.ending(stop=stop).outcome == "stopped"
    script([DONE])
    work.ending(resumed=conversation.Resumed(work.saved[-1], None, "It goes on."))
    seen, lost, _ = model_server.calls[1].messages[-1]["content"]
    assert "exit 0" in seen["content"]
    assert "interrupted" in lost["content"]
    assert lost["is_error"]


# -- endings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence"])
def test_a_reply_without_tools_ends_with_its_text(
    work: Work, model_server: ModelServer, reason: str
) -> None:
    """S1-133."""
    model_server.script(turn(text("all is well"), stop_reason=reason))

    assert work.ending() == conversation.Ending("done", "all is well", 1)


def test_a_reply_without_anything_has_no_summary(work: Work, model_server: ModelServer) -> None:
    model_server.script(turn())

    assert work.ending() == conversation.Ending("no-summary", "", 1)


def test_a_refusal_ends_with_its_explanation(work: Work, model_server: ModelServer) -> None:
    """S1-133."""
    model_server.script(
        turn(stop_reason="refusal", stop_details={"type": "refusal", "explanation": "not this"})
    )

    assert work.ending() == conversation.Ending("refused", "not this", 1)


def test_a_full_window_ends(work: Work, model_server: ModelServer) -> None:
    model_server.script(turn(text("and"), stop_reason="model_context_window_exceeded"))

    assert work.ending().outcome == "context-full"


def test_a_stop_reason_nobody_knows_ends_without_running_tools(
    work: Work, model_server: ModelServer
) -> None:
    model_server.script(turn(bash("touch made"), stop_reason="tea_break"))

    ending = work.ending()

    assert ending.outcome == "unknown-stop"
    assert "'tea_break'" in ending.summary
    assert not (work.place.worktree / "made").exists()


def test_a_reply_that_was_too_long_is_dropped_and_its_tools_do_not_run(
    work: Work, model_server: ModelServer
) -> None:
    """S1-133."""
    long = turn(text("so"), bash("touch made"), stop_reason="max_tokens")
    model_server.script(long, turn(DONE))

    assert work.ending().outcome == "done"

    assert not (work.place.worktree / "made").exists()
    assert len(model_server.calls[1].messages) == 1
    assert "was cut off and is lost" in model_server.calls[1].said()


def test_two_replies_in_a_row_that_were_too_long_end_it(
    work: Work, model_server: ModelServer
) -> None:
    model_server.script(turn(bash("touch made"), stop_reason="max_tokens", repeat=2))

    ending = work.ending()

    assert (ending.outcome, ending.turns) == ("truncated", 2)
    assert not (work.place.worktree / "made").exists()


def test_the_number_of_turns_is_limited_and_work_is_kept(
    work: Work, model_server: ModelServer
) -> None:
    """S1-131: with the limit of the brief."""
    model_server.default = lambda body: {
        "content": [bash(f"touch {len(body['messages'])}")], "stop_reason": "tool_use",
        "model": body["model"]
    }  # fmt: skip

    ending = work.ending(max_turns=5)

    assert ending == conversation.Ending("turn-limit", "not done after 5 turns", 5)
    assert len(model_server.calls) == 5
    assert len(os.listdir(work.place.worktree)) == 5


def test_the_model_is_told_when_its_turns_run_out(work: Work, model_server: ModelServer) -> None:
    model_server.script(*[turn(bash(f"touch {number}")) for number in range(20)])

    work.ending(max_turns=20)

    told = [
        number
        for number, call in enumerate(model_server.calls, start=1)
        if "turns are left" in call.said()
    ]
    assert told == [17, 20]  # the answers to turns 16 and 19: at 80 and at 95 percent
    assert "4 of 20 turns are left" in model_server.calls[16].said()


def test_a_failing_provider_is_not_an_ending(work: Work, model_server: ModelServer) -> None:
    model_server.script(turn(DONE, faults=[status(401, "authentication_error")]))

    with pytest.raises(errors.ProviderFailed):
        work.ending()


def test_a_stop_between_two_tools_ends_it(work: Work, script: Script) -> None:
    stop = threading.Event()
    script([bash("touch one"), bash("touch two")])

    def stop_after_a_tool(event: reports.Event) -> None:
        if isinstance(event, reports.Used):
            stop.set()

    ending = conversation.converse(
        BRIEF,
        work.model,
        toolbox.Toolbox(work.place, tool_definitions.PERMISSIONS),
        on_call=work.calls.append,
        report=stop_after_a_tool,
        stop=stop,
    )

    assert ending.outcome == "stopped"
    assert os.listdir(work.place.worktree) == ["one"]


# -- going round in circles ------------------------------------------------------------------------


def test_the_same_call_four_times_is_a_nudge_and_then_stuck(
    work: Work, model_server: ModelServer
) -> None:
    model_server.script(turn(bash("ls"), repeat=None))

    ending = work.ending()

    assert ending == conversation.Ending(
        "stuck",
        f"the model kept calling bash with the same result: {ending.summary.rpartition(': ')[2]}",
        8,
    )
    nudged = [
        number
        for number, call in enumerate(model_server.calls)
        if "You are repeating yourself" in call.said()
    ]
    assert nudged == [4]


def test_the_same_error_three_times_is_a_nudge_and_then_stuck(
    work: Work, model_server: ModelServer
) -> None:
    model_server.script(
        *[turn(tool("read_file", path="missing", offset=number + 1)) for number in range(9)]
    )

    assert (work.ending().outcome, len(model_server.calls)) == ("stuck", 6)
    assert "You are repeating yourself" in model_server.calls[3].said()


def test_the_same_command_with_other_results_is_work(work: Work, model_server: ModelServer) -> None:
    model_server.script(turn(bash("echo x >> log; cat log"), repeat=12), turn(DONE))

    assert work.ending().outcome == "done"


# -- room ------------------------------------------------------------------------------------------


def test_old_results_are_left_out_in_one_batch_when_the_window_fills(
    work: Work, model_server: ModelServer
) -> None:
    (work.place.worktree / "big").write_text("x" * 900 + "\n")
    full = {"input_tokens": 100, "cache_read_input_tokens": 5900}
    model_server.script(
        *[turn(tool("read_file", path="big", limit=number + 1)) for number in range(18)],
        turn(tool("read_file", path="."), usage=full),
        turn(DONE),
    )

    work.ending(window=10_000)

    before, after = (
        [
            block["content"]
            for message in call.messages
            for block in message["content"]
            if block["type"] == "tool_result"
        ]
        for call in model_server.calls[-2:]
    )
    assert not any("left out" in content for content in before)
    assert [("left out" in content) for content in after] == [True] * 13 + [False] * 6


def test_little_room_is_not_worth_a_new_cache(work: Work, model_server: ModelServer) -> None:
    full = {"input_tokens": 9000}
    model_server.script(
        *[turn(bash(f"echo {number}"), usage=full) for number in range(12)], turn(DONE)
    )

    work.ending(window=10_000)

    assert "left out" not in str(model_server.calls[-1].body)


# -- what is reported ------------------------------------------------------------------------------


def test_every_call_is_counted_before_its_tools_run(work: Work, script: Script) -> None:
    """S1-072: usage verbatim, of tries that failed too."""
    script([bash("touch made")])
    seen: list[bool] = []
    box = toolbox.Toolbox(work.place, tool_definitions.PERMISSIONS)

    conversation.converse(
        dataclasses.replace(BRIEF, max_turns=1),
        work.model,
        box,
        on_call=lambda call: seen.append(
            (work.place.worktree / "made").exists() or call.stop_reason != "tool_use"
        ),
    )

    assert seen == [False]
    assert (work.place.worktree / "made").exists()


def test_a_try_that_was_cut_is_counted_too(work: Work, model_server: ModelServer) -> None:
    model_server.script(turn(DONE, faults=[Fault("cut", events=4)], usage={"input_tokens": 7}))

    work.ending()

    assert [(call.stop_reason, call.usage["input_tokens"]) for call in work.calls] == [
        (None, 100),
        ("tool_use", 7),
    ]


def test_what_happens_is_reported_in_order(work: Work, model_server: ModelServer) -> None:
    model_server.script(
        turn(text("hi"), tool("read_file", path="."), faults=[status(529, "overloaded_error")]),
        turn(DONE),
    )

    work.ending()

    kinds = [type(event).__name__ for event in work.events]
    assert kinds == [
        "Sent",
        "Waiting",
        "Text",
        "Text",
        "Replied",
        "Used",
        "Sent",
        "Replied",
        "Used",
    ]
    assert [event.turn for event in work.events] == [1] * 6 + [2] * 3
    sent = [event for event in work.events if isinstance(event, reports.Sent)]
    assert [message["role"] for message in sent[1].messages] == ["assistant", "user"]
