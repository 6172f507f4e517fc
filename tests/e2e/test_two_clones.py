"""A plan that came from another copy of the repository."""

from __future__ import annotations

import pytest
from conftest import Repo, writing


@pytest.fixture
def other(repo: Repo) -> Repo:
    """A clone of the repository."""
    repo.git("clone", "-q", str(repo.path), "../other")
    return Repo(repo.path.parent / "other")


def fetched(repo: Repo, other: Repo, plan: str) -> None:
    other.git("fetch", "-q", str(repo.path), f"refs/heads/orch/{plan}:refs/heads/orch/{plan}",
              f"refs/notes/orch/{plan}:refs/notes/orch/{plan}")  # fmt: skip


def test_a_plan_written_elsewhere_is_shown_but_not_run(repo: Repo, other: Repo) -> None:
    plan = repo.plan(writing("a"))
    fetched(repo, other, plan)
    assert other.step_states(plan) == ["pending"]
    done = other.orch("exec", plan, expect=3)
    assert "has no approval on this machine" in done.stderr
    assert other.orch("verify", plan, expect=None).returncode in (0, 3)
    assert other.git("worktree", "list").count("\n") == 0


def test_the_checks_of_a_plan_that_was_done_elsewhere_are_not_run(repo: Repo, other: Repo) -> None:
    plan = repo.plan(writing("a"))
    repo.orch("exec", plan)
    fetched(repo, other, plan)
    told = other.orch("exec", plan).stderr
    assert "its checks did not run on the tip: " in told
    assert "has no approval on this machine" in told
    assert not (other.path / ".git/orch/output").exists()


def test_its_text_makes_a_plan_of_ones_own(repo: Repo, other: Repo) -> None:
    plan = repo.plan(writing("a"))
    fetched(repo, other, plan)
    text = other.orch("show", plan, "--yaml").stdout
    (other.path / "plan.yaml").write_text(text)
    mine = other.orch("plan", "--from", "plan.yaml").stdout.split()[0]
    other.orch("exec", mine)
    assert other.step_states(mine) == ["done"]


def test_an_edit_from_elsewhere_makes_it_somebody_elses(repo: Repo, other: Repo) -> None:
    """What counts is the text that was made here, not who made the plan."""
    plan = repo.plan(writing("a"))
    fetched(repo, other, plan)
    changed = other.orch("show", plan, "--yaml").stdout.replace("Write a", "Write more")
    other.orch("edit", plan, "--from", "-", stdin=changed)
    repo.git("fetch", "-q", "../other", f"+refs/notes/orch/{plan}:refs/notes/orch/{plan}",
             f"+refs/heads/orch/{plan}:refs/heads/orch/{plan}")  # fmt: skip
    assert repo.orch("exec", plan, expect=None).returncode == 3
