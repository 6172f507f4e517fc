"""The history of a plan as people tell it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.history import acts
from git_orch.plans.history.events import Event

PLAN = "refs/heads/orch/PLAN-20261121-0123456789-x"


def text(*titles: str) -> dict[str, Any]:
    steps = [
        {"id": f"s{number}", "title": title, "kind": "run", "run": "true"}
        for number, title in enumerate(titles, 1)
    ]
    return {"title": "T", "objective": "T", "steps": steps}


CREATED = ("plan.created", {"plan": text("A", "B"), "origin": "file"})
LANDED = {"run": "r", "attempt": "x", "commit": "c" * 40}


def lines(*written: tuple[str, dict[str, Any]]) -> list[str]:
    """What the log tells after the plan was made; the ID of an event is its place."""
    events = [
        Event(f"01K{number:023d}", name, "here", body)
        for number, (name, body) in enumerate([CREATED, *written])
    ]
    return [act.text for act in acts.history(events)][1:]


def moved(place: int, why: str, ref: str = PLAN, **body: Any) -> list[tuple[str, dict[str, Any]]]:
    """A move whose intent has that place."""
    kind = {"kind": why.partition(" ")[0]} if "kind" not in body else {}
    intent = {"ref": ref, "from": "a" * 40, "to": "b" * 40, "why": why, **kind, **body}
    return [("move.intended", intent), ("move.done", {"move": f"01K{place:023d}"})]


def test_a_run_is_one_act() -> None:
    assert lines(
        ("run.started", {"run": "r", "skipped": ["s9"]}),
        ("step.landed", {"step": "s1", **LANDED}),
        *moved(3, "land step 1"),
        ("attempt.failed", {"step": "s2", "error": "'make' exited 2\nlong output"}),
        ("model.called", {"purpose": "step", "usd": 0.25}),
        ("run.ended", {"run": "r", "outcome": "failed"}),
    ) == ["ran step 1; step 2 failed: 'make' exited 2 ($0.25)"]


def test_a_question_and_its_answer_are_told() -> None:
    asked = {"step": "s1", "attempt": "x"}
    assert lines(
        ("run.started", {"run": "r"}),
        ("step.asked", {**asked, "question": "A or B?\nPlease."}),
        ("run.ended", {"run": "r", "outcome": "asked"}),
        ("step.answered", {**asked, "answer": "A", "by": "Ann <a@x>"}),
        ("run.started", {"run": "r2"}),
        ("step.landed", {"step": "s1", **LANDED}),
        ("run.ended", {"run": "r2", "outcome": "done"}),
    ) == ["exec: step 1 asks: A or B?", "answered step 1: A", "ran step 1"]


def test_a_step_that_was_stopped_has_not_failed() -> None:
    stopped = {"step": "s1", "error": "the plan has cost $1.00", "reason": "budget"}
    assert lines(
        ("run.started", {"run": "r"}),
        ("attempt.failed", stopped),
        ("run.ended", {"run": "r", "outcome": "failed"}),
    ) == ["exec: step 1 stopped: the plan has cost $1.00"]


def test_a_step_that_failed_first_and_landed_then_did_not_fail() -> None:
    assert lines(
        ("run.started", {"run": "r"}),
        ("attempt.failed", {"step": "s1", "error": "no"}),
        ("step.landed", {"step": "s1", **LANDED}),
        ("run.ended", {"run": "r", "outcome": "complete"}),
    ) == ["ran step 1"]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (moved(1, "rollback to step 1"), "rolled back to step 1"),
        (moved(1, "drop step 2"), "dropped step 2"),
        (moved(1, "redo step 2"), "redid step 2"),
        (moved(1, "rebase to 1234"), "rebased to 1234"),
        (moved(1, "undo drop step 2", kind="undo", undoes="x"), "took back 'drop step 2'"),
        (moved(1, "redo drop step 2", kind="undo", redoes="x"), "did 'drop step 2' again"),
        (moved(1, "land on main", "refs/heads/main"), "landed on main as bbbbbbbbbb"),
        ([("plan.revised", {"plan": text("A")})], "edited: step 2 removed"),
        ([("plan.rejected", {"why": "too dear"})], "rejected: too dear"),
        ([("plan.archived", {"why": "archived"})], "archived"),
        ([("plan.archived", {"why": "undo plan", "undoes": "x"})], "took back 'plan'"),
    ],
)
def test_an_act_is_said_in_words(events: list[tuple[str, dict[str, Any]]], said: str) -> None:
    assert lines(*events) == [said]


def test_what_belongs_to_another_act_is_not_told() -> None:
    assert lines(("plan.revised", {"plan": text("B", "A"), "part_of": "x"})) == []
    assert lines(("plan.archived", {"why": "landed"})) == []
    assert lines(("move.intended", moved(1, "drop step 2")[0][1])) == []


NAMES = ["plan.created", "plan.revised", "run.started", "run.ended", "step.landed", "move.done",
         "attempt.failed", "move.intended", "plan.landed", "plan.archived", "branch.noticed"]  # fmt: skip
VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.text(max_size=3)))
FIELDS = ["plan", "run", "step", "move", "why", "kind", "ref", "from", "to", "error", "skipped"]


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIELDS), VALUES)),
        max_size=8,
    )
)
def test_no_damage_of_a_log_ends_its_telling(written: list[tuple[str, dict[str, Any]]]) -> None:
    lines(*written)


def test_an_act_has_the_name_of_who_did_it() -> None:
    """S1-224."""
    who = {"actor": "Ada Tester <ada@example.com>"}
    written: list[tuple[str, dict[str, Any]]] = [
        ("plan.created", {**CREATED[1], **who}),
        ("run.started", {"run": "r", **who}),
        ("step.landed", {"step": "s1", **LANDED}),
        ("run.ended", {"run": "r", "outcome": "waiting"}),
        *moved(4, "rollback by 1 step"),
    ]
    events = [
        Event(f"01K{number:023d}", name, "here", body)
        for number, (name, body) in enumerate(written)
    ]
    assert [act.actor for act in acts.history(events)] == ["Ada Tester", "Ada Tester", ""]


def test_a_comment_has_the_name_of_who_made_it() -> None:
    comment = {"comment": "c", "on": "s1", "digest": "d", "text": "No.", "who": "Ada"}
    events = [Event("01K", "plan.created", "here", CREATED[1])]
    events.append(Event("01L", "comment.made", "here", comment))
    [_, act] = acts.history(events)
    assert (act.text, act.actor) == ("comment on step 1: No.", "Ada")
