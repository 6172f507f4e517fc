"""Commands that have become options of others, and their old names, which work with a note."""

from __future__ import annotations

import pytest
from conftest import Here, writing


def state(here: Here, plan: str) -> str:
    """The state of a plan."""
    found: str = here.show(plan)["state"]
    return found


def test_a_reason_rejects_a_plan_that_was_not_begun(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    assert "REJECTED, and archived" in here("archive", plan, "--why", "too risky").out
    assert state(here, plan) == "REJECTED"


def test_a_reason_rejects_a_plan_that_failed_before_a_step_was_done(here: Here) -> None:
    plan = here.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "exit 7"}]})
    here("exec", expect=1)
    here("archive", plan, "--why", "it fails")
    assert state(here, plan) == "REJECTED"


def test_a_reason_for_a_plan_that_has_done_steps_is_written_down(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    here("exec")
    here("archive", plan, "--why", "not needed")
    assert state(here, plan) == "COMPLETE"
    assert "why not needed" in here("log", "--json", plan).out.replace('": "', " ")


def test_an_archived_plan_comes_back(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    next_line = here("archive", plan).out.splitlines()[-1]
    assert next_line.startswith("next: git orch archive --undo ")
    here("archive", "--undo", plan)
    assert [line.split()[1] for line in here("ls").out.splitlines()] == ["CREATED"]


@pytest.mark.parametrize(
    ("words", "new"),
    [
        (["reject", "PLAN", "--why", "no"], "'git orch reject' is 'git orch archive --why' now"),
        (["unarchive", "PLAN"], "'git orch unarchive' is 'git orch archive --undo' now"),
    ],
)
def test_an_old_name_works_and_is_noted(here: Here, words: list[str], new: str) -> None:
    plan = here.plan(writing("a.txt"))
    if words[0] == "unarchive":
        here("archive", plan)
    assert f"note: {new}" in here(*(plan if word == "PLAN" else word for word in words)).err


def test_bringing_back_takes_no_reason_and_needs_a_plan(here: Here) -> None:
    assert (
        "--undo cannot be used with --why" in here("archive", "--undo", "--why", "x", expect=2).err
    )
    assert "hint: git orch ls --all" in here("archive", "--undo", expect=2).err


def test_a_reason_is_not_empty(here: Here) -> None:
    here.plan(writing("a.txt"))
    assert "--why is empty" in here("archive", "--why", " ", expect=2).err
