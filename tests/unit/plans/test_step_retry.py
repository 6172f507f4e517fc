"""Which failures are tried again."""

from __future__ import annotations

import pytest

from git_orch import errors
from git_orch.plans import reasons, step_retry


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (errors.LimitReached("the plan has cost $1.00 of at most $1.00", ""), "limit"),
        (errors.ProviderFailed("the model refused", ""), "provider"),
        (errors.UnfitRepository("no objects", ""), "unfit"),
    ],
    ids=["limit", "provider", "unfit"],
)
def test_what_a_second_try_cannot_change_is_a_word_of_its_own_and_not_tried_again(
    error: errors.OrchError, word: str
) -> None:
    assert reasons.of(error) == word
    assert not step_retry.is_recoverable(word)


def test_other_errors_are_failures_that_another_try_may_mend() -> None:
    word = reasons.of(errors.OrchError("git show failed", ""))
    assert word == "failed"
    assert step_retry.is_recoverable(word)


def test_a_word_of_another_version_is_tried_again() -> None:
    assert step_retry.is_recoverable("out-of-luck")
