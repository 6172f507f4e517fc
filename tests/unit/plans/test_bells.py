"""The changes of a plan that its user may want to hear of."""

from __future__ import annotations

import pytest

from git_orch.plans.history.bells import _changes
from git_orch.plans.history.events import Event


@pytest.mark.parametrize(
    ("name", "body", "change"),
    [
        ("step.asked", {}, "question"),
        ("attempt.failed", {"reason": "budget"}, "budget"),
        ("run.ended", {"outcome": "failed"}, "failed"),
        ("run.ended", {"outcome": "review"}, "waiting"),
        ("plan.landed", {}, "landed"),
    ],
)
def test_an_event_of_this_clone_is_a_change(
    name: str, body: dict[str, object], change: str
) -> None:
    event = Event("01", name, "here", body)
    assert [kind for _, kind in _changes([event], "here")] == [change]
    assert list(_changes([event], "elsewhere")) == []


@pytest.mark.parametrize(
    ("name", "body"),
    [("attempt.failed", {"reason": "check"}), ("run.ended", {"outcome": "interrupted"})],
)
def test_other_events_are_none(name: str, body: dict[str, object]) -> None:
    assert list(_changes([Event("01", name, "here", body)], "here")) == []
