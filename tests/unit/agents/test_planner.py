"""A task becomes a plan: one call, one repair, and what can go wrong, through the real SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from model_server import ModelServer, message, text, turn

from git_orch import errors
from git_orch.agents import exchange, messages, planner, prices, prompts

QUESTION = planner.Question("build a REST API", {"Commands": "git"}, "claude-sonnet-5-5", "d3l1m")
PLAN = json.dumps({"title": "An API", "steps": [{"title": "Write { it }"}]})


@pytest.fixture
def model(model_server: ModelServer) -> Iterator[messages.MessagesModel]:
    with messages.MessagesModel(prices.load()) as opened:
        yield opened


def read(raw: str) -> dict[str, object] | list[str]:
    """A reader that wants a title."""
    try:
        document: dict[str, object] = json.loads(raw)
    except json.JSONDecodeError as error:
        return [f"not JSON: {error}"]
    return document if "title" in document else ["title: missing"]


def draft(
    model: messages.MessagesModel, question: planner.Question = QUESTION
) -> dict[str, object]:
    return planner.draft(question, model, read=read, on_call=lambda _: None).value


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
        planner.draft(QUESTION, model, read=read, on_call=calls.append)

    assert [call.usage["input_tokens"] for call in calls] == [5, 5]


@pytest.mark.parametrize("task", ["日本語のタスク", "x" * 200_000], ids=["other script", "200 KB"])
def test_any_task_is_sent_whole(
    model: messages.MessagesModel, model_server: ModelServer, task: str
) -> None:
    """S1-111."""
    model_server.script(turn(text(PLAN)))

    draft(model, planner.Question(task, {}, "claude-sonnet-5-5", "d3l1m"))

    assert task in model_server.calls[0].said()
