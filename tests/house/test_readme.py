"""The first screen of the README: each row names what tests prove, and commands that there are."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ET

import click
import places
import pytest

from git_orch.cli import table

_TEXT = (places.TOP / "README.md").read_text()
_PICTURE = places.TOP / "picture.svg"
# The tests of each row, by what the reader wants.
CLAIMS = {
    "an undo that covers what commands did": (
        "e2e/test_undo.py::test_a_change_is_taken_back_and_comes_again",
        "e2e/test_tour.py::test_the_tour_ends_landed_and_changes_nothing_of_the_users",
        "e2e/test_road.py::test_a_plan_becomes_step_commits_and_a_rollback_is_a_ref_reset",
    ),
    "your uncommitted work left alone": (
        "e2e/test_checkout_untouched.py::test_a_whole_life_of_a_plan_leaves_the_checkout_as_it_is",
        "e2e/test_land.py::test_a_file_that_is_not_committed_is_never_overwritten",
    ),
    "commits that you can trust": (
        "e2e/test_kinds_of_projects.py::test_a_change_that_does_not_pass_the_test_command_does_not_land",
        "e2e/test_exact_tree.py::test_a_check_does_not_see_what_is_not_in_the_tree",
    ),
    "to go on after a crash": (
        "e2e/test_killed.py::test_a_killed_exec_is_finished_by_the_next_one",
    ),
    "to approve what you saw": (
        "e2e/test_approving.py::test_approve_prints_everything_that_it_approves",
        "e2e/test_approving.py::test_what_was_changed_since_is_refused_and_the_field_named",
    ),
    "the cost before, and a cap": (
        "e2e/test_costs.py::test_an_estimate_alone_asks_nobody_and_stores_nothing",
        "e2e/test_budgets.py::test_a_request_asks_for_no_more_than_is_left",
    ),
    "to resume without paying twice": (
        "e2e/test_going_on.py::test_a_step_that_was_killed_goes_on_where_it_was",
        "e2e/test_going_on.py::test_a_step_whose_model_had_finished_asks_it_nothing_more",
    ),
    "your dependencies at once": (
        "e2e/test_kinds_of_projects.py::test_a_plan_whose_check_is_the_test_command_needs_nothing_else",
    ),
    "reviews in your own git client": (
        "e2e/test_user_acts.py::test_the_users_act_is_seen_as_the_table_says",
    ),
}  # fmt: skip


def rows() -> list[str]:
    """What the reader wants, in the first table."""
    first = _TEXT.partition("| you want | ")[2].partition("\n\n")[0]
    return [line.split(" | ")[0].removeprefix("| ") for line in first.splitlines()[2:]]


def test_every_row_of_the_first_table_has_its_tests() -> None:
    assert rows() == list(CLAIMS)


@pytest.mark.parametrize("test", [test for tests in CLAIMS.values() for test in tests])
def test_a_test_of_a_row_is_there(test: str) -> None:
    file, name = test.split("::")
    assert f"\ndef {name}(" in (places.TESTS / file).read_text()


@pytest.mark.parametrize("line", sorted(set(re.findall(r"git orch [a-z][^`\n|]*", _TEXT))))
def test_a_command_in_the_readme_is_one_with_these_options(line: str) -> None:
    _, _, name, *words = shlex.split(line.rstrip(" .)"), comments=True)
    assert name in table.COMMANDS
    known = {
        option
        for parameter in table.load(name).params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {word.split("=")[0] for word in words if word.startswith("-")} <= {*known, "--"}


def test_the_first_screen_has_the_two_commands_that_set_everything_up() -> None:
    first = _TEXT.partition("## Install")[0]
    assert [line.split()[1] for line in first.splitlines() if line.startswith("make ")] == [
        "demo",
        "test",
    ]
    makefile = (places.TOP / "Makefile").read_text()
    assert re.search(r"^demo: \$\(STAMP\)$", makefile, re.MULTILINE)
    assert re.search(r"^test: programs lint$", makefile, re.MULTILINE)


def test_the_picture_is_small_and_loads_nothing() -> None:
    text = _PICTURE.read_text()
    assert f"]({_PICTURE.name})" in _TEXT
    assert len(text) < 30_000
    ET.fromstring(text)  # noqa: S314 - ours
    assert "prefers-color-scheme:dark" in text
    found = re.findall(r"(?i)https?://\S+|<script|<image|href|@font-face|@import|url\(", text)
    assert found == ['http://www.w3.org/2000/svg"']


def test_the_picture_shows_no_place_of_a_machine() -> None:
    assert (
        re.findall(r"/tmp|/home|/root|/Users|@", _PICTURE.read_text().partition("</style>")[2])
        == []
    )
