"""Spans and metrics of a run, as a collector on the loopback gets them from a process of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collector import Collector, collector
from conftest import Here, Repo, writing
from model_server import ModelServer, tool, turn

__all__ = ["collector"]

SECRET = "marmalade"
AGENT = {
    "title": f"Write {SECRET}",
    "prompt": f"Write a.txt with {SECRET}",
    "checks": [{"command": f"grep -q {SECRET} a.txt"}],
}
PLAN: dict[str, Any] = {
    "title": f"Make {SECRET}",
    "steps": [AGENT, {"title": "Print", "run": 'echo "${TRACEPARENT-}" > b.txt'}],
}
USAGE = {
    "input_tokens": 10, "output_tokens": 7,
    "cache_read_input_tokens": 100, "cache_creation_input_tokens": 1000,
}  # fmt: skip
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exported(
    repo: Repo,
    collector: Collector,
    model_server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Collector:
    """What a plan with a step of a model and one of a command exports, below a parent of a CI's."""
    monkeypatch.setenv("TRACEPARENT", PARENT)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_AND_EVENT")
    plan = repo.plan(PLAN)
    model_server.script(
        turn(
            tool("write_file", path="a.txt", content=f"{SECRET}\n"),
            tool("bash", command=f"echo {SECRET} $TRACEPARENT; exit 3", reason="to see"),
            tool(f"{SECRET}_tool"),
            usage=USAGE,
        ),
        turn(tool("step_done", summary=f"Wrote {SECRET}."), usage=USAGE),
    )
    repo.orch("exec", plan, "--record")
    return collector


def test_a_run_is_a_tree_of_spans_below_the_one_that_started_it(
    repo: Repo, exported: Collector, model_server: ModelServer
) -> None:
    """The plan, its steps, the calls and the tools; no text of anybody's is in it."""
    received = exported.received
    run, agent, step = map(received.span, ("invoke_workflow PLAN-", "invoke_agent s1", "step s2"))
    assert (run.trace, run.parent) == (PARENT[3:35], PARENT[36:52])
    assert {agent.parent, step.parent} == {run.id}
    inside = [*received.named("chat claude-"), *received.named("execute_tool ")]
    assert {(span.trace, span.parent) for span in inside} == {(run.trace, agent.id)}
    assert [span.name for span in received.named("execute_tool")] == [
        "execute_tool write_file", "execute_tool bash", "execute_tool _OTHER",
        "execute_tool step_done",
    ]  # fmt: skip
    calls = received.named("chat")
    assert {call.attributes["gen_ai.usage.input_tokens"] for call in calls} == {1110}
    assert {call.attributes["gen_ai.response.id"][:4] for call in calls} == {"msg_"}
    recorded = json.loads(repo.orch("trace", "--json").stdout)["data"]
    ids = {(entry["trace_id"], entry["span_id"]) for entry in recorded}
    assert ids == {(call.trace, call.id) for call in calls}
    usd = sum(call.attributes["git_orch.cost.usd"] for call in calls)
    plan = repo.orch("ls", "--json").stdout
    assert agent.attributes["git_orch.cost.usd"] == pytest.approx(usd)
    assert agent.attributes["git_orch.plan.id"] in plan
    assert received.metrics == {
        "gen_ai.client.operation.duration", "gen_ai.client.token.usage",
        "gen_ai.execute_tool.duration", "gen_ai.invoke_agent.duration",
        "gen_ai.invoke_workflow.duration",
    }  # fmt: skip
    assert SECRET.encode() not in received.bytes
    command = received.span("execute_tool bash")
    assert f"00-{run.trace}-{command.id}-01" in model_server.calls[-1].said()
    [branch] = repo.git("branch", "--list", "orch/*", "--format=%(refname)").split()
    assert repo.git("show", f"{branch}:b.txt") == f"00-{run.trace}-{step.id}-01"


def test_a_plan_of_a_model_is_a_span_with_its_calls(
    repo: Repo, collector: Collector, model_server: ModelServer
) -> None:
    model_server.script(turn({"type": "text", "text": json.dumps(PLAN)}, usage=USAGE))
    repo.orch("plan", f"make {SECRET}")
    planner = collector.received.span("invoke_agent planner")
    assert collector.received.span("chat").parent == planner.id
    assert SECRET.encode() not in collector.received.bytes


def test_an_agent_program_finds_the_span_of_its_step(repo: Repo, collector: Collector) -> None:
    program = "command:bash -c 'echo $TRACEPARENT > c.txt'"
    repo.git("config", "--global", "orch.agent", program)
    plan = repo.plan({"title": "T", "steps": [{"title": "Ask", "prompt": "Write c.txt"}]})
    repo.orch("approve", plan)
    repo.orch("exec", plan)
    agent = collector.received.span("invoke_agent s1")
    assert repo.git("show", f"orch/{plan}:c.txt").split("-")[1:3] == [agent.trace, agent.id]
    assert b"bash" not in collector.received.bytes


def test_a_run_ends_as_ever_where_the_collector_never_answers(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = repo.plan(writing("a.txt"))
    with Collector(silent=True) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", silent.url)
        done = repo.orch("exec", plan)
        assert not silent.closing.is_set()
    assert "COMPLETE" in done.stdout
    last = done.stderr.splitlines()[-1]
    assert last == "note: your OpenTelemetry collector did not take all spans and metrics"


def test_a_command_has_no_span_where_nothing_is_exported(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    plan = here.plan(PLAN | {"steps": PLAN["steps"][1:]})
    here("exec", plan)
    assert here.repo.git("show", f"orch/{plan}:b.txt") == ""
