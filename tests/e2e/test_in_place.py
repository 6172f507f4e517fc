"""Steps in the user's own checkout, for those who ask for it by name."""

from __future__ import annotations

import pytest
from conftest import Repo


def two(*runs: str) -> dict[str, object]:
    return {
        "title": "In place",
        "steps": [{"title": f"Step {number}", "run": run} for number, run in enumerate(runs, 1)],
    }


@pytest.fixture
def plan(repo: Repo) -> str:
    """A plan whose branch is checked out, and which may work there; the user has an ignored and an untracked file."""
    repo.commit({".gitignore": "*.log\n"}, "ignore logs")
    found = repo.plan(two("cat mine.txt build.log > a.txt", "echo b > b.txt"))
    repo.git("switch", "-q", f"orch/{found}")
    repo.write({"mine.txt": "mine\n", "build.log": "log\n"})
    return found


def test_working_in_place_needs_an_approval_that_names_it(repo: Repo, plan: str) -> None:
    refused = repo.orch("exec", "--in-place", plan, expect=3).stderr
    assert "git orch approve" in refused
    assert "--in-place" in refused
    assert repo.git("status", "--porcelain") == "?? mine.txt"


def test_each_step_lands_under_the_users_feet_after_a_commit_of_what_was_uncommitted(repo: Repo, plan: str) -> None:
    """S1-177 to S1-180, S1-184: untracked files are in the checkpoint, ignored ones are there for the steps."""
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", "--in-place", plan)
    assert repo.git("log", "-3", "--reverse", "--format=%s").splitlines() == ["pre-step-1: Step 1", "Step 1", "Step 2"]
    assert repo.git("show", "--format=", "--name-only", "HEAD~2") == "mine.txt"
    assert (repo.path / "a.txt").read_text() == "mine\nlog\n"
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("symbolic-ref", "--short", "HEAD") == f"orch/{plan}"
    assert repo.step_states(plan) == ["done", "done"]


def test_another_branch_is_not_worked_on(repo: Repo, plan: str) -> None:
    repo.orch("approve", plan, "--in-place")
    repo.git("switch", "-q", "main")
    assert f"hint: git switch orch/{plan}" in repo.orch("exec", "--in-place", plan, expect=3).stderr


def test_a_failed_step_leaves_its_work_in_the_checkout_and_what_was_there_in_a_commit(repo: Repo) -> None:
    plan = repo.plan(two("rm README.md; echo half > half.txt; false"))
    repo.git("switch", "-q", f"orch/{plan}")
    repo.write({"README.md": "changed by me\n"})
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", "--in-place", plan, expect=1)
    assert repo.git("show", "HEAD:README.md") == "changed by me"
    assert repo.git("log", "-1", "--format=%s") == "pre-step-1: Step 1"
    assert (repo.path / "half.txt").read_text() == "half\n"
    assert not (repo.path / "README.md").exists()


def test_a_command_in_place_cannot_write_to_the_repository_itself(repo: Repo) -> None:
    plan = repo.plan(two("! touch .git/planted && ! git commit --allow-empty -m mine"))
    repo.git("switch", "-q", f"orch/{plan}")
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", "--in-place", plan)
    assert not (repo.path / ".git/planted").exists()


def test_a_repository_inside_the_checkout_is_not_put_at_risk(repo: Repo, plan: str) -> None:
    inner = repo.path / "inner"
    inner.mkdir()
    repo.git("init", "-q", cwd=inner)
    repo.orch("approve", plan, "--in-place")
    assert "a repository inside your checkout" in repo.orch("exec", "--in-place", plan, expect=3).stderr
    assert (inner / ".git").is_dir()
