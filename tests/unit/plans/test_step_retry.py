"""Which failures are tried again."""

from __future__ import annotations

import pytest

from git_orch import errors
from git_orch.plans import reasons, step_retry


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (errors.LimitReached("late", ""), "limit"),
        (errors.BudgetReached("the plan has cost $1.00 of at most $1.00", ""), "budget"),
        (errors.TurnsUsedUp("not done after 50 turns", ""), "turns"),
        (errors.KeyRefused("no credentials", ""), "key"),
        (errors.UnknownModel("no such model", ""), "model"),
        (errors.UnpricedModel("no price", ""), "model"),
        (errors.ModelRefused("no poems", ""), "declined"),
        (errors.ProviderFailed("the provider failed", ""), "provider"),
        (errors.LimitResets("the rate limit is reached", ""), "limit"),
        (errors.Unreachable("no connection", ""), "unreachable"),
        (errors.CutOff("cut off", ""), "cut-off"),
        (errors.NoAnswer("no answer", ""), "no-answer"),
        (errors.Overloaded("overloaded", ""), "overloaded"),
        (errors.UnfitRepository("no objects", ""), "unfit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
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


@pytest.mark.parametrize("word", ["gave-up", "nothing-done"])
@pytest.mark.parametrize(("retries", "again"), [(None, False), (0, False), (2, True)])
def test_a_model_that_has_said_all_is_asked_again_only_on_request(
    word: str, retries: int | None, *, again: bool
) -> None:
    assert step_retry.is_recoverable(word, retries) == again
