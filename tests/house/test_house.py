"""The rules of the house that a machine can keep; where files of tests are is one of them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import places
import pytest
import wording

PRODUCT = places.TOP / "git_orch"
# Of 1,000 lines. A noun or a verb that names the thing belongs there; lower it, never raise it.
MOST_WORDS = 6
# Lines to one that is over 100 columns: a long text or a table row may stand out.
FEWEST_LINES = 200
FILES = wording.sources(places.TESTS)
_SCAR = re.compile(r"^ *[)\]}].*  # (?!fmt:|noqa|type:)", re.MULTILINE)


@pytest.mark.parametrize("directory", [PRODUCT, places.TESTS], ids=lambda path: path.name)
def test_few_lines_are_over_a_hundred_columns(directory: Path) -> None:
    too_long = sum(len(wording.long_lines(path)) for path in wording.sources(directory))
    assert too_long * FEWEST_LINES <= wording.length(directory)


def test_no_comment_trails_a_closing_bracket() -> None:
    """There the formatter leaves a comment on a line that became too long: it belongs above."""
    files = [*wording.sources(PRODUCT), *FILES]
    assert [path.name for path in files if _SCAR.search(path.read_text())] == []


def test_names_say_what_they_stand_for() -> None:
    words = sum(wording.words_in(path.read_text()).total() for path in wording.sources(PRODUCT))
    assert words * 1000 <= wording.length(PRODUCT) * MOST_WORDS


def test_words_count_as_parts_of_names_and_not_in_texts() -> None:
    source = (
        "from a import b as found_here\n"
        "class NotKnown: ...\n"
        "def told(each: Wanted) -> str:\n"
        "    '''What was said.'''  # as wanted\n"
        "    return f'{each.said} found' + unknown(known=grounded)\n"
    )
    assert wording.words_in(source) == {
        "found": 1, "known": 2, "told": 1, "each": 2, "wanted": 1, "said": 1,
    }  # fmt: skip


def test_no_two_files_of_tests_have_one_name() -> None:
    names = Counter(path.name for path in FILES)
    assert [name for name, count in names.items() if count > 1] == []


def test_files_of_tests_stand_by_kind() -> None:
    assert {
        path.relative_to(places.TESTS).parts[0] for path in FILES if path.name.startswith("test_")
    } == {"unit", "repository", "e2e", "house"}


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if "unit" in path.relative_to(places.TESTS).parts],
    ids=lambda path: path.stem,
)
def test_a_unit_test_has_no_repository(path: Path) -> None:
    arguments = {
        argument.arg
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        for argument in node.args.args
    }
    assert not arguments & {"repo", "here", "prepared", "executed"}
