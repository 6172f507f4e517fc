"""It stops, and says so, when it cannot do what was asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Repo


def set_globally(name: str, value: str) -> None:
    subprocess.run(["git", "config", "--global", name, value], check=True)


def one(**step: object) -> dict[str, Any]:
    """A plan of one step."""
    return {"title": "One", "steps": [{"title": "Do it", **step}]}


# -- the worktree of a manual step -----------------------------------------------------------------


@pytest.fixture
def manual(repo: Repo) -> Repo:
    """A repository in which a manual step waits."""
    repo.plan(one(kind="manual"))
    repo.orch("exec", expect=9)
    return repo


def place_of(repo: Repo) -> Path:
    """The worktree where the manual step is to be done."""
    listed = repo.git("worktree", "list", "--porcelain").split("\n\n")[-1]
    return Path(listed.splitlines()[0].removeprefix("worktree "))


def test_a_manual_step_whose_worktree_was_removed_does_not_land(manual: Repo) -> None:
    shutil.rmtree(place_of(manual))
    refused = manual.orch("done", expect=3).stderr
    assert "there is no worktree with the work for step 1" in refused


def test_a_manual_step_that_nobody_began_does_not_land(repo: Repo) -> None:
    plan = repo.plan(one(kind="manual"))
    repo.orch("approve", plan)
    repo.orch("done", expect=3)
    manual = repo
    manual.orch("exec", expect=9)
    manual.orch("done")
    assert repo.step_states(plan) == ["done"]


def test_a_manual_worktree_that_was_moved_is_named_and_the_hint_brings_it_back(
    manual: Repo, tmp_path: Path
) -> None:
    (place_of(manual) / "mine.txt").write_text("mine\n")
    there = tmp_path / "moved here"
    manual.git("worktree", "move", "--force", "--force", str(place_of(manual)), str(there))
    assert f"is at '{there}'" in manual.orch("exec", expect=3).stderr
    refused = manual.orch("done", expect=3).stderr
    assert f"is at '{there}'" in refused
    manual.follow(refused)
    manual.orch("done")
    (plan,) = manual.git("for-each-ref", "--format=%(refname:short)", "refs/heads/orch/").split()
    assert manual.git("show", f"{plan}:mine.txt") == "mine"


def test_a_manual_worktree_of_a_repository_that_was_renamed_is_named(manual: Repo) -> None:
    (place_of(manual) / "mine.txt").write_text("mine\n")
    there = manual.path.with_name("renamed")
    manual.path.rename(there)
    renamed = Repo(there)
    renamed.orch("approve")
    refused = renamed.orch("done", expect=3).stderr
    assert "the worktree of the manual step is at" in refused
    renamed.follow(refused)
    renamed.orch("done")
    (plan,) = renamed.git("for-each-ref", "--format=%(refname:short)", "refs/heads/orch/").split()
    assert renamed.git("show", f"{plan}:mine.txt") == "mine"


# -- hooks -----------------------------------------------------------------------------------------


def program(path: Path, text: str) -> None:
    """Write a program of sh."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_hook_that_only_the_checkout_has_stops_the_step(repo: Repo) -> None:
    repo.commit({".gitignore": ".husky/_/\n"})
    program(repo.path / ".husky/_/pre-commit", "exit 0")
    repo.git("config", "core.hooksPath", ".husky/_")
    set_globally("orch.runHooks", "true")
    plan = repo.plan(one(run="echo 1 > a"))
    said = repo.orch("exec", expect=None)
    assert said.returncode != 0
    assert "the hook '.husky/_/pre-commit' is in your checkout, and no commit has it" in said.stderr
    assert repo.step_states(plan) == ["failed"]


@pytest.mark.parametrize("status", [0, 1])
def test_a_hook_that_is_a_link_to_a_tracked_script_runs(repo: Repo, status: int) -> None:
    program(repo.path / "tools/hook", f"test -f a && exit {status}")
    repo.commit({})
    (repo.path / ".git/hooks").mkdir(exist_ok=True)
    (repo.path / ".git/hooks/pre-commit").symlink_to("../../tools/hook")
    set_globally("orch.runHooks", "true")
    repo.plan(one(run="echo 1 > a"))
    said = repo.orch("exec", expect=status).stderr
    assert ("the pre-commit hook" in said) == bool(status)


# -- .worktreeinclude ------------------------------------------------------------------------------


@pytest.fixture
def including(repo: Repo) -> Repo:
    """A repository with a list of ignored files for worktrees, which its user allows."""
    repo.commit(
        {".gitignore": "*.local\n.env\nmany/\n", ".worktreeinclude": "*.local\n.env\nmany/\n"}
    )
    set_globally("orch.worktreeInclude", "true")
    return repo


def test_links_and_programs_are_copied_as_what_they_are(including: Repo) -> None:
    program(including.path / "tool.local", "echo ran")
    (including.path / "link.local").symlink_to("README.md")
    (including.path / "d").mkdir()
    (including.path / "d/up.local").symlink_to("../README.md")
    run = (
        "test -L link.local; cmp link.local README.md; cmp d/up.local README.md; ./tool.local > out"
    )
    including.plan(one(run=run, checks=[{"command": run.rpartition(";")[0]}]))
    including.orch("exec")


NOT_COPIED: dict[str, tuple[str, str]] = {
    "a secret by its name": (".env", "looks like a secret"),
    "a link out of the tree": ("out.local", "is a link out of the tree"),
    "a FIFO": ("pipe.local", "is no plain file"),
    "a secret in it": ("key.local", "holds what looks like a secret"),
}


@pytest.mark.parametrize(("name", "reason"), NOT_COPIED.values(), ids=NOT_COPIED)
def test_what_is_not_copied_is_named_and_no_step_runs(
    including: Repo, name: str, reason: str
) -> None:
    path = including.path / name
    if name == "out.local":
        path.symlink_to("/etc/passwd")
    elif name == "pipe.local":
        os.mkfifo(path)
    else:
        path.write_text("A=sk-ant-REDACTED-0123456789abcdef\n" if name == "key.local" else "A=1\n")
    including.plan(one(run="touch ran"))
    said = including.orch("exec", expect=None)
    if name == "pipe.local":  # git lists no such files
        assert said.returncode == 0
        return
    assert said.returncode != 0
    assert f"'{name}' of .worktreeinclude {reason}" in said.stderr


def test_more_than_a_thousand_files_are_copied(including: Repo) -> None:
    including.write({f"many/{number}": "x" for number in range(1_200)})
    including.plan(one(run='test "$(ls many | wc -l)" = 1200'))
    including.orch("exec")


# -- filters ---------------------------------------------------------------------------------------


def test_a_change_to_a_file_whose_filter_failed_does_not_land(repo: Repo) -> None:
    repo.commit({".gitattributes": "*.big filter=far\n", "a.big": "pointer\n", "b.txt": "1\n"})
    set_globally("filter.far.clean", "cat")
    set_globally("filter.far.smudge", "false")
    set_globally("filter.far.required", "true")
    plan = repo.plan(one(run="echo more >> a.big"))
    said = repo.orch("exec", expect=1).stderr
    assert "'a.big' is not there but as git stores it" in said
    assert repo.step_states(plan) == ["failed"]
    other = repo.plan(one(run="echo 2 > b.txt"))
    repo.orch("exec", other)
