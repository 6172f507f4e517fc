"""Where the files of a repository are is asked of git, from wherever the user stands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Repo, writing


def do(repo: Repo, cwd: Path, *located: str) -> None:
    """Plan, execute and land, typed as `git LOCATED orch ...` in a directory."""
    document = writing("a.txt")
    env = variables(*located)
    repo.orch("plan", "--from", "-", stdin=json.dumps(document), cwd=cwd, env=env)
    repo.orch("exec", cwd=cwd, env=env)
    repo.orch("land", cwd=cwd, env=env)


def variables(*located: str) -> dict[str, str]:
    """What git gives a subcommand for its own options."""
    names = {"--git-dir": "GIT_DIR", "--work-tree": "GIT_WORK_TREE"}
    pairs = (option.partition("=") for option in located)
    return {names[name]: value for name, _, value in pairs}


def state(git_dir: Path, tree: Path) -> tuple[list[str], str]:
    """The files in a directory, and what git says of them."""
    repo = Repo(tree)
    located = (f"--git-dir={git_dir}", f"--work-tree={tree}")
    said = repo.git(*located, "status", "--porcelain", "--untracked-files=no")
    return sorted(name for name in os.listdir(tree) if name != ".git"), said


LANDED = (["README.md", "a.txt"], "")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A directory that is none of the repository's."""
    path = tmp_path / "other"
    path.mkdir()
    return path


@pytest.fixture
def apart(repo: Repo, tmp_path: Path) -> Path:
    """The directory that core.worktree names for the files of the repository."""
    tree = tmp_path / "apart"
    tree.mkdir()
    (repo.path / "README.md").rename(tree / "README.md")
    repo.git("config", "core.worktree", str(tree))
    return tree


def test_a_landing_from_another_directory_reaches_the_files(repo: Repo, other: Path) -> None:
    do(repo, other, f"--git-dir={repo.path}/.git", f"--work-tree={repo.path}")
    assert state(repo.path / ".git", repo.path) == LANDED


def test_who_names_the_git_directory_alone_does_not_mean_the_directory_where_they_stand(
    repo: Repo, other: Path
) -> None:
    do(repo, other, f"--git-dir={repo.path}/.git")
    assert (state(repo.path / ".git", repo.path), os.listdir(other)) == (LANDED, [])


def test_who_names_the_git_directory_from_below_means_the_whole_tree(repo: Repo) -> None:
    (repo.path / "sub").mkdir()
    do(repo, repo.path / "sub", f"--git-dir={repo.path}/.git")
    assert os.listdir(repo.path / "sub") == []
    assert "a.txt" in os.listdir(repo.path)


def test_a_landing_from_inside_the_git_directory_reaches_the_files(repo: Repo) -> None:
    do(repo, repo.path / ".git")
    assert state(repo.path / ".git", repo.path) == LANDED


def test_inside_the_git_directory_of_a_worktree_its_own_branch_is_meant(
    repo: Repo, tmp_path: Path
) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    git_dir = repo.path / ".git/worktrees/linked"
    do(repo, git_dir)
    assert state(git_dir, tmp_path / "linked") == LANDED
    assert state(repo.path / ".git", repo.path) == (["README.md"], "")


def test_uncommitted_files_are_taken_in_from_inside_the_git_directory(repo: Repo) -> None:
    (repo.path / "new").write_text("new\n")
    document = json.dumps(writing("a.txt"))
    words = ("plan", "--from", "-", "--include-dirty")
    plan = repo.orch(*words, stdin=document, cwd=repo.path / ".git").stdout.split()[0]
    repo.orch("exec")
    assert repo.git("ls-tree", "--name-only", f"orch/{plan}") == "README.md\na.txt\nnew"


@pytest.mark.parametrize("place", ["repo", "other", "apart"])
def test_a_landing_goes_where_core_worktree_says_and_not_beside_the_git_directory(
    repo: Repo, other: Path, apart: Path, place: str
) -> None:
    cwd = {"repo": repo.path, "other": other, "apart": apart}[place]
    do(repo, cwd, f"--git-dir={repo.path}/.git", f"--work-tree={apart}")
    assert state(repo.path / ".git", apart) == LANDED
    assert os.listdir(repo.path) == [".git"]


@pytest.mark.parametrize("below", ["", "sub"])
def test_core_worktree_counts_for_who_names_the_git_directory_and_stands_in_the_files(
    repo: Repo, apart: Path, below: str
) -> None:
    (apart / "sub").mkdir()
    do(repo, apart / below, f"--git-dir={repo.path}/.git")
    assert (os.listdir(repo.path), "a.txt" in os.listdir(apart)) == ([".git"], True)


def test_core_worktree_of_the_users_own_counts(repo: Repo, apart: Path) -> None:
    own = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.worktree"}
    repo.orch("status", env={**own, "GIT_CONFIG_VALUE_0": str(apart)})


def test_the_branch_of_a_main_worktree_elsewhere_is_not_moved_from_a_linked_one(
    repo: Repo, apart: Path, tmp_path: Path
) -> None:
    repo.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked")
    linked.plan(writing("a.txt"), "--base", "main")
    linked.orch("exec")
    before = repo.git("rev-parse", "main")
    refused = linked.orch("land", "--onto", "main", expect=6)
    assert f"its files are in '{apart}' (core.worktree)" in refused.stderr
    assert f"hint: git --git-dir={repo.path}/.git --work-tree={apart} orch" in refused.stderr
    assert (repo.git("rev-parse", "main"), os.listdir(repo.path)) == (before, [".git"])


@pytest.fixture
def dotfiles(repo: Repo, tmp_path: Path) -> tuple[Path, Path]:
    """A bare repository and the directory with its files, as people keep their configuration."""
    git_dir, tree = tmp_path / "dotfiles", tmp_path / "tree"
    tree.mkdir()
    repo.git("clone", "-q", "--bare", str(repo.path), str(git_dir))
    repo.git(f"--git-dir={git_dir}", f"--work-tree={tree}", "checkout", "-q", "main")
    return git_dir, tree


def test_files_of_a_bare_repository_are_reached_from_another_directory(
    repo: Repo, dotfiles: tuple[Path, Path], other: Path
) -> None:
    git_dir, tree = dotfiles
    do(repo, other, f"--git-dir={git_dir}", f"--work-tree={tree}")
    assert state(git_dir, tree) == LANDED


def test_the_branch_of_a_bare_repository_does_not_move_under_files_that_nobody_named(
    repo: Repo, dotfiles: tuple[Path, Path], other: Path
) -> None:
    git_dir, tree = dotfiles
    env = variables(f"--git-dir={git_dir}")
    repo.orch("plan", "--from", "-", stdin=json.dumps(writing("a.txt")), cwd=other, env=env)
    repo.orch("exec", cwd=other, env=env)
    refused = repo.orch("land", cwd=other, env=env, expect=6)
    assert "are in a directory that nobody has named" in refused.stderr
    assert f"--git-dir={git_dir} --work-tree=DIRECTORY orch" in refused.stderr
    repo.orch("land", cwd=other, env={**env, "GIT_WORK_TREE": str(tree)})
    assert state(git_dir, tree) == LANDED


def test_a_step_works_in_place_in_files_that_do_not_lead_to_their_repository(
    repo: Repo, apart: Path
) -> None:
    env = variables(f"--git-dir={repo.path}/.git", f"--work-tree={apart}")
    document = json.dumps({"title": "t", "steps": [{"title": "Write", "run": "echo a > a.txt"}]})
    words = ("plan", "--from", "-")
    plan = repo.orch(*words, stdin=document, cwd=apart, env=env).stdout.split()[0]
    repo.orch("approve", "--in-place", cwd=apart, env=env)
    located = (f"--git-dir={repo.path}/.git", f"--work-tree={apart}")
    repo.git(*located, "switch", "-q", f"orch/{plan}", cwd=apart)
    repo.orch("exec", "--in-place", cwd=apart, env=env)
    assert state(repo.path / ".git", apart) == LANDED
    assert os.listdir(repo.path) == [".git"]
