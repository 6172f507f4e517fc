"""The whole road in one test: it proves the wiring."""

from __future__ import annotations

from conftest import Repo, writing


def test_a_plan_becomes_step_commits_and_a_rollback_is_a_ref_reset(repo: Repo) -> None:
    """S1-006, S1-191: a task becomes a plan, the plan becomes verified commits, and goes back."""
    plan = repo.plan(writing("a.txt", "b.txt"))
    repo.orch("exec")
    subjects = repo.git("log", "--format=%s", f"orch/{plan}").splitlines()
    assert subjects == ["Write b.txt", "Write a.txt", "plan: Write files", "first"]
    assert repo.step_states(plan) == ["done", "done"]

    repo.orch("rollback", "--to-step", "1", plan)
    assert repo.git("ls-tree", "--name-only", f"orch/{plan}").splitlines() == ["README.md", "a.txt"]
    assert repo.step_states(plan) == ["done", "pending"]

    repo.orch("rollback", "--undo", plan)
    assert repo.status(plan)["state"] == "COMPLETE"
