"""Pieces of sentences."""

from __future__ import annotations

import pytest

from git_orch.plans import sentences


@pytest.mark.parametrize(("numbers", "said"), [([3], "step 3"), ([6, 3], "steps 3, 6")])
def test_steps_are_in_order(numbers: list[int], said: str) -> None:
    assert sentences.steps(numbers) == said


@pytest.mark.parametrize(
    ("text", "said"), [("make", "'make'"), ("\nmake\n", "'make'"), ("one\ntwo\n", "'one ...'")]
)
def test_of_a_command_with_several_lines_the_first_is_named(text: str, said: str) -> None:
    assert sentences.command(text) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], "'a'"),
        (list("abcde"), "'a', 'b', 'c', 'd', 'e'"),
        (list("abcdefg"), "'a', 'b', 'c', 'd', 'e' and 2 more"),
    ],
)
def test_of_many_names_the_first_are_told_and_how_many_more_there_are(
    names: list[str], said: str
) -> None:
    assert sentences.quoted_names(names) == said
    assert sentences.names(names, 1) == (f"a and {len(names) - 1} more" if len(names) > 1 else "a")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "$0.00"), (0.00001, "$0.0001"), (0.01234, "$0.0123"), (0.0999, "$0.0999"),
        (0.09996, "$0.10"), (0.1, "$0.10"), (12.345678, "$12.35"),
    ],
)  # fmt: skip
def test_small_amounts_have_four_decimals_and_something_never_reads_as_nothing(
    amount: float, shown: str
) -> None:
    assert sentences.usd(amount) == shown


def test_a_difference_has_its_sign_before_the_currency() -> None:
    assert [sentences.usd_more(by) for by in (0.0, 0.012, -1.5)] == ["+$0.00", "+$0.0120", "-$1.50"]


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.12, 0.48, "0.12 - 0.48"),
        (0.014, 0.5, "0.0140 - 0.50"),
        (0.1012, 0.1049, "0.101 - 0.105"),
        (0.00001, 0.00002, "0.00001 - 0.00002"),
        (12.3401, 12.3402, "12.3401 - 12.3402"),
        (0.25, 0.25, "0.25 - 0.25"),
    ],
)
def test_the_ends_of_a_range_are_told_apart(low: float, high: float, shown: str) -> None:
    assert sentences.usd_range(low, high) == shown


def test_only_one_of_a_kind_is_singular() -> None:
    assert [sentences.count(n, "step") for n in (0, 1, 2)] == ["0 steps", "1 step", "2 steps"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("steps[0].checks[1].timeout", "step 1, check 2, timeout"),
        ("steps[1].files['a b.txt']", "step 2, file 'a b.txt'"),
        ("dependencies[1]", "dependency 2"),
        ("steps[2].depends_on[0]", "step 3, depends_on 1"),
        ("title", "title"),
        ("['my-field']", "'my-field'"),
        ("steps[0]['my-field']", "step 1, 'my-field'"),
        ("steps[0].argv[1][0]", "step 1, argv 2, item 1"),
        ("", ""),
    ],
)
def test_a_field_is_named_in_words_that_count_from_one(path: str, words: str) -> None:
    assert sentences.field(path) == words
