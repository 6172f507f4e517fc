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
    assert sentences.quoted(names) == said
    assert sentences.names(names, 1) == (f"a and {len(names) - 1} more" if len(names) > 1 else "a")
