"""The exporter of spans and metrics, with a collector on the loopback."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from collector import Collector, collector

from git_orch import notices
from git_orch.agents import otel, spans, telemetry
from git_orch.agents.spans import Answer, Span
from git_orch.plans.money.cost import Usage

__all__ = ["collector"]

TOLD = ["your OpenTelemetry collector did not take all spans and metrics"]
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _threads_end_with_their_test() -> Iterator[None]:
    """A thread that tries again draws random numbers, and a property of another test must not see
    that.
    """
    before = {*threading.enumerate()}
    yield
    for thread in {*threading.enumerate()} - before:
        thread.join()


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What a person is told."""
    sentences: list[str] = []
    notices.listen(lambda _, text: sentences.append(text))
    yield sentences
    notices.listen(lambda *_: None)


def test_a_collector_that_answers_has_everything_when_the_process_ends(
    collector: Collector, told: list[str]
) -> None:
    backend = otel.start(os.environ)
    backend.begin_run("PLAN-1", "run", {}).end(Span())
    backend.close()
    assert [span.name for span in collector.received.spans] == ["invoke_workflow PLAN-1"]
    assert "gen_ai.invoke_workflow.duration" in collector.received.metrics
    assert collector.received.resource["service.name"] == "git-orch"
    assert told == []


@pytest.mark.parametrize(
    "broken",
    [
        {"silent": True},
        {"status": 401},
        {"status": 503},
    ],
)
def test_a_collector_that_takes_nothing_keeps_no_process(
    monkeypatch: pytest.MonkeyPatch, told: list[str], broken: dict[str, Any]
) -> None:
    """It never answers, refuses, or wants to be asked again."""
    with Collector(**broken) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        backend = otel.start(os.environ)
        backend.begin_run("PLAN-1", "run", {}).end(Span())
        backend.close()
        assert not server.closing.is_set()
    assert told == TOLD


def test_nobody_listens_and_no_process_is_kept(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    backend = otel.start(os.environ)
    backend.begin_run("PLAN-1", "run", {}).end(Span())
    backend.close()
    assert told == TOLD


def test_tokens_of_the_prompt_include_those_of_the_cache(collector: Collector) -> None:
    backend = otel.start(os.environ)
    usage = Usage(input=1, output=2, cache_write_5m=10, cache_write_1h=100, cache_read=1000)
    span = Span(answer=Answer("m-1", usage, "end_turn", "req_1", "msg_1"))
    span.note(cost__usd=0.5)
    backend.begin_call("m").end(span)
    backend.close()
    sent = collector.received.span("chat m")
    assert {name: sent.attributes[f"gen_ai.usage.{name}"] for name in (
        "input_tokens", "output_tokens", "cache_read.input_tokens", "cache_write.input_tokens",
    )} == {
        "input_tokens": 1111, "output_tokens": 2,
        "cache_read.input_tokens": 1000, "cache_write.input_tokens": 110,
    }  # fmt: skip
    assert sent.attributes["gen_ai.response.model"] == "m-1"
    assert sent.attributes["gen_ai.response.id"] == "msg_1"
    assert sent.attributes["git_orch.cost.usd"] == 0.5


def test_a_step_without_a_model_is_a_span_below_its_run(collector: Collector) -> None:
    backend = otel.start(os.environ)
    run = backend.begin_run("PLAN-1", "run", {"traceparent": PARENT})
    step = backend.begin_step("s1", "run", None, backend.carrier())
    inside = backend.carrier()["traceparent"]
    step.end(Span(failed="timeout"))
    run.end(Span())
    backend.close()
    received = collector.received
    below, above = received.span("step s1"), received.span("invoke_workflow")
    assert (above.trace, above.parent) == (PARENT[3:35], PARENT[36:52])
    assert (below.trace, below.parent) == (above.trace, above.id)
    assert inside == f"00-{below.trace}-{below.id}-01"
    assert (below.failed, below.attributes["error.type"]) == (True, "timeout")


def test_a_run_without_a_parent_is_the_trace_that_its_id_gives(collector: Collector) -> None:
    """`git orch audit` and `trace` show it, too."""
    backend = otel.start(os.environ)
    backend.begin_run("PLAN-1", "run", {}).end(Span())
    backend.begin_tool("bash", "t1").end(Span())
    backend.close()
    run, other = collector.received.span("invoke_workflow"), collector.received.span("execute_tool")
    assert run.trace == spans.trace_id("run")
    assert other.trace != run.trace


def test_the_command_line_is_in_no_resource(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    backend = otel.start(os.environ)
    backend.begin_tool("bash", "t1").end(Span())
    backend.close()
    resource = collector.received.resource
    assert "process.pid" in resource
    assert [name for name in resource if "command" in name] == []
    assert resource["service.name"] == "ours"


def test_the_console_exporter_leaves_standard_output_to_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for signal in ("TRACES", "METRICS"):
        monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "console")
    backend = otel.start(os.environ)
    backend.begin_run("PLAN-1", "run", {}).end(Span())
    backend.close()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "invoke_workflow PLAN-1" in printed.err
    assert "gen_ai.invoke_workflow.duration" in printed.err


def test_a_tool_that_a_model_made_up_has_no_name(collector: Collector) -> None:
    backend = otel.start(os.environ)
    backend.begin_tool("what the model wrote", "t1").end(Span())
    backend.close()
    assert collector.received.span("execute_tool").attributes["gen_ai.tool.name"] == "_OTHER"


@pytest.mark.parametrize(
    ("name", "variables", "package"),
    [
        ("otlp", {}, "opentelemetry.exporter.otlp.proto.http"),
        ("otlp_proto_http", {}, "opentelemetry.exporter.otlp.proto.http"),
        (
            "otlp",
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "opentelemetry.exporter.otlp.proto.grpc",
        ),
        (
            "otlp",
            {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            "opentelemetry.exporter.otlp.proto.http",
        ),
        ("otlp", {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, None),
        ("zipkin", {}, None),
    ],
)
def test_the_protocol_chooses_the_exporter(
    name: str, variables: dict[str, str], package: str | None
) -> None:
    assert otel._package(name, "TRACES", variables) == package


def test_a_plan_is_named_without_the_words_of_its_task() -> None:
    assert telemetry.name_of("PLAN-20261120-8MD3K0R7Q2-add-jwt") == "PLAN-20261120-8MD3K0R7Q2"


def test_facts_have_names_of_our_own() -> None:
    span = Span()
    span.note(tool__exit=3, request__id=None)
    assert span.attributes == {"git_orch.tool.exit": 3}


def test_a_signal_that_comes_meanwhile_is_no_failure_of_a_library() -> None:
    from git_orch import errors

    def signal() -> None:
        raise errors.Interrupted(2, "git orch status")

    with pytest.raises(errors.Interrupted):
        telemetry._harmless(signal)
    assert telemetry._harmless(lambda: 1 // 0) is None
