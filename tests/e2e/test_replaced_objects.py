"""`git replace` and grafts show objects to git-orch as they show them to git."""

from __future__ import annotations

import json

import pytest
from conftest import Repo

from git_orch.repo.git import REPLACING, environment

DOCUMENT = {
    "title": "Look",
    "steps": [
        {"title": "Look", "run": "cat README.md extra > seen", "checks": ["grep -q extra extra"]},
        {"title": "Write", "files": {"b.txt": "b\n"}},
    ],
}


@pytest.fixture
def replaced(repo: Repo) -> Repo:
    """A repository whose HEAD is shown with another tree, which is checked out."""
    real = repo.git("rev-parse", "HEAD")
    tree = repo.git("rev-parse", f"{repo.commit({'extra': 'extra'})}^{{tree}}")
    shown = repo.git("commit-tree", "-m", "shown", tree)
    repo.git("reset", "-q", "--hard", real)
    repo.git("replace", real, shown)
    repo.git("reset", "-q", "--hard")
    return repo


def test_a_step_sees_a_replaced_commit_as_git_shows_it(replaced: Repo) -> None:
    plan = replaced.plan(DOCUMENT)
    replaced.orch("exec")
    names = replaced.git("ls-tree", "--name-only", f"orch/{plan}").split()
    assert names == ["README.md", "b.txt", "extra", "seen"]
    changed = replaced.git("diff", "--name-only", f"orch/{plan}~2", f"orch/{plan}~1")
    assert changed == "seen"


def test_a_landing_on_a_replaced_commit_leaves_nothing_in_the_index(replaced: Repo) -> None:
    replaced.plan(DOCUMENT)
    replaced.orch("exec")
    replaced.orch("land")
    assert replaced.git("status", "--porcelain") == ""


def test_a_replaced_file_is_what_its_steps_see(repo: Repo) -> None:
    shown = repo.git("hash-object", "-w", "--stdin", stdin="shown\n")
    repo.git("replace", repo.git("rev-parse", "HEAD:README.md"), shown)
    plan = repo.plan({"title": "x", "steps": [{"title": "Look", "run": "cp README.md seen"}]})
    repo.orch("exec")
    assert repo.git("show", f"orch/{plan}:seen") == "shown"


def test_histories_that_a_replacement_joins_are_merged(repo: Repo) -> None:
    old = repo.git("rev-parse", "HEAD")
    repo.git("branch", "old")
    repo.git("switch", "-q", "--orphan", "new")
    repo.commit({"new": "new\n"})
    repo.git("branch", "-M", "new", "main")
    repo.git("replace", "--graft", "HEAD", old)
    repo.plan({"title": "x", "steps": [{"title": "Write", "files": {"b": "b\n"}}]}, "--base", "old")
    repo.orch("exec")
    repo.orch("land", "--onto", "main")
    assert repo.git("ls-tree", "--name-only", "main").split() == ["b", "new"]


def test_who_has_git_show_no_replacements_sees_none(replaced: Repo) -> None:
    replaced.git("--no-replace-objects", "reset", "-q", "--hard")
    document = {"title": "x", "steps": [{"title": "Look", "run": "ls > seen"}]}
    env = {"GIT_NO_REPLACE_OBJECTS": "1"}
    words = ("plan", "--from", "-")
    plan = replaced.orch(*words, stdin=json.dumps(document), env=env).stdout.split()[0]
    replaced.orch("exec", env=env)
    seen = replaced.git("--no-replace-objects", "show", f"orch/{plan}:seen")
    assert "extra" not in seen


@pytest.mark.parametrize("name", REPLACING)
def test_the_users_variables_of_replacements_are_gits_as_well(name: str) -> None:
    assert environment({name: "x"})[name] == "x"
