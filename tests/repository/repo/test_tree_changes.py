"""The paths in which two trees differ are those that git names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Repo

from git_orch.repo import repository
from git_orch.repo.objects import objects, tree_changes
from git_orch.repo.objects.objects import Database


@pytest.fixture
def database(repo: Repo) -> Iterator[Database]:
    opened = objects.opened(repository.discover(repo.path))
    yield opened
    opened.close()


def trees(repo: Repo) -> tuple[str, str]:
    """Two trees with every kind of change between them."""
    repo.commit({"a": "1", "same/x": "1", "d/e/f": "1", "file": "1", "dir/x": "1", "mode": "1"})
    old = repo.git("rev-parse", "HEAD^{tree}")
    repo.git("rm", "-rq", "a", "dir", "file")
    (repo.path / "mode").chmod(0o755)
    repo.write({"d/e/f": "2", "d/new/deep/x": "1", "file/now/a": "1", "dir": "a file"})
    (repo.path / "link").symlink_to("mode")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "change")
    return old, repo.git("rev-parse", "HEAD^{tree}")


def test_changed_paths_are_those_that_git_names(repo: Repo, database: Database) -> None:
    old, new = trees(repo)
    for pair in ((old, new), (new, old), (old, old)):
        named = repo.git("diff-tree", "-r", "--name-only", "--no-renames", *pair).splitlines()
        assert tree_changes.changed_paths(database, *pair, lambda _: True) == sorted(named)


def test_directories_that_nobody_asks_for_are_not_looked_into(
    repo: Repo, database: Database
) -> None:
    asked: list[str] = []

    def is_asked(directory: str) -> bool:
        asked.append(directory)
        return directory in ("d", "d/e")

    changed = tree_changes.changed_paths(database, *trees(repo), is_asked)
    assert "d/e/f" in changed
    assert not any(path.startswith("d/new/") for path in changed)
    assert "same" not in asked


def test_a_tree_that_is_missing_is_no_difference(repo: Repo, database: Database) -> None:
    with pytest.raises(tree_changes.Incomplete):
        tree_changes.changed_paths(database, "1" * 40, trees(repo)[1], lambda _: True)
