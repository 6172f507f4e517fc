"""What the optional hooks do for plans, and that they do nothing for anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Prepared, Repo, writing

from git_orch.repo import hook_files

MANUAL = {"title": "By hand", "steps": [{"title": "Do it", "kind": "manual", "prompt": "do it"}]}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed git-orch on PATH, where hooks look for it."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def done(tmp_path: Path, prepared: Prepared, installed: None) -> tuple[Repo, str]:
    """A repository with the hooks, and the ID of a plan in it whose two steps are done; its branch
    is checked out.
    """

    def build(repo: Repo) -> str:
        plan = repo.plan(writing("a.txt", "b.txt"))
        repo.orch("exec")
        repo.orch("init", "--hooks")
        return plan

    repo, plan = prepared.at(tmp_path / "repo", "with hooks", build)
    repo.git("switch", "-q", f"orch/{plan}")
    return repo, plan


# -- post-rewrite ----------------------------------------------------------------------------------


def test_a_step_whose_amend_lost_its_line_is_known_again(done: tuple[Repo, str]) -> None:
    repo, plan = done

    repo.git("commit", "-q", "--amend", "-m", "My own words")

    assert repo.step_states(plan) == ["done", "done"]
    assert "git amend wrote 1 commit anew" in repo.orch("log", plan).stdout
    repo.git("switch", "-q", "main")
    repo.orch("exec", plan)
    assert repo.step_states(plan) == ["done", "done"]


def test_a_step_that_an_amend_changed_is_done_and_not_verified(done: tuple[Repo, str]) -> None:
    repo, plan = done
    repo.write({"b.txt": "other\n"})

    repo.git("commit", "-q", "-a", "--amend", "-m", "My own words")

    assert repo.step_states(plan) == ["done", "unverified"]


def test_a_rebase_that_melts_steps_together_keeps_both(done: tuple[Repo, str]) -> None:
    repo, plan = done
    editor = "sed -i 2s/^pick/fixup/"
    subprocess.run(
        ["git", "rebase", "-q", "-i", "HEAD~2"],
        cwd=repo.path, env={**os.environ, "GIT_SEQUENCE_EDITOR": editor}, check=True,
    )  # fmt: skip

    assert set(repo.step_states(plan)) <= {"done", "unverified"}


def test_an_amended_step_can_be_adopted_again(done: tuple[Repo, str]) -> None:
    repo, plan = done
    repo.write({"b.txt": "other\n"})
    repo.git("commit", "-q", "-a", "--amend", "-m", "My own words")
    repo.git("switch", "-q", "main")

    repo.orch("adopt", plan, "2")

    assert repo.step_states(plan) == ["done", "done"]


# -- prepare-commit-msg ----------------------------------------------------------------------------


@pytest.fixture
def by_hand(repo: Repo, installed: None) -> tuple[Repo, Path, str]:
    """A repository with the hooks, the worktree of its manual step, and its plan."""
    plan = repo.plan(MANUAL)
    repo.orch("init", "--hooks")
    repo.orch("exec", expect=None)
    return repo, Path(repo.status(plan)["steps"][0]["worktree"]), plan


def test_a_commit_in_the_worktree_of_a_step_names_the_step(
    by_hand: tuple[Repo, Path, str],
) -> None:
    repo, worktree, plan = by_hand

    repo.commit({"a": "a\n"}, "Mine", cwd=worktree)
    repo.commit({"a": "b\n"}, "Mine, too", cwd=worktree)
    repo.git("commit", "-q", "--amend", "--no-edit", cwd=worktree)

    message = repo.git("log", "-1", "--format=%B", cwd=worktree)
    assert message.startswith(f"Mine, too\n\nOrch-Step: {plan}/s1@")
    assert message.count("Orch-Step") == 1
    repo.orch("done", plan)
    assert repo.step_states(plan) == ["done"]


def test_commits_elsewhere_stay_as_typed(by_hand: tuple[Repo, Path, str]) -> None:
    repo, _, _ = by_hand

    repo.commit({"x": "x\n"}, "Mine")

    assert repo.git("log", "-1", "--format=%B") == "Mine"


# -- pre-push --------------------------------------------------------------------------------------


@pytest.fixture
def remote(done: tuple[Repo, str], tmp_path: Path) -> tuple[Repo, str]:
    """The same repository with an empty remote `origin`."""
    repo, plan = done
    repo.git("init", "-q", "--bare", str(tmp_path / "origin"))
    repo.git("remote", "add", "origin", str(tmp_path / "origin"))
    return repo, plan


def push(repo: Repo, *refs: str) -> subprocess.CompletedProcess[str]:
    """What a push of these refs to the remote says."""
    return subprocess.run(
        ["git", "push", "-q", "origin", *refs], cwd=repo.path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_a_plan_branch_without_its_log_is_held_back_with_the_push_to_type(
    remote: tuple[Repo, str],
) -> None:
    repo, plan = remote

    held = push(repo, f"orch/{plan}")

    assert held.returncode != 0
    assert repo.git("ls-remote", "origin") == ""
    hint = held.stderr.partition("hint: ")[2].splitlines()[0]
    assert hint == f"git push origin orch/{plan} refs/notes/orch/{plan}"
    assert push(repo, *hint.split()[3:]).returncode == 0


def test_a_branch_goes_out_where_the_remote_has_its_log(remote: tuple[Repo, str]) -> None:
    repo, plan = remote

    assert push(repo, f"refs/notes/orch/{plan}").returncode == 0
    assert push(repo, f"orch/{plan}").returncode == 0


def test_unverified_steps_are_held_back_where_that_is_asked_for(remote: tuple[Repo, str]) -> None:
    repo, plan = remote
    repo.write({"b.txt": "other\n"})
    repo.git("commit", "-q", "-a", "--amend", "--no-edit")
    both = (f"orch/{plan}", f"refs/notes/orch/{plan}")
    repo.git("config", "--global", "orch.requireVerified", "true")

    held = push(repo, *both)

    assert "step 2 of" in held.stderr
    assert f"hint: git orch verify {repo.handle(plan)}" in held.stderr
    repo.git("config", "--global", "orch.requireVerified", "false")
    assert push(repo, *both).returncode == 0


# -- all of them -----------------------------------------------------------------------------------


@pytest.fixture
def calls(done: tuple[Repo, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git-orch on PATH that writes down its arguments, and fails; gives the file."""
    written = tmp_path / "calls"
    program = tmp_path / "bin" / "git-orch"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {written}\nexit 70\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return written


def test_on_other_branches_git_orch_is_never_started(remote: tuple[Repo, str], calls: Path) -> None:
    repo, _ = remote
    repo.git("switch", "-q", "main")

    repo.commit({"x": "x\n"}, "Mine")
    repo.git("commit", "-q", "--amend", "-m", "Mine again")
    repo.git("branch", "-q", "side")
    repo.git("rebase", "-q", "--force-rebase", "HEAD~1")
    assert push(repo, "main", "side").returncode == 0

    assert not calls.exists()


def test_hooks_that_fail_lose_nothing(remote: tuple[Repo, str], calls: Path) -> None:
    repo, plan = remote

    repo.git("commit", "-q", "--amend", "-m", "My own words")

    assert repo.git("log", "-1", "--format=%s") == "My own words"
    assert push(repo, f"orch/{plan}").returncode == 0
    names = {line.split()[1] for line in calls.read_text().splitlines()}
    assert names == {"reference-transaction", "post-rewrite", "pre-push"}


@pytest.mark.parametrize("name", hook_files.NAMES)
def test_each_hook_is_posix_shell(name: str) -> None:
    script = hook_files.SCRIPTS / name
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    assert script.read_text().startswith("#!/bin/sh\n")
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("words", [["other"], ["post-rewrite"], ["pre-push", "a", "b", "c"]])
def test_a_hook_that_there_is_not_is_a_mistake(repo: Repo, words: list[str]) -> None:
    assert "there is no hook" in repo.orch("hook", *words, expect=2).stderr
