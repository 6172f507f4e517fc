"""The changes of a commit as text: read no further than somebody wants."""

from __future__ import annotations

import pytest
from conftest import Repo

from git_orch.repo.objects import patches
from git_orch.repo.objects.patches import ChangedFile
from git_orch.repo.repository import around


@pytest.fixture(autouse=True)
def _stand_there(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)


def changes(most: int = 100_000) -> patches.Patch:
    return patches.read(around().git, "HEAD^", "HEAD", most)


def test_a_patch_has_the_files_and_the_text(repo: Repo) -> None:
    repo.commit({"a b.txt": "1\n2\n", "bin": "\0"})
    read = changes()
    assert read.files == (ChangedFile("a b.txt", 2, 0), ChangedFile("bin", None, None))
    assert read.text.startswith("diff --git a/a b.txt b/a b.txt\n")
    assert "\n+1\n+2\n" in read.text
    assert not read.cut


def test_a_root_commit_is_read_without_an_older_one(repo: Repo) -> None:
    root = repo.git("rev-list", "--max-parents=0", "HEAD")
    repo.commit({"a": "a\n"})
    read = patches.read(around().git, None, root, 100_000)
    assert read.problem is None


def test_a_long_patch_is_cut(repo: Repo) -> None:
    repo.commit({"long": "x" * 3_000_000})
    read = changes(most=1_000)
    assert read.cut
    assert len(read.text) < 1_000
    assert read.files == (ChangedFile("long", 1, 0),)


def test_a_commit_that_is_gone_is_a_problem(repo: Repo) -> None:
    read = patches.read(around().git, "HEAD", "1" * 40, 1_000)
    assert read.problem == "git cannot read the commits"


def test_a_commit_without_changes_has_none(repo: Repo) -> None:
    repo.git("commit", "--allow-empty", "-m", "empty")
    assert changes() == patches.Patch()
