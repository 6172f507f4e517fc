"""Tasks in groups."""

from __future__ import annotations

import pytest

from git_orch.plans.documents import task_groups
from git_orch.plans.plan import Check, Command, Step


@pytest.mark.parametrize(
    ("title", "group"),
    [
        ("Set up the OAuth2 library", "Development"),
        ("setup: virtual environment", "Development"),
        ("Install dependencies", "Development"),
        ("Add the new dependencies", "Development"),
        ("Create the user model", "Implementation"),
        ("Implement the test runner", "Implementation"),
        ("Add session management", "Implementation"),
        ("Write unit tests", "Testing"),
        ("Test: login", "Testing"),
        ("Verify the migration", "Validation"),
        ("Write the documentation", "Documentation"),
        ("Update README.md", "Documentation"),
        ("Document: login", "Documentation"),
        ("Rebuild the index", "Implementation"),
        ("Fix the contest page", "Implementation"),
        ("Docker image", "Implementation"),
        ("Attest the latest build", "Implementation"),
    ],
)
def test_whole_words_of_a_title_tell_the_group(title: str, group: str) -> None:
    """S2-065: "contest" is no test, "docker" no document, "rebuild" no user interface."""
    assert task_groups.of_step(Step("s1", title, "manual")) == group


@pytest.mark.parametrize(
    ("paths", "group"),
    [
        (("tests/test_login.py",), "Testing"),
        (("src/login.test.ts", "tests/"), "Testing"),
        (("pkg/login_test.go",), "Testing"),
        (("docs/login.txt", "README.md"), "Documentation"),
        (("src/login.py", "tests/test_login.py"), "Implementation"),
        (("src/latest/contest.py",), "Implementation"),
    ],
)
def test_paths_outweigh_words(paths: tuple[str, ...], group: str) -> None:
    assert task_groups.of_step(Step("s1", "Add login", "agent", paths=paths)) == group


def test_a_step_that_runs_its_own_check_is_testing() -> None:
    command = Command(argv=("make", "proof"))
    step = Step("s1", "Prove", "run", command=command, checks=(Check("unit", command),))

    assert task_groups.of_step(step) == "Testing"


@pytest.mark.parametrize(
    ("headings", "group"),
    [
        (("Acceptance Criteria",), "Validation"),
        (("Acceptance Criteria", "Documentation"), "Documentation"),
        (("Implementation Steps",), "Implementation"),
        ((), "Implementation"),
    ],
)
def test_the_innermost_heading_that_names_a_group_decides(
    headings: tuple[str, ...], group: str
) -> None:
    assert task_groups.of_text("A user can log in", headings) == group


@pytest.mark.parametrize(
    ("typed", "group"),
    [("testing", "Testing"), ("Doc", "Documentation"), ("", None), ("D", None), ("x", None)],
)
def test_a_person_names_a_group_by_its_beginning(typed: str, group: str | None) -> None:
    assert task_groups.named(typed) == group
