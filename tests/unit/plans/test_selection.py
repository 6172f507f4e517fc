"""Steps as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.errors import UsageError
from git_orch.plans import selection


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("2", [2]),
        ("1,3-5", [1, 3, 4, 5]),
        ("5,1", [1, 5]),
        ("1-3,2,2-4", [1, 2, 3, 4]),
        (" 1 , 2 - 3 ", [1, 2, 3]),
        ("3-3", [3]),
    ],
)
def test_numbers_are_ascending_and_each_is_there_once(typed: str, chosen: list[int]) -> None:
    assert selection.numbers(typed, 5) == chosen


@pytest.mark.parametrize(
    ("typed", "cause"),
    [
        ("4-2", "'4-2' counts backwards"),
        ("x", "'x' does not name steps"),
        ("", "'' does not name steps"),
        ("1,", "'1,' does not name steps"),
        ("-3", "'-3' does not name steps"),
        ("1-", "'1-' does not name steps"),
        ("1.5", "'1.5' does not name steps"),
        ("٣", "'٣' does not name steps"),
        ("9" * 5000, f"'{'9' * 5000}' does not name steps"),
    ],
)
def test_what_names_no_step_is_a_usage_error(typed: str, cause: str) -> None:
    with pytest.raises(UsageError) as caught:
        selection.numbers(typed, 5)

    assert caught.value.cause == cause


@pytest.mark.parametrize(
    ("typed", "step"), [("0", "0"), ("0-2", "0"), ("99", "99"), ("1,2-6", "6")]
)
def test_a_step_that_is_not_there_is_a_usage_error(typed: str, step: str) -> None:
    with pytest.raises(UsageError) as caught:
        selection.numbers(typed, 5)

    assert caught.value.cause == f"there is no step '{step}'"


def test_the_hint_says_which_steps_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        selection.numbers("6", 5)

    assert caught.value.hint == "the steps are 1 to 5; run 'git orch show' to see them"


def test_a_plan_without_steps_has_nothing_to_choose() -> None:
    with pytest.raises(UsageError) as caught:
        selection.numbers("1", 0)

    assert caught.value.hint == "the plan has no steps; run 'git orch show' to see it"


@given(st.text("0123456789,- x"), st.integers(0, 20))
def test_any_text_gives_steps_of_the_plan_or_is_refused(typed: str, count: int) -> None:
    try:
        chosen = selection.numbers(typed, count)
    except UsageError:
        return
    assert set(chosen) <= set(range(1, count + 1))
