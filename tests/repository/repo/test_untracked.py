"""Which of the user's files would go when git writes paths into their checkout."""

from __future__ import annotations

import pytest
from conftest import Repo

from git_orch.repo.repository import discover
from git_orch.repo.worktree import untracked


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("mine.log", ["mine.log"]),
        ("mine.log/below", ["mine.log"]),
        ("mixed", ["mixed/mine.log"]),
        ("tracked", []),
        ("tracked/a.txt", []),
        ("linked/below", ["linked"]),
        ("new.txt", []),
        ("", []),
    ],
)
def test_an_untracked_file_in_the_place_of_a_path_is_in_the_way(
    repo: Repo, written: str, found: list[str]
) -> None:
    repo.commit({".gitignore": "*.log\n", "tracked/a.txt": "a\n", "mixed/a.txt": "a\n"})
    repo.write({"mine.log": "mine\n", "mixed/mine.log": "mine\n"})
    (repo.path / "linked").symlink_to("tracked")
    assert untracked.in_the_way(discover(repo.path).user_git, repo.path, [written]) == found
