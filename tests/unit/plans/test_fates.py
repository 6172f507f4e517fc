"""What became of attempts: their commits, and what was taken back."""

from __future__ import annotations

from typing import Any

import pytest
from test_fold import EXECUTED, PLAN, landed, log_of, oid

from git_orch.plans.history import events, fates, fold
from git_orch.plans.history.status import Branch, Commit
from git_orch.plans.trailers import Claim, Message

Body = tuple[str, dict[str, Any]]
FAILED = ("attempt.failed", {"step": "s2", "attempt": "f2", "commit": oid(150), "error": "no"})


def branch(*steps: tuple[int, str]) -> Branch:
    """A branch of commits that claim these steps, as made by these attempts."""
    commits = [
        Commit(oid(300 + step), oid(200 + step), (oid(1),), claim(step, attempt))
        for step, attempt in steps
    ]
    return Branch(oid(999), tuple(commits), oid(1))


def claim(step: int, attempt: str) -> Message:
    """What a commit says that claims a step."""
    return Message(claims=(Claim(PLAN, f"s{step}", attempt),))


def known(now: Branch | None, *bodies: Body) -> dict[str, tuple[str | None, bool]]:
    """By attempt, its fate."""
    status = fold.fold(PLAN, events.read(log_of(*EXECUTED[:3], *bodies)), now)
    assert status is not None
    return {
        attempt: (fate.commit, fate.taken_back)
        for (_, attempt), fate in fates.fates(status).items()
    }


def test_an_attempt_has_the_commit_that_the_branch_has_now() -> None:
    """S1-187: also after a rebase."""
    assert known(branch((1, "a1")), landed(1)) == {"a1": (oid(301), False)}


def test_a_failed_attempt_has_the_commit_that_keeps_its_work() -> None:
    assert known(branch((1, "a1")), landed(1), FAILED)["f2"] == (oid(150), False)


@pytest.mark.parametrize(
    ("bodies", "now", "gone"),
    [
        ([landed(1), FAILED, landed(2)], branch((1, "a1")), {"f2", "a2"}),
        ([FAILED, landed(2), landed(2, "b")], branch((2, "b2")), {"f2", "a2"}),
        ([FAILED, landed(2)], branch((2, "a2")), set()),
        ([FAILED, ("plan.rolled-back", {"full": True})], branch(), {"f2"}),
        ([FAILED, ("plan.rolled-back", {"full": True}), ("plan.restored", {})], branch(), set()),
        ([("plan.rolled-back", {"full": True}), FAILED], branch(), set()),
    ],
    ids=["reset", "redone", "landed since", "rolled back", "restored", "new try"],
)
def test_what_a_plan_goes_on_without_is_taken_back(
    bodies: list[Body], now: Branch, gone: set[str]
) -> None:
    """S1-195."""
    assert {attempt for attempt, (_, taken) in known(now, *bodies).items() if taken} == gone


def test_an_attempt_that_was_gone_on_with_has_the_fate_of_the_other() -> None:
    """Also when it was killed, and when it was stopped."""
    begun = ("attempt.started", {"step": "s2", "attempt": "k2"})
    again = ("attempt.started", {"step": "s2", "attempt": "f2", "continues": "k2"})
    last = ("attempt.started", {"step": "s2", "attempt": "a2", "continues": "f2"})
    fate = known(branch((2, "a2")), begun, again, FAILED, last, landed(2))
    assert fate == dict.fromkeys(("k2", "f2", "a2"), (oid(302), False))
    assert known(branch(), begun) == {"k2": (None, False)}
    assert known(branch(), begun, ("plan.rolled-back", {"full": True})) == {"k2": (None, True)}


def test_an_archived_plan_stands_on_what_landed_last() -> None:
    archived = {"plan": PLAN, "done": ["s1"], "tip": oid(300)}
    fate = known(None, landed(1), ("plan.archived", archived))
    assert fate == {"a1": (oid(101), False)}
