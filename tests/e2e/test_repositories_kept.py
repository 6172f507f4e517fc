"""Where a user goes on with git after a run, no step has made git run something: in their checkout,
in a directory without one, in the worktree of a manual step.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Repo


class Attacked:
    """A repository whose steps try to have git run a program; `ran` says whether it did."""

    def __init__(self, repo: Repo, place: Path) -> None:
        self.repo = repo
        self.mark = place / "MARK"
        self.evil = place / "evil.sh"
        self.evil.write_text(f"#!/bin/sh\ntouch '{self.mark}'\n")
        self.evil.chmod(0o755)

    def steps(self, *runs: dict[str, Any]) -> dict[str, Any]:
        """A plan of steps, in which EVIL is the program."""
        document = {
            "title": "Attack",
            "steps": [{"title": f"Step {number}", **run} for number, run in enumerate(runs, 1)],
        }
        made: dict[str, Any] = json.loads(json.dumps(document).replace("EVIL", str(self.evil)))
        return made

    def in_place(self, *runs: dict[str, Any], expect: int = 1) -> str:
        """What a run in the checkout says on its standard error."""
        plan = self.repo.plan(self.steps(*runs))
        self.repo.git("switch", "-q", f"orch/{plan}")
        self.repo.orch("approve", plan, "--in-place")
        return self.repo.orch("exec", "--in-place", plan, expect=expect).stderr

    def without_git(self, place: Path, *runs: dict[str, Any], expect: int = 1) -> str:
        """The same for a run without git in a directory."""
        plan = json.dumps(self.steps(*runs))
        ceiling = {"GIT_CEILING_DIRECTORIES": str(place.parent)}
        typed = ("exec", "--no-git", "--from", "-")
        return self.repo.orch(*typed, stdin=plan, cwd=place, env=ceiling, expect=expect).stderr

    def ran(self, *places: Path) -> bool:
        """Whether the program runs when the user asks git in these directories."""
        for place in places:
            self.repo.git("status", cwd=place, expect=None)
        return self.mark.exists()


@pytest.fixture
def attacked(repo: Repo, tmp_path: Path) -> Attacked:
    return Attacked(repo, tmp_path)


@pytest.fixture
def submodule(repo: Repo, tmp_path: Path) -> Path:
    """A submodule of the repository, checked out in it."""
    other = tmp_path / "other"
    other.mkdir()
    for args in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "other"]):
        repo.git(*args, cwd=other)
    allowed = ("-c", "protocol.file.allow=always")
    repo.git(*allowed, "submodule", "add", "-q", str(other), "sub")
    repo.git("commit", "-q", "-m", "submodule")
    return repo.path / "sub"


def test_a_checkout_whose_git_is_a_link_is_refused_before_anything_runs(
    attacked: Attacked, tmp_path: Path
) -> None:
    git = attacked.repo.path / ".git"
    git.rename(tmp_path / "elsewhere")
    git.symlink_to("../elsewhere")
    refused = attacked.in_place({"run": "touch ran"}, expect=3)
    assert f"'{git}' is a link" in refused
    assert not (attacked.repo.path / "ran").exists()


@pytest.mark.parametrize(
    "run",
    [
        "echo 'gitdir: ../y' > sub/.git",
        "rm -f sub/.git; ln -s ../y sub/.git",
        "git -C sub config core.fsmonitor EVIL",
        "rm -f sub/.git; git init -q sub; git -C sub config core.fsmonitor EVIL",
    ],
)
def test_a_submodule_stays_what_it_is(attacked: Attacked, submodule: Path, run: str) -> None:
    attacked.in_place({"run": f"{run}; true", "shell": "plain"}, expect=0)
    assert not attacked.ran(attacked.repo.path, submodule)
    assert attacked.repo.git("rev-parse", "--git-dir", cwd=submodule).endswith(".git/modules/sub")


def test_the_directory_of_a_submodule_cannot_be_replaced(
    attacked: Attacked, submodule: Path
) -> None:
    run = "mv sub s; mkdir sub; git init -q sub; git -C sub config core.fsmonitor EVIL"
    assert "mv: cannot move 'sub'" in attacked.in_place({"run": run})
    assert not attacked.ran(attacked.repo.path, submodule)


def test_a_check_makes_no_repository_in_the_checkout(attacked: Attacked) -> None:
    check = {"command": "git init -q a/b; git -C a/b config core.fsmonitor EVIL"}
    attacked.in_place({"run": "true", "checks": [check]}, expect=0)
    assert not (attacked.repo.path / "a").exists()


def test_a_new_repository_in_the_checkout_fails_the_step(attacked: Attacked) -> None:
    run = "mkdir -p a/b; git init -q a/b; git -C a/b config core.fsmonitor EVIL"
    error = attacked.in_place({"run": run})
    assert f"the repositories in '{attacked.repo.path}' changed: 'a/b/.git' is new" in error
    renamed = re.search(r"\(git-orch renamed it to '(a/b/git-refused-\w{8})'\)", error)
    assert renamed is not None
    assert f"hint: ls -la {attacked.repo.path / renamed[1]}\n" in error
    assert attacked.repo.git("rev-parse", "--show-toplevel", cwd=attacked.repo.path / "a/b") == str(
        attacked.repo.path
    )
    assert not attacked.ran(attacked.repo.path, attacked.repo.path / "a/b")


BARE = {
    "files": {
        "d/HEAD": "ref: refs/heads/x\n", "d/objects/x": "", "d/refs/x": "",
        "d/config": "[core]\n\tbare = false\n\tworktree = ..\n\tfsmonitor = EVIL\n",
    }
}  # fmt: skip


@pytest.mark.parametrize("how", ["in place", "without git"])
def test_files_that_make_a_repository_fail_the_step(
    attacked: Attacked, tmp_path: Path, how: str
) -> None:
    place = attacked.repo.path if how == "in place" else tmp_path / "plain"
    place.mkdir(exist_ok=True)
    error = attacked.in_place(BARE) if how == "in place" else attacked.without_git(place, BARE)
    assert "'d' has become a repository" in error
    if how == "in place":
        assert f"hint: ls -la {place / 'd'}\n" in error
    assert not attacked.ran(place, place / "d")


@pytest.mark.parametrize("made", ["one", "inner/other", "."])
def test_a_run_above_repositories_changes_none_and_makes_none(
    attacked: Attacked, tmp_path: Path, made: str
) -> None:
    place = tmp_path / "above"
    for name in ("one", "inner/two"):
        (place / name).mkdir(parents=True)
        attacked.repo.git("init", "-q", cwd=place / name)
    run = f"for each in {made} one inner/two; do git init -q $each; git -C $each config core.fsmonitor EVIL; done; true"
    attacked.without_git(place, {"run": run, "shell": "plain"}, expect=0 if made == "one" else 1)
    assert not attacked.ran(place, place / made, place / "one", place / "inner/two")


def test_a_check_of_a_manual_step_makes_no_repository_where_a_person_works(
    attacked: Attacked,
) -> None:
    check = {"command": "git init -q a; git -C a config core.fsmonitor EVIL"}
    plan = attacked.repo.plan(attacked.steps({"kind": "manual", "checks": [check]}))
    attacked.repo.orch("exec", plan, expect=None)
    (worktree,) = Path(os.environ["XDG_STATE_HOME"]).glob("git-orch/worktrees/*/*-manual")
    (worktree / "a").mkdir()
    (worktree / "a/mine.txt").write_text("mine\n")
    attacked.repo.orch("done", plan)
    assert attacked.repo.git("ls-tree", "--name-only", f"orch/{plan}", "a/") == "a/mine.txt"


def test_no_special_bits_stay_in_a_worktree_that_is_kept(repo: Repo) -> None:
    repo.git("config", "--global", "orch.keepWorktrees", "true")
    repo.commit({"d/tracked": "x\n"})
    run = "chmod 6755 d/tracked; chmod 3777 d .; echo x > new"
    plan = repo.plan({"title": "Bits", "steps": [{"title": "Set", "run": run}]})
    repo.orch("exec", plan)
    (worktree,) = Path(os.environ["XDG_STATE_HOME"]).glob("git-orch/worktrees/*/pool-1")
    special = [path for path in worktree.rglob("*") if path.lstat().st_mode & 0o7000]
    assert (special, worktree.stat().st_mode & 0o7000) == ([], 0)
