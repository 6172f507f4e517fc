"""Comments on the parts of a plan."""

from __future__ import annotations

from typing import Any

import pytest
from test_checklist import CRITERIA, plan, status

from git_orch.plans.documents import checklist, comments
from git_orch.plans.history.status import Comment, Status

MADE = {"comment": "c1", "on": "s6:checks", "text": "why so?", "who": "Ada"}


def made(**fields: Any) -> tuple[str, dict[str, Any]]:
    """The event of a comment on the checks of step 6."""
    part = comments.typed(status().plan, "6:checks")
    assert part is not None
    return "comment.made", {**MADE, "digest": comments.digest(part.text), **fields}


def only(status: Status) -> Comment:
    """The one comment of a plan."""
    [comment] = status.comments
    return comment


@pytest.mark.parametrize(
    ("where", "on", "text"),
    [
        ("6:checks", "s6:checks", "make test  (unit)"),
        ("2:title", "s2:title", "Create the user model"),
        ("2:depends_on", "s2:needs", ""),
        ("objective", "objective", "T"),
        ("criteria:1", checklist.text_id("criterion", CRITERIA[0]), CRITERIA[0]),
        (checklist.text_id("criterion", CRITERIA[1])[:14], None, CRITERIA[1]),
    ],
)
def test_a_person_names_a_part(where: str, on: str | None, text: str) -> None:
    part = comments.typed(status().plan, where)

    assert part is not None
    assert part.text == text
    assert comments.at(status().plan, part.on) == part
    assert on in (None, part.on)


@pytest.mark.parametrize(
    "where", ["0", "7", "99999", "2:nonsense", "criteria:3", "criterion-", "x", "", ":", "²"]
)
def test_what_is_no_part_is_none(where: str) -> None:
    assert comments.typed(status().plan, where) is None


def test_a_comment_on_a_text_that_changed_is_outdated() -> None:
    edited = plan()
    edited["steps"][5]["checks"] = []

    assert not comments.is_outdated(status().plan, only(status(made())))
    after = status(made(), ("plan.revised", {"plan": edited}))
    assert comments.is_outdated(after.plan, only(after))


def test_a_comment_on_a_step_outlives_a_change_of_its_place() -> None:
    edited = plan()
    edited["steps"].reverse()
    after = status(made(), ("plan.revised", {"plan": edited}))

    assert not comments.is_outdated(after.plan, only(after))
    assert comments.name(after.plan, only(after)) == "step 1: checks"


def test_a_comment_whose_part_is_gone_is_outdated() -> None:
    edited = plan()
    edited["steps"].pop()
    after = status(made(), ("plan.revised", {"plan": edited}))

    assert comments.is_outdated(after.plan, only(after))
    assert comments.name(after.plan, only(after)) == "s6:checks (removed)"


def test_a_closed_comment_is_not_open() -> None:
    closing = ("comment.closed", {"comment": "c1", "how": "addressed"})

    assert [number for number, _ in comments.opened(status(made()))] == [1]
    assert comments.opened(status(made(), closing)) == []
    assert only(status(made(), closing)).closed == "addressed"


def test_the_first_comment_of_an_id_counts() -> None:
    """Another clone cannot put other words into it."""
    assert only(status(made(), made(text="delete it all"))).text == "why so?"


def test_the_next_version_addresses_the_comments_on_what_it_changed() -> None:
    edited = plan()
    edited["steps"][5]["checks"] = []
    before, after = status(made()), status(("plan.revised", {"plan": edited}))

    assert comments.changed_between(before.plan, after.plan, only(before))
    assert not comments.changed_between(before.plan, before.plan, only(before))
