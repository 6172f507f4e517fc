"""The log of an execution, made from events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import ids
from git_orch.plans.documents import execution_log, front_matter, log_edits, log_text
from git_orch.plans.documents.execution_log import ExecutionLog
from git_orch.plans.history.events import Event

PLAN = "PLAN-20261120-8MD3K0R7Q2-x"
SPEC = "SPEC-20261120-8MD3K0R7Q2-x"
BEGAN = 1_795_000_000_000  # 2026-11-18T11:06:40Z

Body = tuple[str, dict[str, Any]]

STEPS = [{"id": f"s{n}", "title": f"Do {n}", "kind": "manual"} for n in (1, 2)]
TEXT = {"title": "T", "objective": "T", "steps": STEPS}
CREATED: Body = ("plan.created", {"plan": TEXT, "owner": "Ann"})
CHECK = {"type": "unit", "command": "make `x`", "exit": 1, "passed": False, "seconds": 1}


def logs(*bodies: Body, every_ms: int = 1000) -> list[ExecutionLog]:
    """The logs of a plan with these events, one after the other."""
    events = [
        Event(ids.ulid(BEGAN + n * every_ms, n), name, "here", body)
        for n, (name, body) in enumerate([CREATED, *bodies])
    ]
    return execution_log.of(PLAN, events)


def text(*bodies: Body) -> str:
    """The file of the last log."""
    return log_text.text(logs(*bodies)[-1], PLAN)


def section(markdown: str, heading: str) -> str:
    """What stands below a heading."""
    return markdown.partition(f"## {heading}\n\n")[2].partition("\n## ")[0].strip()


def started(run: str = "r1", **fields: str) -> Body:
    return "run.started", {"run": run, "actor": "Bob <b@x.org>", **fields}


def ended(run: str = "r1", outcome: str = "complete") -> Body:
    return "run.ended", {"run": run, "outcome": outcome, "seconds": 2}


def noted(kind: str, text: str, **fields: str) -> Body:
    return "plan.noted", {"kind": kind, "text": text, "who": "Ann <a@x.org>", **fields}


def test_a_log_tells_what_ran_what_failed_and_what_it_cost() -> None:
    """S2-071."""
    landed = {"step": "s1", "run": "r1", "attempt": "a", "commit": "c" * 40, "files": 2}
    failed = {"step": "s2", "run": "r1", "error": "it broke", "reason": "check"}
    said = text(
        started(),
        ("model.called", {"purpose": "step", "step": "s1", "model": "m", "usd": 0.25}),
        ("step.landed", {**landed, "seconds": 1.5}),
        ("attempt.failed", {**failed, "checks": [{**CHECK, "output": "a\n\x1b[31mb"}]}),
        ended(outcome="failed"),
    )
    front = front_matter.read(said)
    assert front is not None
    assert {name: front.text(name) for name in front.values} == {
        "id": f"{SPEC}-exec-20261118-110641",
        "spec": SPEC,
        "plan_id": PLAN,
        "title": "T",
        "owner": "Ann",
        "started": "2026-11-18T11:06:41Z",
        "ended": "2026-11-18T11:06:45Z",
        "status": "failed",
        "cost": "$0.25",
    }
    implementation = section(said, "Implementation")
    assert "exec began (Bob)" in implementation
    assert "step 1 done: Do 1 (cccccccccc, 2 files, 1.5 s)" in implementation
    assert "step 2 failed: it broke" in implementation
    failures = section(said, "Failures")
    assert "check failed: `` make `x` ``" in failures
    assert "  a\n   [31mb\n" in failures
    assert section(said, "Cost") == "- step 1, m: $0.25"


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        ("decision", "Decisions"),
        ("blocker", "Blockers"),
        ("progress", "Progress"),
        ("note", "Notes"),
        ("of a later version", "Notes"),
    ],
)
def test_a_note_stands_in_the_section_of_its_kind(kind: str, heading: str) -> None:
    """S2-071 and S2-076."""
    said = text(started(), ended(), noted(kind, "A\nB", step="s2"))
    assert section(said, heading) == "- 11:06:43 step 2: A (Ann)\n  B"


def test_a_run_of_another_command_goes_on_with_the_log() -> None:
    listed = logs(started("r1"), ended("r1", "waiting"), started("r2", command="done"), ended("r2"))
    assert [log.outcome for log in listed] == ["complete"]
    assert "done began" in log_text.text(listed[0], PLAN)


def test_a_note_from_before_the_first_run_stands_in_the_first_log() -> None:
    listed = logs(noted("decision", "early"), started("r1"), ended("r1"), started("r2"))
    assert ["early" in log_text.text(log, PLAN) for log in listed] == [True, False]
    assert [log.outcome for log in listed] == ["complete", "executing"]


def test_a_note_of_a_run_stands_in_the_log_of_that_run() -> None:
    listed = logs(started("r1"), started("r2"), noted("note", "mine", run="r1"))
    assert ["mine" in log_text.text(log, PLAN) for log in listed] == [True, False]
    assert listed[0].outcome == "interrupted"


@pytest.mark.parametrize("moment", [BEGAN, ids.LATEST_MS, ids.LATEST_MS + 10**6])
def test_runs_of_one_second_have_logs_of_their_own(moment: int) -> None:
    """S2-074: at the end of time as well."""
    bodies = [CREATED, *(started(f"r{number}") for number in range(5))]
    events = [
        Event(ids.ulid(moment, number), name, "here", body)
        for number, (name, body) in enumerate(bodies)
    ]
    names = [log.file for log in execution_log.of(PLAN, events)]
    assert len({*names}) == 5


def test_the_owner_and_the_title_are_those_of_the_time_of_the_run() -> None:
    listed = logs(
        started("r1"),
        ("plan.owned", {"owner": "Eve"}),
        ("plan.revised", {"plan": {**TEXT, "title": "Other"}}),
        started("r2"),
    )
    assert [(log.owner, log.title) for log in listed] == [("Ann", "T"), ("Eve", "Other")]


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(st.lists(st.tuples(st.sampled_from(["decision", "blocker", "note"]), _TEXTS), max_size=5))
def test_no_note_makes_a_heading_or_another_note(notes: list[tuple[str, str]]) -> None:
    """Whatever it says: the export of a log adds nothing when it is read back."""
    listed = [noted(kind, text) for kind, text in notes]
    said = text(started(), *listed)
    headings = [line for line in said.splitlines() if line.startswith("#")]
    assert len(headings) == 7
    assert log_edits.additions(said, said).notes == ()
    assert log_edits.additions(said, text(started())).notes == ()


def test_damaged_events_leave_the_rest_of_the_log() -> None:
    said = text(
        started(),
        ("step.landed", {"step": 3}),
        ("attempt.failed", {"step": "s1", "checks": "x"}),
        ("plan.noted", {"kind": "note"}),
        ("run.ended", {"run": "r1"}),
        noted("note", "here"),
    )
    assert "here" in section(said, "Notes")
