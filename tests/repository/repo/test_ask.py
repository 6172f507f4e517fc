"""The phrase book: what git answers, in repositories where the answer is easy to get wrong."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.repo import ask, git
from git_orch.repo.git import Git


def git_of(repo: Repo) -> Git:
    return Git(repo.path / ".git", repo.path, git.environment(os.environ))


def diverge(repo: Repo) -> None:
    """A branch `side` that conflicts with `main`, which is checked out."""
    repo.git("switch", "-q", "-c", "side")
    repo.commit({"README.md": "side\n"})
    repo.commit({"README.md": "side again\n"})
    repo.git("switch", "-q", "main")
    repo.commit({"README.md": "main\n"})


def test_the_branch_of_head_is_its_full_name_before_it_is_born_as_well(repo: Repo) -> None:
    repo.git("checkout", "-q", "--orphan", "unborn")
    assert ask.head_branch(git_of(repo)) == "refs/heads/unborn"


def test_a_detached_head_is_on_no_branch(repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")
    assert ask.head_branch(git_of(repo)) is None


def test_a_symbolic_ref_stands_for_another(repo: Repo) -> None:
    repo.git("symbolic-ref", "refs/heads/trunk", "refs/heads/main")
    assert ask.real_name(git_of(repo), "refs/heads/trunk") == "refs/heads/main"
    assert ask.real_name(git_of(repo), "refs/heads/main") == "refs/heads/main"


def test_a_name_that_people_type_has_a_full_name_only_where_it_names_a_ref(repo: Repo) -> None:
    assert ask.full_name(git_of(repo), "main") == "refs/heads/main"
    assert ask.full_name(git_of(repo), repo.git("rev-parse", "HEAD")) is None
    assert ask.full_name(git_of(repo), "no-such-name") is None


def test_an_annotated_tag_leads_to_its_commit_and_a_tree_to_none(repo: Repo) -> None:
    repo.git("tag", "-a", "-m", "v1", "v1")
    head, tree = repo.git("rev-parse", "HEAD", "HEAD^{tree}").split()
    assert ask.commit(git_of(repo), "v1") == head
    assert ask.commit(git_of(repo), tree) is None
    assert ask.commit(git_of(repo), "1" * 40) is None


def test_a_name_that_looks_like_an_option_names_no_commit(repo: Repo) -> None:
    assert ask.commit(git_of(repo), "--all") is None


def test_a_commit_is_its_own_ancestor_and_a_missing_one_nobodys(repo: Repo) -> None:
    old, new = repo.git("rev-parse", "HEAD"), repo.commit({"a": "a"})
    git = git_of(repo)
    assert [ask.is_ancestor(git, *pair) for pair in ((old, new), (new, new), (new, old))] == [
        True,
        True,
        False,
    ]
    assert not ask.is_ancestor(git, "1" * 40, new)


def test_objects_that_are_there_have_a_kind_and_a_size(repo: Repo) -> None:
    blob, tree = repo.git("rev-parse", "HEAD:README.md", "HEAD^{tree}").split()
    found = ask.stored(git_of(repo), [blob, "1" * 40, tree])
    assert found[blob] == ask.Stored("blob", len((repo.path / "README.md").read_bytes()))
    assert set(found) == {blob, tree}
    assert found[tree].kind == "tree"


def test_a_file_of_a_commit_is_its_bytes_and_a_directory_is_no_file(repo: Repo) -> None:
    repo.commit({"d/a": "a\n"})
    assert ask.file(git_of(repo), "HEAD", "d/a") == b"a\n"
    assert ask.file(git_of(repo), "HEAD", "d") is None
    assert ask.file(git_of(repo), "HEAD", "d/b") is None


def test_paths_that_changed_are_told_with_or_without_those_that_went(repo: Repo) -> None:
    old = repo.commit({"gone": "1\n", "changed": "1\n"})
    repo.git("rm", "-q", "gone")
    new = repo.commit({"changed": "2\n", "new": "1\n"})
    assert ask.changed_paths(git_of(repo), old, new) == ["changed", "gone", "new"]
    assert ask.changed_paths(git_of(repo), old, new, deleted=False) == ["changed", "new"]


def test_names_that_are_not_utf8_or_hold_a_line_break_come_through(repo: Repo) -> None:
    odd = [os.fsdecode(b"caf\xe9"), "two\nlines"]
    for name in odd:
        (repo.path / name).write_text("x")
    subprocess.run(["git", "add", "-A"], cwd=repo.path, check=True)
    tracked = ask.tracked(git_of(repo), odd)
    assert sorted(tracked) == sorted(odd)
    assert ask.names(ask.input_of(tracked)) == tracked


def test_no_path_is_asked_about_when_none_is_named(repo: Repo) -> None:
    assert ask.tracked(git_of(repo), []) == []
    assert ask.tracked(git_of(repo)) == ["README.md"]


def test_a_path_is_no_pattern(repo: Repo) -> None:
    repo.commit({"a.txt": "a", "*.txt": "b"})
    assert ask.tracked(git_of(repo), ["*.txt"]) == ["*.txt"]


def test_a_path_with_a_conflict_is_named_once(repo: Repo) -> None:
    diverge(repo)
    repo.git("merge", "side", expect=1)
    assert ask.unmerged(git_of(repo)) == ["README.md"]


@pytest.mark.parametrize(
    ("command", "status", "name"),
    [
        ("merge side", 1, "merge"),
        ("cherry-pick side", 1, "cherry-pick"),
        ("revert --no-commit HEAD", 0, "revert"),
        ("rebase --quiet side", 1, "rebase"),
        ("rebase --quiet --apply side", 1, "rebase"),
        ("bisect start", 0, "bisect"),
    ],
    ids=["merge", "cherry-pick", "revert", "rebase", "rebase-apply", "bisect"],
)
def test_an_operation_that_waits_for_its_user_has_a_name(
    repo: Repo, command: str, status: int, name: str
) -> None:
    diverge(repo)
    assert ask.unfinished(repo.path / ".git") is None
    repo.git(*command.split(), expect=status)
    assert ask.unfinished(repo.path / ".git") == name


def test_a_pick_of_several_commits_waits_after_one_was_committed_by_hand(repo: Repo) -> None:
    diverge(repo)
    repo.git("cherry-pick", "main..side", expect=1)
    repo.commit({"README.md": "resolved\n"})
    assert not (repo.path / ".git/CHERRY_PICK_HEAD").exists()
    assert ask.unfinished(repo.path / ".git") == "cherry-pick or revert"


@pytest.mark.parametrize("backend", ["--merge", "--apply"])
def test_a_rebase_names_the_branch_that_it_moves_in_the_end(repo: Repo, backend: str) -> None:
    diverge(repo)
    assert ask.rebased_branch(repo.path / ".git") is None
    repo.git("rebase", "--quiet", backend, "side", expect=1)
    assert ask.rebased_branch(repo.path / ".git") == "refs/heads/main"


def test_a_git_directory_that_is_gone_rebases_nothing(tmp_path: Path) -> None:
    assert ask.rebased_branch(tmp_path / "gone") is None
