"""What stands in the way of a plan is named before anything happens, with a command that helps."""

from __future__ import annotations

import json

import pytest
from conftest import Repo

PLAN = {"title": "F", "steps": [{"title": "x", "files": {"a.txt": "x\n"}}]}


def planned(repo: Repo, *words: str, expect: int = 0) -> str:
    """The ID of a plan made with these words, or with a status that is not 0 the error."""
    done = repo.orch("plan", "--from", "-", *words, stdin=json.dumps(PLAN), expect=expect)
    return done.stdout.split()[0] if expect == 0 else done.stderr


# -- a ref where git-orch has a directory ----------------------------------------------------------


@pytest.mark.parametrize("command", ["status", "pack-refs --all"])
@pytest.mark.parametrize(
    "ref", ["refs/orch", "refs/orch/kept", "refs/orch/results", "refs/notes/orch"]
)
def test_a_ref_in_the_way_is_found_when_a_plan_is_made(repo: Repo, ref: str, command: str) -> None:
    repo.git("update-ref", ref, "HEAD")
    repo.git(*command.split())
    error = planned(repo, expect=128)
    assert f"'{ref}' stands in the place of plans" in error
    for typed in error.partition("hint: ")[2].split("  #")[0].split(" && "):
        repo.git(*typed.split()[1:])
    planned(repo)


@pytest.mark.parametrize("ref", ["refs/orch", "refs/orch/kept", "refs/orch/results"])
def test_a_ref_in_the_way_is_found_before_a_step_runs(repo: Repo, ref: str) -> None:
    plan = planned(repo)
    tip = repo.git("rev-parse", f"orch/{plan}")
    repo.git("update-ref", ref, "HEAD")
    assert f"'{ref}' stands in the place of plans" in repo.orch("exec", expect=128).stderr
    assert repo.git("rev-parse", f"orch/{plan}") == tip


# -- uncommitted files -----------------------------------------------------------------------------


def test_a_conflict_is_named_before_a_snapshot_takes_its_marks_for_text(repo: Repo) -> None:
    repo.git("switch", "-qc", "other")
    repo.commit({"README.md": "theirs\n"})
    repo.git("switch", "-q", "main")
    repo.commit({"README.md": "ours\n"})
    repo.git("merge", "other", expect=1)
    assert "'README.md' has a conflict" in planned(repo, "--include-dirty", expect=6)


def test_other_worktrees_among_the_files_are_left_out(repo: Repo) -> None:
    repo.git("worktree", "add", "-q", ".worktrees/one", "-b", "one")
    repo.git("worktree", "add", "-q", ".tool/two", "-b", "two")
    repo.write({"dirty.txt": "mine\n"})
    plan = planned(repo, "--include-dirty")
    assert repo.git("ls-tree", "-r", "--name-only", f"orch/{plan}").split() == [
        "README.md",
        "dirty.txt",
    ]


def test_another_repository_among_the_files_is_refused(repo: Repo) -> None:
    repo.git("init", "-q", "sub")
    repo.git("-C", "sub", "commit", "-q", "--allow-empty", "-m", "x")
    error = planned(repo, "--include-dirty", expect=3)
    assert "'sub' is a repository inside your checkout" in error


# -- the surroundings ------------------------------------------------------------------------------


def test_a_locale_without_utf8_changes_nothing(repo: Repo) -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    steps = [
        {"title": "schön", "files": {"ü/é.txt": "ä\n"}},
        {"title": "run é", "run": "cat ü/é.txt > ö", "checks": ["grep ä ö"]},
    ]
    document = json.dumps({"title": "Täst é", "steps": steps}, ensure_ascii=False)
    made = repo.orch("plan", "--from", "-", stdin=document, env=env)
    plan = made.stdout.split()[0]
    repo.orch("exec", env=env)
    assert "run é" in repo.orch("show", plan, env=env).stdout
    repo.orch("land", env=env)
    assert repo.git("show", "main:ö") == "ä"
