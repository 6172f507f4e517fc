"""SECURITY.md names modules and tests that exist, and the rule that all its controls stand on
holds.
"""

from __future__ import annotations

import ast
import functools
import re

import places
import pytest

_TOP = places.TOP
_TEXT = (_TOP / "SECURITY.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without their heads."""
    section = _TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, row in enumerate(cells) if set("".join(row)) == {"-"}]
    return [
        row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules
    ]


CONTROLS = {row[0]: row for row in rows("Controls")}


@functools.cache
def names_in(file: str) -> set[str]:
    """The tests of a file."""
    found = ast.parse((_TOP / file).read_text()).body
    return {
        each.name
        for each in found
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    }


def numbers(cell: str) -> set[str]:
    """The controls that a cell such as `C1-C3, C20` names."""
    found = set()
    for first, last in re.findall(r"C(\d+)(?:-C(\d+))?", cell):
        found |= {f"C{number}" for number in range(int(first), int(last or first) + 1)}
    return found


def test_the_controls_are_numbered() -> None:
    assert list(CONTROLS) == [f"C{number}" for number in range(1, len(CONTROLS) + 1)]
    assert len(CONTROLS) > 30


@pytest.mark.parametrize("number", CONTROLS)
def test_every_control_is_where_it_says(number: str) -> None:
    modules = re.findall(r"`(git_orch/[\w/]+\.py)`", CONTROLS[number][3])
    assert modules
    assert [module for module in modules if not (_TOP / module).is_file()] == []


@pytest.mark.parametrize("number", CONTROLS)
def test_every_control_has_tests_that_exist(number: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", CONTROLS[number][4])
    assert named
    assert [f"{file}::{test}" for file, test in named if test not in names_in(file)] == []


def test_every_risk_of_the_lists_has_a_row_that_names_known_controls() -> None:
    risks = {row[0].split()[0]: row[1] for row in rows("OWASP")}
    lists = [("LLM", 2, 10), ("ASI", 2, 10), ("T", 1, 17)]
    assert list(risks) == [
        f"{name}{number:0{width}}" for name, width, last in lists for number in range(1, last + 1)
    ]
    assert {name for cell in risks.values() for name in numbers(cell)} <= set(CONTROLS)
    assert [
        risk for risk, cell in risks.items() if not numbers(cell) and not cell.startswith("none")
    ] == []
