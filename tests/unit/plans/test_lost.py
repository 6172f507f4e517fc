"""What attempts that did not land have cost."""

from __future__ import annotations

from typing import Any

import pytest
from test_fold import RUN, branch, commit, folded, landed, log_of

from git_orch.plans.money import lost

USED = {"purpose": "step", "step": "s1", "model": "m", "usage": {}}


def tried(name: str, usd: float, **started: str) -> list[tuple[str, dict[str, Any]]]:
    """An attempt that was paid for; `started` are fields of its beginning."""
    return [
        ("attempt.started", {"step": "s1", "attempt": name, **started}),
        ("model.called", {**USED, "attempt": name, "usd": usd}),
    ]


def ended(name: str, reason: str) -> tuple[str, dict[str, Any]]:
    return ("attempt.failed", {"step": "s1", "attempt": name, "error": "no", "reason": reason})


def spent(*events: tuple[str, dict[str, Any]]) -> lost.Spent:
    return lost.spent(folded(log_of(RUN, *events), branch(commit(1))))


STOPPED = [*tried("a", 0.5), ended("a", "interrupted")]


def test_an_attempt_that_was_stopped_has_not_failed() -> None:
    assert spent(*STOPPED) == (0.0, 0.5)


def test_an_attempt_that_went_on_and_landed_is_lost_nowhere() -> None:
    goes_on = tried(landed(1)[1]["attempt"], 0.25, continues="a")
    assert spent(*STOPPED, *goes_on, landed(1)) == (0.0, 0.0)


def test_an_attempt_that_went_on_and_failed_has_failed_as_a_whole() -> None:
    assert spent(*STOPPED, *tried("b", 0.25, continues="a"), ended("b", "check")) == (0.75, 0.0)


def test_a_circle_in_a_log_from_elsewhere_ends() -> None:
    one, other = tried("a", 0.5, continues="b"), tried("b", 0.25, continues="a")
    assert sum(spent(*one, *other, ended("a", "check"), ended("b", "check"))) == 0.75


@pytest.mark.parametrize("reason", ["budget", "limit", "unreachable", "key"])
def test_what_nobody_is_to_blame_for_was_stopped(reason: str) -> None:
    assert spent(*tried("a", 0.5), ended("a", reason)).stopped == 0.5
