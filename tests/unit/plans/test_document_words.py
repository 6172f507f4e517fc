"""The words for how far the documents of a plan are."""

from __future__ import annotations

import pytest

from git_orch.plans.documents import markdown, words
from git_orch.plans.history.events import Log
from git_orch.plans.history.status import Base, Landing, PlanState, Status
from git_orch.plans.plan import Plan, Step

ID = "PLAN-20261120-8MD3K0R7Q2-x"
LANDED = Landing("merge", "refs/heads/main", "1" * 40, None, {})


def status(state: PlanState, *, landed: bool = False) -> Status:
    """A plan in a state; an idea has no steps."""
    is_idea = state in (PlanState.DRAFT, PlanState.READY)
    plan = Plan("T", "T", () if is_idea else (Step("s1", "T", "manual"),))
    here = Status(ID, plan, state, (), Base(None, None), None, "", "", Log(), "", state)
    return here._replace(landed=LANDED if landed else None)


@pytest.mark.parametrize(
    ("state", "plan", "spec"),
    [
        ("DRAFT", "draft", None),
        ("READY", "ready", None),
        ("CREATED", "in-spec", "draft"),
        ("VALIDATED", "in-spec", "designed"),
        ("APPROVED", "in-spec", "designed"),
        ("EXECUTING", "executing", "designed"),
        ("FAILED", "executing", "designed"),
        ("COMPLETE", "done", "built"),
        ("ROLLED_BACK", "in-spec", "designed"),
        ("REJECTED", "done", "done"),
    ],
)
def test_a_state_has_its_words(state: str, plan: str, spec: str | None) -> None:
    """S2-032 and S2-033."""
    here = status(PlanState[state])
    assert (words.plan_word(here), words.spec_word(here)) == (plan, spec)


def test_a_landed_plan_is_done_with_its_spec() -> None:
    here = status(PlanState.COMPLETE, landed=True)
    assert (words.plan_word(here), words.spec_word(here)) == ("done", "done")


def test_a_spec_has_the_id_of_its_plan() -> None:
    assert words.spec_id(status(PlanState.CREATED)) == "SPEC-20261120-8MD3K0R7Q2-x"


def test_an_idea_has_no_spec() -> None:
    assert words.spec_id(status(PlanState.READY)) is None


def test_a_plan_of_a_time_that_no_calendar_has_is_written() -> None:
    """A log may come from anybody: the largest ID is of the year 10889."""
    here = status(PlanState.DRAFT)._replace(created=f"7{'Z' * 25}")
    assert markdown.created(here) == "9999-12-31T23:59:59Z"
