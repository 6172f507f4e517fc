"""Each section of the specification has tests of every kind, which can be run alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
import specs

PROVEN = {*specs.proven()}


@pytest.mark.parametrize("kind", specs.KINDS)
def test_each_section_has_a_test(kind: str) -> None:
    """S1-003."""
    assert {section for section, of in PROVEN if of == kind} == {*specs.SECTIONS}


def test_each_module_that_a_section_names_is_there() -> None:
    named = {module for section in specs.SECTIONS.values() for module in section.modules}
    assert {module for module in named if not (specs.TESTS / module).is_file()} == set()


def test_no_row_is_of_two_sections() -> None:
    every = [number for section in specs.SECTIONS.values() for number in section.numbers()]
    assert len(every) == len({*every})


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("S1-141: told.", {"S1-141"}),
        ("S1-009 to S1-011 and S2-131", {"S1-009", "S1-010", "S1-011", "S2-131"}),
        (None, set()),
    ],
)
def test_a_docstring_names_rows(text: str | None, rows: set[str]) -> None:
    assert specs.rows_in(text) == rows


@pytest.mark.parametrize("words", [["--spec", "6.1"], ["-m", "spec", "-k", "S1 and 6.1"]], ids=str)
def test_the_tests_of_a_section_are_chosen_by_its_name(words: list[str]) -> None:
    """S1-003: among the tests of two modules."""
    asked = ["unit/plans/test_selection.py", "unit/plans/test_ids.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", *words, *asked],
        cwd=specs.TESTS, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    assert {name.removeprefix("tests/") for name in names} == {asked[0]}
