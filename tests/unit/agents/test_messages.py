"""The Messages API through the real SDK: what is sent, what comes back, and every way in which it
fails.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from model_server import KEY, Fault, ModelServer, status, text, thinking, tool, turn

from git_orch import errors
from git_orch.agents import exchange, limits, messages, prices
from git_orch.plans import reasons

SONNET = "claude-sonnet-5-5"
OLDER = "claude-haiku-4-5"


class Waits:
    """Waits that are written down instead of waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return False


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def timeout(request: pytest.FixtureRequest) -> float:
    """Seconds without a byte: short where a test is about them, long where a loaded machine must
    not matter.
    """
    name = request.node.name
    if "[timeout]" in name:
        return 0.05
    return 0.5 if "[no answer]" in name or "[stream that stalls]" in name else 60.0


@pytest.fixture
def model(
    model_server: ModelServer, waits: Waits, timeout: float
) -> Iterator[messages.MessagesModel]:
    patience = messages.Patience(timeout=timeout, wait=waits, jitter=lambda: 0.5)
    with messages.MessagesModel(prices.load(), patience=patience) as opened:
        yield opened


def ask(words: str = "hello", **more: object) -> exchange.Request:
    fields: dict[str, object] = {
        "model": SONNET, "system": "be brief", "messages": (exchange.user(words),),
        "max_tokens": 1000
    }  # fmt: skip
    return exchange.Request(**(fields | more))  # type: ignore[arg-type]  # the fields of a request


Attempt = Callable[..., errors.OrchError]


@pytest.fixture
def failure(model: messages.MessagesModel, model_server: ModelServer) -> Attempt:
    """The error of a request that meets these faults."""

    def fails(*faults: Fault) -> errors.OrchError:
        model_server.script(turn(text("too late"), faults=list(faults)))
        with pytest.raises((errors.ProviderFailed, errors.ProviderLimit)) as caught:
            model.reply(ask())
        return caught.value

    return fails


# -- a whole reply ---------------------------------------------------------------------------------


def test_a_reply_holds_its_blocks_verbatim(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    blocks = [
        thinking("hmm"),
        text("I look"),
        tool("read_file", path="a.py", limit=3),
        {"type": "hologram", "x": 1},
    ]
    model_server.script(turn(*blocks))

    reply = model.reply(ask())

    assert [dict(block) for block in reply.content] == blocks
    assert reply.text == "I look"
    assert [(call.name, call.input) for call in reply.tool_calls] == [
        ("read_file", {"path": "a.py", "limit": 3})
    ]
    assert reply.stop_reason == "tool_use"


def test_usage_is_verbatim_with_fields_nobody_knows(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    usage = {
        "input_tokens": 7,
        "output_tokens": 5,
        "cache_creation": {"ephemeral_1h_input_tokens": 3},
        "moon_tokens": 2,
    }
    model_server.script(turn(text("hi"), usage=usage, model="claude-opus-5-5"))

    call = model.reply(ask()).call

    assert {name: call.usage[name] for name in usage} == usage
    assert call.model == "claude-opus-5-5"
    assert call.request_id is not None
    assert call.request_id.startswith("req_")


def test_text_arrives_while_it_is_written(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(text("hello world")))
    heard: list[str] = []

    model.reply(ask(), on_text=heard.append)

    assert len(heard) > 1
    assert "".join(heard) == "hello world"


def test_a_refusal_carries_its_explanation(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "not this"}
    model_server.script(turn(stop_reason="refusal", stop_details=details))

    assert model.reply(ask()).explanation == "not this"


def test_a_large_task_in_any_script_arrives_whole(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    """S1-111."""
    task = "日本語 " * 50_000
    model_server.script(turn(text("ok")))

    model.reply(ask(task))

    assert model_server.calls[0].said() == task


# -- the request -----------------------------------------------------------------------------------


def test_cache_breakpoints_end_the_system_prompt_the_plan_and_the_conversation(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(text("ok")))
    reply = {"role": "assistant", "content": [text("first")]}

    model.reply(
        ask(messages=(exchange.user("the plan", "the step"), reply, exchange.user("one", "two")))
    )

    body = model_server.calls[0].body
    marked = [
        block["text"]
        for part in [body["system"], *(message["content"] for message in body["messages"])]
        for block in part
        if "cache_control" in block
    ]
    assert marked == ["be brief", "the plan", "two"]


def test_the_conversation_itself_is_not_marked(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(text("ok")))
    conversation = (exchange.user("the plan", "the step"),)
    before = json.dumps(conversation)

    model.reply(ask(messages=conversation))

    assert json.dumps(conversation) == before


@pytest.mark.parametrize(
    ("name", "expected"), [(SONNET, {"type": "adaptive", "display": "summarized"}), (OLDER, None)]
)
def test_adaptive_thinking_is_asked_only_of_models_that_take_it(
    model: messages.MessagesModel, model_server: ModelServer, name: str, expected: object
) -> None:
    model_server.script(turn(text("ok")))

    model.reply(ask(model=name))

    assert model_server.calls[0].body.get("thinking") == expected


def test_schema_effort_and_tools_are_sent(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    tools = ({"name": "look", "description": "look", "input_schema": {"type": "object"}},)
    model_server.script(turn(text("{}")))

    model.reply(ask(output_schema=schema, effort="high", tools=tools))

    body = model_server.calls[0].body
    assert body["output_config"] == {
        "format": {"type": "json_schema", "schema": schema},
        "effort": "high",
    }
    assert body["tools"] == list(tools)
    assert "tool_choice" not in body


def test_a_model_without_a_price_is_refused_before_any_call(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    with pytest.raises(errors.UsageError, match="there is no price for model 'gpt-7'"):
        model.reply(ask(model="gpt-7"))

    assert model_server.requests == []


# -- faults that pass ------------------------------------------------------------------------------

PASSING = {
    "429": status(429, "rate_limit_error"),
    "500": status(500),
    "502 with a page": status(502, body="<html>Bad gateway</html>"),
    "503": status(503),
    "504": status(504),
    "529": status(529, "overloaded_error"),
    "408": status(408),
    "409": status(409),
    "400 that asks for it": status(400, headers={"x-should-retry": "true"}),
    "connection dropped": Fault("drop"),
    "connection reset": Fault("reset"),
    "no answer": Fault("hang"),
    "stream that stalls": Fault("stall", events=3),
    "stream cut": Fault("cut", events=5),
    "stream reset": Fault("cut-reset", events=5),
    "stream that ends early": Fault("eof", events=7),
    "stream that ends before it begins": Fault("eof", events=0),
    "overloaded in the stream": Fault("error", type="overloaded_error", events=2),
    "rate limit in the stream": Fault("error", type="rate_limit_error", events=2),
    "unreadable stream": Fault("bad-sse", events=2),
    "unreadable JSON": Fault("json"),
    "empty answer": Fault("empty"),
    "a page instead of an answer": Fault("html"),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_a_fault_that_passes_is_retried(
    model: messages.MessagesModel, model_server: ModelServer, waits: Waits, fault: Fault
) -> None:
    model_server.script(turn(text("whole"), faults=[fault]))

    reply = model.reply(ask())

    assert reply.text == "whole"
    assert len(model_server.calls) == 2
    assert len(waits.seconds) == 1


def test_unreadable_tool_input_is_retried(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    broken = {**tool("read_file"), "raw": '{"path": nonsense'}
    model_server.script(turn(broken), turn(text("better")))

    assert model.reply(ask()).text == "better"


def test_a_try_that_was_cut_is_reported_with_what_it_used(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(
        turn(text("whole"), faults=[Fault("cut", events=3), status(500), Fault("eof", events=3)])
    )
    lost: list[exchange.Call] = []

    model.reply(ask(), on_lost=lost.append)

    assert [(call.usage["input_tokens"], call.stop_reason) for call in lost] == [
        (100, None),
        (100, None),
    ]


def test_a_try_that_was_cut_at_its_end_is_reported_with_its_last_counts(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    # All but message_stop.
    model_server.script(turn(text("whole"), faults=[Fault("cut", events=10)]))
    lost: list[exchange.Call] = []

    model.reply(ask(), on_lost=lost.append)

    assert [call.usage["output_tokens"] for call in lost] == [20]


# -- how long --------------------------------------------------------------------------------------


def test_it_gives_up_after_six_retries(
    failure: Attempt, model_server: ModelServer, waits: Waits
) -> None:
    error = failure(*[status(529, "overloaded_error")] * 9)

    assert len(model_server.calls) == 7
    assert waits.seconds == [1.5, 2.5, 4.5, 8.5, 16.5, 30.5]
    assert "529" in error.cause
    assert "7 tries" in error.cause


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.5),
        ({"retry-after-ms": "300", "retry-after": "9"}, 0.8),
        ({"retry-after": "3600"}, 120.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.5),
        ({"retry-after": "soon"}, 1.5),
    ],
    ids=["seconds", "milliseconds", "an hour is capped", "a date that is past", "nonsense"],
)
def test_the_server_says_how_long_to_wait(
    model: messages.MessagesModel,
    model_server: ModelServer,
    waits: Waits,
    headers: dict[str, str],
    seconds: float,
) -> None:
    model_server.script(turn(text("ok"), faults=[status(429, "rate_limit_error", headers=headers)]))

    model.reply(ask())

    assert waits.seconds == [seconds]


def test_a_call_takes_at_most_a_quarter_of_an_hour(model_server: ModelServer) -> None:
    now = [0.0]

    def wait(seconds: float) -> bool:
        now[0] += seconds + 200  # each try itself takes long
        return False

    model_server.script(
        turn(text("late"), faults=[status(503, headers={"retry-after": "100"})] * 9)
    )
    patience = messages.Patience(wait=wait, jitter=lambda: 0.0, clock=lambda: now[0])
    with (
        messages.MessagesModel(prices.load(), patience=patience) as model,
        pytest.raises(errors.ProviderFailed),
    ):
        model.reply(ask())

    assert len(model_server.calls) == 4
    assert now[0] == 900


def test_each_wait_is_announced_with_its_cause(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(text("ok"), faults=[status(529, "overloaded_error", "busy")]))
    told: list[tuple[float, str]] = []

    model.reply(ask(), on_wait=lambda seconds, cause: told.append((seconds, cause)))

    assert told[0][0] == 1.5
    assert told[0][1].startswith("the model provider is overloaded (529): busy")


# -- faults that do not pass -----------------------------------------------------------------------

FINAL = {
    "400": (
        status(400, "invalid_request_error", "bad field"),
        "did not accept the request (400): bad field",
    ),
    "401": (status(401, "authentication_error"), "did not accept the credentials (401)"),
    "402": (status(402, "billing_error"), "a spend limit at the model provider is reached"),
    "403": (status(403, "permission_error"), "do not permit model 'claude-sonnet-5-5' (403)"),
    "404": (status(404, "not_found_error"), "does not know model 'claude-sonnet-5-5' (404)"),
    "413": (status(413, "request_too_large"), "too large for the model provider (413)"),
    "422": (status(422, "invalid_request_error"), "did not accept the request (422)"),
    "contract": (
        status(429, "rate_limit_error", code="contract_spend_limit_reached"),
        "a spend limit",
    ),
    "enforced": (
        status(429, "rate_limit_error", code="enforced_spend_limit_reached"),
        "a spend limit",
    ),
    "ramp": (status(429, "rate_limit_error", code="ramp_limit_exceeded"), "a spend limit"),
    "own limit": (
        status(400, "invalid_request_error", "You have reached your specified API usage limits."),
        "a spend limit at the model provider is reached: You have reached your specified API usage limits",
    ),
    "529 that says no": (status(529, headers={"x-should-retry": "false"}), "overloaded (529)"),
    "refused in the stream": (
        Fault("error", type="invalid_request_error", events=2),
        "broke off its reply",
    ),
}


@pytest.mark.parametrize("kind", ["html", "empty", "json", "drop", "status"])
def test_a_count_of_tokens_that_fails_is_told_like_a_reply_that_does(
    model: messages.MessagesModel, model_server: ModelServer, kind: str
) -> None:
    model_server.count_fault = Fault(kind)
    with pytest.raises(errors.ProviderFailed):
        model.count(ask())


def test_a_missing_key_is_found_before_a_request(
    model: messages.MessagesModel, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.require_key(SONNET)
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with messages.MessagesModel(prices.load()) as without, pytest.raises(errors.KeyRefused):
        without.require_key(SONNET)
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Api-Key: of-a-gateway")
    with messages.MessagesModel(prices.load()) as through_a_gateway:
        through_a_gateway.require_key(SONNET)
    assert (model_server.requests, model_server.looks) == ([], [])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, None),
        (status(404, "not_found_error", f"model: {SONNET}"), errors.UnknownModel),
        (status(401, "authentication_error", "invalid x-api-key"), errors.KeyRefused),
        (status(404, "not_found_error", "there is no such page"), None),
        (status(404, body="<html>not found</html>"), None),
        (status(401, "auth_error", "this route is not for you"), None),
        (status(403, "permission_error"), None),
        (status(429, "rate_limit_error"), None),
        (status(529, "overloaded_error"), None),
        (Fault("reset"), None),
        (Fault("html"), None),
    ],
    ids=lambda value: getattr(value, "message", None) or getattr(value, "__name__", ""),
)
def test_only_a_clear_answer_says_that_a_model_is_not_there(
    model: messages.MessagesModel,
    model_server: ModelServer,
    answer: Fault | None,
    error: type[errors.OrchError] | None,
) -> None:
    model_server.look_fault = answer
    with pytest.raises(error) if error is not None else contextlib.nullcontext():
        model.require_model(SONNET)
    assert model_server.looks == [SONNET]


def test_a_count_of_tokens_without_credentials_says_how_to_log_in(
    model: messages.MessagesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(errors.ProviderFailed) as failed:
        model.count(ask())
    assert "ANTHROPIC_API_KEY" in failed.value.hint


@pytest.mark.parametrize(("fault", "cause"), FINAL.values(), ids=FINAL.keys())
def test_a_fault_that_stays_is_told_at_once(
    failure: Attempt, model_server: ModelServer, fault: Fault, cause: str
) -> None:
    error = failure(fault)

    assert cause in error.cause
    assert len(model_server.calls) == 1


DISTINCT = {
    "401": status(401, "authentication_error"),
    "404": status(404, "not_found_error"),
    "429": status(429, "rate_limit_error"),
    "500": status(500),
    "529": status(529, "overloaded_error"),
    "in a stream": Fault("error", type="overloaded_error", events=1),
    "timeout": Fault("hang"),
    "cut": Fault("cut", events=4),
    "connection": Fault("reset"),
    "malformed": Fault("html"),
}


@pytest.mark.parametrize("name", DISTINCT)
def test_each_kind_of_failure_has_a_message_and_a_word_of_its_own(
    failure: Attempt, name: str
) -> None:
    """S1-110."""
    expected = {
        "401": ("did not accept the credentials", "no key"),
        "404": ("does not know model", "no model"),
        "429": ("rate limit is reached", "limit"),
        "500": ("the model provider failed (500)", "provider"),
        "529": ("overloaded", "overloaded"),
        "in a stream": ("broke off its reply", "overloaded"),
        "timeout": ("did not answer in time", "no answer"),
        "cut": ("reply was cut off", "cut off"),
        "connection": ("cannot reach the model provider", "unreachable"),
        "malformed": ("not a Messages API reply", "provider"),
    }

    error = failure(*[DISTINCT[name]] * 7)

    cause, word = expected[name]
    assert cause in error.cause
    assert reasons.word(reasons.of(error)) == word
    assert error.exit_code == (4 if word == "limit" else 8)
    assert error.hint


def test_without_credentials_the_hint_says_how_to_log_in(
    failure: Attempt, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")

    error = failure()

    assert error.cause == "no credentials for the model provider"
    assert error.hint == "run 'export ANTHROPIC_API_KEY=...' or 'ant auth login'"
    assert model_server.requests == []


def test_a_server_that_is_not_there_is_told(
    failure: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer() as gone:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", gone.url)

    assert failure().cause.startswith("cannot reach the model provider, 7 tries: ")


def test_an_address_that_is_none_is_told_at_once(
    failure: Attempt, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "localhost")

    assert failure().cause.startswith("the model provider's address is not valid: ")
    assert waits.seconds == []


def test_a_key_never_gets_into_a_message(failure: Attempt) -> None:
    error = failure(
        status(401, "authentication_error", f"invalid key {KEY} in Authorization: Bearer {KEY}")
    )

    assert KEY not in error.cause + error.hint
    assert "[redacted]" in error.cause


def test_a_custom_key_never_gets_into_a_message(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "plain-words-as-a-key")
    model_server.script(
        turn(faults=[status(400, message="plain-words-as-a-key and hunter2hunter2")])
    )
    with (
        messages.MessagesModel(prices.load(), secrets=["hunter2hunter2"]) as model,
        pytest.raises(errors.ProviderFailed) as caught,
    ):
        model.reply(ask())

    assert "(400): [redacted] and [redacted] (request" in caught.value.cause


def test_a_page_of_a_proxy_is_cut_to_a_line(failure: Attempt) -> None:
    error = failure(*[status(502, body="<html>\n" + "Bad gateway\n" * 500)] * 7)

    assert "\n" not in error.cause
    assert len(error.cause) < 500


# -- stopping --------------------------------------------------------------------------------------


def test_a_stop_ends_the_wait_for_a_server_that_says_nothing(model_server: ModelServer) -> None:
    model_server.script(turn(text("never"), faults=[Fault("hang")]))
    stop = threading.Event()

    def stop_when_asked() -> None:
        model_server.arrived.wait()
        stop.set()

    signal = threading.Thread(target=stop_when_asked)
    signal.start()

    with messages.MessagesModel(prices.load()) as model, pytest.raises(exchange.Stopped):
        model.reply(ask(), stop=stop)

    signal.join()


def test_a_stop_in_the_middle_of_a_reply_reports_what_it_used(model_server: ModelServer) -> None:
    model_server.script(turn(text("never"), faults=[Fault("stall", events=4)]))
    stop = threading.Event()
    lost: list[exchange.Call] = []

    with messages.MessagesModel(prices.load()) as model, pytest.raises(exchange.Stopped):
        model.reply(ask(), on_text=lambda _: stop.set(), on_lost=lost.append, stop=stop)

    assert [call.usage["input_tokens"] for call in lost] == [100]


def test_a_stop_ends_the_wait_between_tries(model_server: ModelServer) -> None:
    model_server.script(turn(text("never"), faults=[status(529)]))
    stop = threading.Event()

    with messages.MessagesModel(prices.load()) as model, pytest.raises(exchange.Stopped):
        model.reply(ask(), on_wait=lambda *_: stop.set(), stop=stop)

    assert len(model_server.calls) == 1


def test_what_is_raised_by_a_listener_is_raised_to_the_caller(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    model_server.script(turn(text("hi")))

    def broken(words: str) -> None:
        raise ZeroDivisionError(words)

    with pytest.raises(ZeroDivisionError):
        model.reply(ask(), on_text=broken)


def test_one_model_serves_several_threads(
    model: messages.MessagesModel, model_server: ModelServer
) -> None:
    names = [f"step {number}" for number in range(8)]
    model_server.script(
        *[turn(text(f"for {name}"), match={"contains": f'"{name}"'}) for name in reversed(names)]
    )
    heard: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda name=name: heard.update({name: model.reply(ask(name)).text}))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert heard == {name: f"for {name}" for name in names}


# -- limits that reset -----------------------------------------------------------------------------

SOON = {"anthropic-ratelimit-tokens-remaining": "0"}
LIMITS = {
    "seconds": (429, {"retry-after": "3600"}, 3600.0),
    "overloaded": (529, {"retry-after": "60"}, 60.0),
    "no retry": (429, {"retry-after": "60", "x-should-retry": "false"}, 60.0),
    "used up": (
        429,
        {
            **SOON,
            "anthropic-ratelimit-tokens-reset": "+100",
            "anthropic-ratelimit-requests-remaining": "7",
            "anthropic-ratelimit-requests-reset": "+900",
        },
        100.0,
    ),
    "none used up": (429, {"anthropic-ratelimit-requests-reset": "+900"}, 900.0),
    "seconds since 1970": (429, {"anthropic-ratelimit-unified-reset": "@900"}, 900.0),
    "both": (429, {"retry-after": "5", "anthropic-ratelimit-requests-reset": "+900"}, 5.0),
    "past": (429, {"anthropic-ratelimit-requests-reset": "2015-10-21T07:28:00Z"}, 0.0),
}


def at(value: str) -> str:
    """`+SECONDS` as a date of RFC 3339 from now on, `@SECONDS` as a number."""
    if value[0] not in "+@":
        return value
    moment = time.time() + float(value[1:])
    return str(moment) if value[0] == "@" else f"{datetime.fromtimestamp(moment, UTC):%FT%T.%fZ}"


@pytest.fixture
def breaker() -> limits.Breaker:
    return limits.Breaker(6 * 3600.0)


@pytest.fixture
def patient(model_server: ModelServer, breaker: limits.Breaker) -> Iterator[messages.MessagesModel]:
    del model_server
    with messages.MessagesModel(prices.load(), breaker=breaker) as opened:
        yield opened


@pytest.mark.parametrize(("number", "headers", "seconds"), LIMITS.values(), ids=LIMITS.keys())
def test_a_limit_that_resets_ends_the_request_and_holds_back_the_next(
    patient: messages.MessagesModel,
    model_server: ModelServer,
    number: int,
    headers: dict[str, str],
    seconds: float,
) -> None:
    said = {name: at(value) for name, value in headers.items()}
    model_server.script(turn(text("ok"), faults=[status(number, headers=said)]))
    begun = time.time()
    with pytest.raises(limits.Held) as held:
        patient.reply(ask())
    assert begun + seconds <= held.value.limit.until + 0.01
    assert held.value.limit.until <= time.time() + seconds + 0.3
    if seconds:
        with pytest.raises(limits.Held):
            patient.reply(ask())
        assert len(model_server.calls) == 1


NO_LIMITS = {
    "no time": status(429, "rate_limit_error"),
    "unreadable": status(
        429, headers={"retry-after": "nan", "anthropic-ratelimit-x-reset": "soon"}
    ),
    "another status": status(503, headers={"retry-after": "1"}),
}


@pytest.mark.parametrize("fault", NO_LIMITS.values(), ids=NO_LIMITS.keys())
def test_a_fault_without_a_time_is_tried_again_as_ever(
    model_server: ModelServer, waits: Waits, breaker: limits.Breaker, fault: Fault
) -> None:
    model_server.script(turn(text("ok"), faults=[fault]))
    patience = messages.Patience(wait=waits, jitter=lambda: 0.5)
    with messages.MessagesModel(prices.load(), patience=patience, breaker=breaker) as model:
        assert model.reply(ask()).text == "ok"
    assert len(waits.seconds) == 1


def test_a_spend_limit_is_no_limit_that_resets(
    patient: messages.MessagesModel, model_server: ModelServer
) -> None:
    spent = status(429, code="enforced_spend_limit_reached", headers={"retry-after": "60"})
    model_server.script(turn(text("ok"), faults=[spent]))
    with pytest.raises(errors.ProviderLimit, match="a spend limit"):
        patient.reply(ask())


def test_a_wrong_clock_does_not_change_when_a_limit_resets() -> None:
    headers = {"date": "Wed, 21 Oct 2015 07:28:00 GMT",
               "anthropic-ratelimit-tokens-reset": "2015-10-21T07:29:30Z"}  # fmt: skip
    assert messages._reset(headers, time.time()) == 90.0
