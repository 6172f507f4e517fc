"""The idea of a plan in Markdown, and the spec that nobody asks a model for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import one_line
from git_orch.plans.documents import idea, offline_spec
from git_orch.plans.plan import Plan


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("- [ ] one\n* [x] two\n+ [X] three\n1. [ ] four\n  2) [ ] five\n",
         ["one", "two", "three", "four", "five"]),
        ("- [ ] before\n## Milestones\n- [ ] one\n### Part\n- [ ] two\n## Other\n- [ ] after\n",
         ["one", "two"]),
        ("# milestones ##\r\n- [ ] one\r\n", ["one"]),
        ("```\n- [ ] code\n```\n- [ ] one\n", ["one"]),
        ("~~~~\n~~~\n- [ ] code\n~~~~\n- [ ] one\n", ["one"]),
        ("- [] no\n- [ ]no\n-[ ] no\n- [ ] \n[ ] no\n", []),
        ("## Milestones\nnone\n", []),
        ("", []),
    ],
)  # fmt: skip
def test_the_boxes_of_an_idea_are_its_milestones(body: str, found: list[str]) -> None:
    """S2-064."""
    assert idea.milestones(body) == found


@given(st.text())
def test_every_milestone_can_be_the_title_of_a_step(text: str) -> None:
    found = idea.milestones(f"- [ ] {text}\n{text}")
    assert all(one_line.problem(each) is None for each in found)


@pytest.mark.parametrize(
    ("body", "title"),
    [("\n# A heading #\nmore", "A heading"), ("plain\nmore", "plain"), ("\n \n", "")],
)
def test_the_first_line_is_the_title(body: str, title: str) -> None:
    assert idea.title_in(body) == title


def test_each_milestone_becomes_a_manual_step() -> None:
    plan = Plan("T", "T", (), body="- [ ] one\n- [ ] two\n")
    steps = offline_spec.written(plan).steps
    assert [(step.id, step.title, step.kind) for step in steps] == [
        ("s1", "one", "manual"), ("s2", "two", "manual"),
    ]  # fmt: skip


def test_an_idea_without_milestones_gets_three_steps() -> None:
    """S2-059: and says what it is about."""
    written = offline_spec.written(Plan("T", "T", ()))
    assert [step.title for step in written.steps] == ["Implement: T", "Test: T", "Document: T"]
    assert written.objective == "Implement technical solution for: T"


def test_a_title_of_its_own_is_what_the_spec_is_about() -> None:
    written = offline_spec.written(Plan("T", "T", ()), "DB schema")
    assert (written.title, written.steps[0].title) == ("T", "Implement: DB schema")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fine: 'it' --- ${OWNER}", None),
        (" ", "is empty"),
        ("a\nb", "must be one line"),
        ("a\x1bb", "holds the control character U+001B"),
    ],
)
def test_a_line_holds_no_control_character(text: str, problem: str | None) -> None:
    """S2-048."""
    assert one_line.problem(text) == problem
