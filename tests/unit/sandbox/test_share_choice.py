"""The user's choice of what is shared, as `orch.share` has it."""

from __future__ import annotations

import pytest

from git_orch.sandbox.shares import choice
from git_orch.sandbox.walls.view import Share

_NODE = Share("node_modules", "/p/node_modules", "node_modules")
_NESTED = Share("web/node_modules", "/p/web/node_modules", "web/node_modules")
_CARGO = Share("cargo", "/home/ada/.cargo/registry", "/home/ada/.cargo/registry")
_ALL = (_NODE, _NESTED, _CARGO)

CASES: dict[str, tuple[list[str | None], tuple[Share, ...]]] = {
    "no value": ([], _ALL),
    "none": (["none"], ()),
    "NONE": (["NONE"], ()),
    "none, then a name": (["none", "cargo"], (_CARGO,)),
    "none, then a directory": (["none", "web/node_modules"], (_NESTED,)),
    "none, then a directory of any depth": (["none", "node_modules"], (_NODE, _NESTED)),
    "a name left out": (["-cargo"], (_NODE, _NESTED)),
    "a path left out": (["-web/node_modules/"], (_NODE, _CARGO)),
    "a path in the home directory left out": (["-~/.cargo/registry"], (_NODE, _NESTED)),
    "left out and added again": (["-cargo", "cargo"], _ALL),
    "added and left out again": (["none", "cargo", "-cargo"], ()),
    "an empty value goes back": (["none", ""], _ALL),
    "a name without a value goes back": (["-cargo", None], _ALL),
}


@pytest.mark.parametrize(("values", "shared"), CASES.values(), ids=CASES)
def test_a_choice_is_made_value_by_value(
    values: list[str | None], shared: tuple[Share, ...]
) -> None:
    chosen = choice.of_values(values, "/home/ada")
    assert tuple(filter(chosen.has, _ALL)) == shared


def test_paths_that_are_added_are_written_out() -> None:
    chosen = choice.of_values(["~/.cache/models", "data//big/"], "/home/ada")
    assert chosen.added == ("/home/ada/.cache/models", "data/big")


def test_nothing_is_shared_only_if_the_user_says_so() -> None:
    values: list[list[str | None]] = [["none"], ["none", "go"], []]
    made = [choice.of_values(each, "/home/ada") for each in values]
    assert [chosen.nothing for chosen in made] == [True, False, False]
