"""A landing or a rebase that conflicts is resolved by hand in a worktree, and goes on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from conftest import Done, Here

PLAN: dict[str, Any] = {
    "title": "Meet",
    "steps": [
        {"title": "Write a", "run": "echo plan > a"},
        {"title": "Write b", "run": "echo plan > b", "checks": [{"command": "grep -qE 'main|plan' a"}]},
        {"title": "Write c", "run": "cat a b > c"},
    ],
}  # fmt: skip


@pytest.fixture
def plan(here: Here) -> str:
    """A plan that is done, on a branch that has other lines in the same files since."""
    made = here.plan(PLAN)
    here("exec", made)
    here.repo.commit({"a": "main\n"}, "a of main")
    return made


def place_of(stopped: Done) -> Path:
    """The worktree that the error names."""
    assert stopped.status in (1, 7)
    hint = stopped.err.rpartition("hint: cd ")[2]
    return Path(shlex.split(hint)[0])


@pytest.mark.parametrize("mode", ["merge", "squash", "rebase"])
def test_a_landing_conflict_is_solved_with_three_commands(here: Here, plan: str, mode: str) -> None:
    place = place_of(here("land", f"--{mode}", plan, expect=7))
    assert "<<<<<<<" in (place / "a").read_text()
    assert here.repo.git("diff", "--name-only", "--diff-filter=U", cwd=place) == "a"
    (place / "a").write_text("main\nplan\n")
    here.repo.git("add", "a", cwd=place)
    here("done")
    assert here.repo.git("show", "main:a") == "main\nplan"
    assert here.repo.git("status", "--porcelain") == ""
    assert not place.exists()
    assert here("ls", "--all").out.count("archived") == 1


def test_a_rebase_goes_on_from_conflict_to_conflict(here: Here, plan: str) -> None:
    here.repo.commit({"b": "main\n"}, "b of main")
    first = place_of(here("rebase", plan, expect=7))
    (first / "a").write_text("main\nplan\n")
    second = place_of(here("done", expect=7))
    assert (second / "a").read_text() == "main\nplan\n"
    (second / "b").write_text("both\n")
    here("done")
    assert here.show(plan)["state"] == "COMPLETE"
    assert here.repo.git("show", f"orch/{plan}:a") == "main\nplan"
    assert here.repo.git("show", f"orch/{plan}:b") == "both"
    here.repo.git("merge-base", "--is-ancestor", "main", f"orch/{plan}")
    here("land", plan)


def test_what_is_not_resolved_is_named_and_nothing_moves(here: Here, plan: str) -> None:
    main = here.repo.git("rev-parse", "main")
    place = place_of(here("land", plan, expect=7))
    assert "not resolved" in here("done", expect=7).err
    assert place_of(here("land", plan, expect=7)) == place
    assert here.repo.git("rev-parse", "main") == main


def test_a_resolution_that_fails_a_check_stays_to_be_mended(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("neither\n")
    assert str(place) in here("done", expect=1).err
    (place / "a").write_text("main plan\n")
    here("done")
    assert here.repo.git("show", "main:a") == "main plan"


def test_a_conflict_that_is_given_up_keeps_the_work_and_begins_anew(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("half\n")
    kept = here("land", "--abort").out.split()[-1]
    assert not place.exists()
    assert here.repo.git("show", f"{kept}:a") == "half"
    assert here.show(plan)["state"] == "COMPLETE"
    here("done", expect=3)
    assert "<<<<<<<" in (place_of(here("land", plan, expect=7)) / "a").read_text()


def test_what_git_aborted_begins_anew(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    here.repo.git("merge", "--abort", cwd=place)
    assert (
        f"git orch land --merge --onto main {here.repo.handle(plan)}" in here("done", expect=3).err
    )
    assert "<<<<<<<" in (place_of(here("land", plan, expect=7)) / "a").read_text()


def test_what_git_has_committed_counts(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    here.repo.git("commit", "-q", "-a", "--no-edit", cwd=place)
    here("done")
    assert here.repo.git("log", "-1", "--format=%s", "main").startswith("Merge plan")


def test_a_branch_that_moved_meanwhile_takes_what_was_resolved(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    here.repo.commit({"d": "later\n"}, "later")
    here("done")
    assert here.repo.git("show", "main:a") == "main plan"
    assert here.repo.git("show", "main:d") == "later"


def test_what_was_resolved_counts_when_something_else_was_in_the_way(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    (here.repo.path / "b").write_text("not committed\n")
    here("done", expect=6)
    (here.repo.path / "b").unlink()
    said = here("land", plan).err
    assert here.repo.git("show", "main:a") == "main plan"
    assert "never ran on both" not in said


def test_one_that_moved_into_the_conflict_begins_it_anew_and_says_so(here: Here, plan: str) -> None:
    place = place_of(here("land", plan, expect=7))
    (place / "a").write_text("main plan\n")
    here.repo.commit({"a": "main changed\n"}, "later")
    again = here("done", expect=7)
    assert "it conflicts with what you resolved before" in again.err
    text = (place_of(again) / "a").read_text()
    assert "main changed" in text
    assert "main plan" in text
    here("rebase", plan, expect=6)


def test_a_check_that_fails_after_a_rebase_is_mended_there(here: Here) -> None:
    document = {"title": "Count", "steps": [
        {"title": "Count", "run": "ls | wc -l > n", "checks": [{"command": "test $(ls | wc -l) -le 2"}]},
        {"title": "More", "run": "echo more >> n"},
    ]}  # fmt: skip
    plan = here.plan(document)
    here("exec", plan)
    here.repo.commit({"x": "x\n"}, "one more")
    place = place_of(here("rebase", plan, expect=1))
    assert here.repo.git("diff", "--cached", "--name-only", cwd=place) == "n"
    (place / "x").unlink()
    here("done")
    assert here.show(plan)["state"] == "COMPLETE"
    assert here.repo.git("ls-tree", "--name-only", f"orch/{plan}").split() == ["README.md", "n"]
