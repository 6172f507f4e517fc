"""A task becomes a plan: one call, one repair, and what can go wrong, through the real SDK."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest
from model_server import ModelServer, message, text, tool, turn

from git_orch import errors
from git_orch.agents import (
    exchange,
    messages,
    planner,
    prices,
    prompts,
    tool_definitions,
    toolbox,
)
from git_orch.plans.repo_map.sections import Section

QUESTION = planner.Question("build a REST API", {"Commands": "git"}, "claude-sonnet-5-5", "d3l1m")
PLAN = json.dumps({"title": "An API", "steps": [{"title": "Write { it }"}]})


@pytest.fixture
def model(model_server: ModelServer) -> Iterator[messages.MessagesModel]:
    with messages.MessagesModel(prices.load()) as opened:
        yield opened


Document = dict[str, object]


def read(raw: str) -> Document | planner.Flawed[Document]:
    """A reader that wants a title, and finds fault with steps that are none."""
    try:
        document: Document = json.loads(raw)
    except json.JSONDecodeError as error:
        return planner.Flawed([f"not JSON: {error}"])
    if "title" not in document:
        return planner.Flawed(["title: missing"])
    return planner.Flawed(["no steps"], document) if document["steps"] == [] else document


class Looking:
    """Tools that answer what they were asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def definitions(self) -> tuple[exchange.Block, ...]:
        return (tool_definitions.OFFERS["read_file"].definition(),)

    def result(self, call: exchange.ToolCall) -> toolbox.Result:
        self.asked.append(call.input)
        return toolbox.Result(f"it says {call.input}")


def draft(
    model: messages.MessagesModel,
    question: planner.Question = QUESTION,
    *,
    tools: Looking | None = None,
    may_look: bool = True,
) -> Document:
    listeners = planner.Listeners(lambda _: None, None, lambda _: may_look)
    return planner.draft(question, model, read=read, listeners=listeners, tools=tools).value


def test_a_plan_is_asked_for_with_its_form(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    """S1-097, S1-098, S1-101."""
    model_server.script(turn(text(PLAN)))

    assert draft(model) == json.loads(PLAN)

    request = model_server.calls[0]
    assert "task planning assistant" in request.system
    assert "- Commands: git" in request.system
    assert request.said() == "Plan this task:\n<task d3l1m>\nbuild a REST API\n</task d3l1m>"
    assert request.body["output_config"]["format"]["schema"] == prompts.PLAN_REPLY_SCHEMA


@pytest.mark.parametrize(
    "reply",
    [
        PLAN,
        f"```json\n{PLAN}\n```",
        f"Here is the plan {{as asked}}:\n{PLAN}\nHave fun {{}}.",
        f'I thought of {{"title": "x"}} first.\n\n{PLAN}',
    ],
    ids=["plain", "fenced", "prose around it", "another object before it"],
)
def test_json_is_found_in_a_reply(
    model: messages.MessagesModel, model_server: ModelServer, reply: str
) -> None:
    """S1-108."""
    model_server.script(turn(text(reply)))

    assert draft(model) == json.loads(PLAN)


@pytest.mark.parametrize(
    "reply", ["no plan today", "", '{"title": "cut", "steps": [{"title": "x"}', "{" * 2000]
)
def test_a_reply_without_a_plan_is_read_as_it_is(reply: str) -> None:
    assert planner.json_text(reply) == reply


def test_findings_are_sent_back_once(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    """S1-109: the findings by name."""
    model_server.script(turn(text('{"steps": []}')), turn(text(PLAN)))

    assert draft(model) == json.loads(PLAN)

    repair = model_server.calls[1]
    assert repair.messages[1] == {"role": "assistant", "content": [text('{"steps": []}')]}
    assert "- title: missing" in repair.said()


def test_after_one_repair_it_is_an_error_that_keeps_the_reply(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    """S1-108."""
    model_server.script(turn(text("no plan")), turn(text("still no plan")))

    with pytest.raises(planner.NoPlan) as caught:
        draft(model)

    assert caught.value.raw == "still no plan"
    assert caught.value.exit_code == 1
    assert "1 finding after one repair, the first: not JSON" in caught.value.cause
    assert len(model_server.calls) == 2


def test_a_plan_that_was_cut_off_is_an_error_that_keeps_the_reply(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    """S1-110."""
    model_server.script(turn(text('{"title":'), stop_reason="max_tokens"))

    with pytest.raises(planner.NoPlan, match="was cut off") as caught:
        draft(model)

    assert caught.value.raw == '{"title":'
    assert len(model_server.calls) == 1


def test_a_refusal_is_told_with_its_reason(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    """S1-110."""
    model_server.script(
        turn(stop_reason="refusal", stop_details={"type": "refusal", "explanation": "not this"})
    )

    with pytest.raises(errors.ProviderFailed, match="refused to plan this task: not this"):
        draft(model)


def test_every_call_is_counted_even_of_a_plan_that_fails(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.default = lambda _: message(text("no"), usage={"input_tokens": 5})
    calls: list[exchange.Call] = []

    with pytest.raises(planner.NoPlan):
        planner.draft(QUESTION, model, read=read, listeners=planner.Listeners(calls.append))

    assert [call.usage["input_tokens"] for call in calls] == [5, 5]


@pytest.mark.parametrize("task", ["日本語のタスク", "x" * 200_000], ids=["other script", "200 KB"])
def test_any_task_is_sent_whole(
    model: messages.MessagesModel, model_server: ModelServer, task: str
) -> None:
    """S1-111."""
    model_server.script(turn(text(PLAN)))

    draft(model, planner.Question(task, {}, "claude-sonnet-5-5", "d3l1m"))

    assert task in model_server.calls[0].said()


def test_the_map_goes_before_the_task(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(text(PLAN)))
    draft(model, dataclasses.replace(QUESTION, sections=[Section("tree", "The files", "a.py")]))
    seen, task = model_server.calls[0].messages[0]["content"]
    assert seen["text"].endswith("The files:\n<tree d3l1m>\na.py\n</tree d3l1m>")
    assert task["text"].startswith("Plan this task:")


def test_a_model_may_look_before_it_plans(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(
        turn(tool("read_file", path="a"), tool("read_file", path="b")), turn(text(PLAN))
    )
    looking = Looking()
    assert draft(model, tools=looking) == json.loads(PLAN)
    assert looking.asked == [{"path": "a"}, {"path": "b"}]
    assert "it says {'path': 'b'}" in model_server.calls[1].said()
    assert "in at most 12 turns" in model_server.calls[0].system
    assert [offer["name"] for offer in model_server.calls[0].body["tools"]] == ["read_file"]


def test_without_tools_the_model_hears_of_none(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(text(PLAN)))
    draft(model)
    assert "read_file" not in model_server.calls[0].system
    assert "tools" not in model_server.calls[0].body


def test_a_model_that_only_looks_is_told_the_end_and_then_stopped(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(tool("read_file", path="a"), repeat=None))
    looking = Looking()
    with pytest.raises(planner.NoPlan, match="looked at the repository for 12 turns"):
        draft(model, tools=looking)
    assert len(looking.asked) == 12
    assert len(model_server.calls) == 14
    assert "Answer with the plan now" in model_server.calls[12].said()
    assert "Answer with the plan now" not in model_server.calls[11].said()
    assert "no turn left" in model_server.calls[13].said()


def test_where_the_money_is_short_the_model_is_told_to_plan_now(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(tool("read_file", path="a")), turn(text(PLAN)))
    assert draft(model, tools=Looking(), may_look=False) == json.loads(PLAN)
    assert "Answer with the plan now" in model_server.calls[1].said()


@pytest.mark.parametrize("second", ["no plan", '{"title": "x", "steps": []}'])
def test_a_plan_with_findings_serves_where_its_repair_is_worse(
    model: messages.MessagesModel, model_server: ModelServer, second: str
) -> None:
    flawed = '{"title": "x", "steps": []}'
    model_server.script(turn(text(flawed)), turn(text(second)))
    assert draft(model) == json.loads(flawed)
    assert "- no steps" in model_server.calls[1].said()


def test_a_model_without_tools_that_calls_one_makes_no_plan(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(tool("read_file", path="a")))
    with pytest.raises(planner.NoPlan):
        draft(model)
