"""The repository's pre-commit hook: never run by git for us, and a check in the sandbox for those
who want it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import Repo, data


def hook(path: Path, text: str) -> None:
    """An executable hook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def wanted(value: str = "true") -> None:
    subprocess.run(["git", "config", "--global", "orch.runHooks", value], check=True)


def one_step(repo: Repo) -> str:
    return repo.plan({"title": "Hooked", "steps": [{"title": "Write", "files": {"a.txt": "a\n"}}]})


def test_a_hook_is_a_check_that_sees_what_would_be_committed(repo: Repo) -> None:
    wanted()
    hook(
        repo.path / ".git/hooks/pre-commit",
        "git diff --cached --name-status; git write-tree >/dev/null; pwd",
    )
    plan = one_step(repo)
    repo.orch("exec")
    [step] = data(repo.orch("show", plan, "--json").stdout)["steps"]
    [check] = step["checks"]
    assert (check["command"], check["passed"]) == ("pre-commit hook", True)
    assert check["output"].startswith("A\ta.txt\n/")


def test_a_hook_that_fails_fails_the_step(repo: Repo) -> None:
    wanted()
    hook(repo.path / ".git/hooks/pre-commit", "echo not so; exit 3")
    plan = one_step(repo)
    done = repo.orch("exec", expect=1)
    assert "error: step 1 failed: the pre-commit hook exited 3" in done.stderr
    assert "not so" in done.stderr
    assert repo.step_states(plan) == ["failed"]


@pytest.mark.parametrize("who", ["nobody", "the repository", "false"])
def test_without_the_users_word_no_hook_runs(repo: Repo, who: str) -> None:
    if who == "the repository":
        repo.git("config", "orch.runHooks", "true")
    elif who == "false":
        wanted("false")
    hook(repo.path / ".git/hooks/pre-commit", "exit 3")
    one_step(repo)
    repo.orch("exec")


@pytest.mark.parametrize("place", ["of the repository", "of the user"])
def test_the_hooks_path_of_git_counts(repo: Repo, place: str, hermetic: Path) -> None:
    wanted()
    if place == "of the repository":
        repo.git("config", "core.hooksPath", ".husky")
        hook(repo.path / ".husky/pre-commit", "echo husky; exit 4")
        repo.git("add", ".husky")
        repo.git("commit", "-qm", "hook", "--no-verify")
    else:
        hook(hermetic / "my hooks/pre-commit", "echo mine; exit 4")
        repo.git("config", "--global", "core.hooksPath", "~/my hooks")
    one_step(repo)
    assert "the pre-commit hook exited 4" in repo.orch("exec", expect=1).stderr


def test_a_hook_is_in_the_sandbox_and_what_it_changes_does_not_land(
    repo: Repo, hermetic: Path
) -> None:
    wanted()
    mark = hermetic / "MARK"
    hook(
        repo.path / ".git/hooks/pre-commit",
        f"touch {mark}; touch .git; echo x >> a.txt; git add a.txt",
    )
    plan = one_step(repo)
    assert "[the check changed a.txt: reverted]" in repo.orch("exec").stderr
    assert not mark.exists()
    assert repo.git("show", f"orch/{plan}:a.txt") == "a"
