"""The sections of the specification, and which tests prove them.

A test proves the rows that its docstring, or that of its module, names (`S1-141`, `S1-030 to
S1-039`), and a module of tests the sections that name it here. So that these can be run alone, each
such test has the marker `spec` with the section, such as `S1-2.1`, and its rows as keywords.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parent.parent
KINDS = ("unit", "repository", "e2e")
_CITED = re.compile(r"\b(S[0-9])-([0-9]{3})(?: to (?:S[0-9]-)?([0-9]{3}))?")
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")


class Section(NamedTuple):
    """A section: what it is about, the numbers of its rows, and modules that are about it."""

    title: str
    rows: str
    modules: tuple[str, ...] = ()

    def numbers(self) -> Iterator[int]:
        """The numbers of its rows."""
        for first, last in _RANGE.findall(self.rows):
            yield from range(int(first), int(last or first) + 1)


SECTIONS: Mapping[str, Section] = {
    "S1-0.1": Section("package structure", "14-20", ("unit/plans/test_document.py",)),
    "S1-0.2": Section("types and interfaces", "21-29", ("unit/plans/test_schema.py",)),
    "S1-1.1": Section("capabilities", "30-44", ("repository/flow/test_doctor.py",)),
    "S1-1.2": Section(
        "command policy", "45-59,66-67",
        ("unit/sandbox/test_policy_fuzz.py", "e2e/test_attacks.py"),
    ),
    "S1-2.1": Section("cost", "68-78,82-84", ("repository/repo/test_ledger.py",)),
    "S1-2.2": Section(
        "approval", "85-96",
        ("unit/plans/test_approval.py", "repository/repo/test_approvals.py"),
    ),
    "S1-2.3": Section("what tools may do", "135,137-138", ("repository/repo/test_snapshot.py",)),
    "S1-2.4": Section(
        "what commands may be", "60-65",
        ("unit/sandbox/test_policy_fuzz.py", "e2e/test_hostile_text.py"),
    ),
    "S1-2.5": Section("budgets", "79-81,129,291-292", ("repository/repo/test_ledger.py",)),
    "S1-3.1": Section("planning", "97-111", ("repository/flow/test_symbols.py",)),
    "S1-3.2": Section("validation", "112-121", ("repository/flow/test_command_policy.py",)),
    "S1-3.3": Section("steps", "122-128,130-134,136,139-146"),
    "S1-3.4": Section("the run", "147-159", ("unit/agents/test_conversation.py",)),
    "S1-4.1": Section("checks in plans", "160-166", ("e2e/test_plan_files.py",)),
    "S1-4.2": Section(
        "checks that run", "167-175",
        ("unit/plans/test_missing.py", "repository/repo/test_receipts.py"),
    ),
    "S1-5.1": Section("a commit for each step", "176-190"),
    "S1-5.2": Section("rollback", "191-206", ("repository/flow/test_recovery.py",)),
    "S1-5.3": Section(
        "further attempts", "207-216",
        ("unit/plans/test_step_retry.py", "repository/flow/test_step_landing.py"),
    ),
    "S1-5.4": Section("states", "217-224", ("repository/flow/test_recovery.py",)),
    "S1-6.1": Section(
        "parts of a plan", "225-232",
        ("unit/plans/test_selection.py", "repository/flow/test_step_landing.py"),
    ),
    "S1-6.2": Section("steps at once", "233-243", ("repository/flow/test_step_landing.py",)),
    "S1-6.3": Section(
        "progress", "244-256",
        (
            "unit/views/test_progress.py",
            "unit/views/test_course.py",
            "repository/views/test_console.py",
            "e2e/test_signals.py",
        ),
    ),
    "S1-6.4": Section(
        "templates", "257-270",
        ("unit/plans/test_planfile.py", "repository/templates/test_render.py", "e2e/test_road.py"),
    ),
    "S1-6.5": Section(
        "traces and audit", "271-280",
        ("unit/agents/test_trace.py", "repository/repo/test_phases.py", "e2e/test_audit.py"),
    ),
}  # fmt: skip

_OF_ROWS = {
    f"{name.partition('-')[0]}-{number:03}": name
    for name, section in SECTIONS.items()
    for number in section.numbers()
}


def rows_in(text: str | None) -> set[str]:
    """The rows that a docstring names."""
    found = set[str]()
    for seed, first, last in _CITED.findall(text or ""):
        found |= {f"{seed}-{number:03}" for number in range(int(first), int(last or first) + 1)}
    return found


def sections_of(module: str, rows: set[str]) -> set[str]:
    """The sections that a test proves: `module` is its file, below the directory of tests."""
    named = {name for name, section in SECTIONS.items() if module in section.modules}
    return named | {_OF_ROWS[row] for row in rows if row in _OF_ROWS}


def matches(section: str, wanted: str) -> bool:
    """Whether somebody who asks for `S1-2.1`, or for 2.1, means this section."""
    return wanted in (section, section.partition("-")[2])


def proven() -> Iterator[tuple[str, str]]:
    """Section and kind (unit, repository, e2e) of each test."""
    for kind in KINDS:
        for path in sorted((TESTS / kind).rglob("test_*.py")):
            module = ast.parse(path.read_text("utf-8"))
            above = rows_in(ast.get_docstring(module))
            name = path.relative_to(TESTS).as_posix()
            for function in module.body:
                if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                    rows = above | rows_in(ast.get_docstring(function))
                    yield from ((section, kind) for section in sections_of(name, rows))
