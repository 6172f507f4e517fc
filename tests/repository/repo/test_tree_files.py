"""The files of a tree come from its objects: no link is followed, and what is endless ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Repo

from git_orch.repo import repository
from git_orch.repo.objects import objects, tree_files
from git_orch.repo.objects.objects import Database
from git_orch.repo.objects.raw import Entry


@pytest.fixture
def database(repo: Repo) -> Iterator[Database]:
    opened = objects.opened(repository.discover(repo.path))
    yield opened
    opened.close()


def test_files_are_listed_with_their_sizes(repo: Repo, database: Database) -> None:
    repo.git("rm", "-q", "README.md")
    repo.commit({"a.txt": "four", "d/e/b.txt": "2!"})
    tree = repo.git("rev-parse", "HEAD^{tree}")
    listed = tree_files.listing(database, tree, 100)
    assert [(file.path, file.size) for file in listed.files] == [("a.txt", 4), ("d/e/b.txt", 2)]
    assert listed.complete
    assert tree_files.texts(database, listed.files, 3) == {"d/e/b.txt": "2!"}


def test_links_are_no_files(repo: Repo, database: Database) -> None:
    repo.git("rm", "-q", "README.md")
    (repo.path / "link").symlink_to("/etc/passwd")
    repo.commit({"a": "x"})
    listed = tree_files.listing(database, repo.git("rev-parse", "HEAD^{tree}"), 100)
    assert [file.path for file in listed.files] == ["a"]


def test_a_tree_that_holds_itself_a_thousand_times_ends(database: Database) -> None:
    tree = objects.write_tree(database, [Entry("100644", b"f", database.write("blob", b"x"))])
    for _ in range(80):
        entries = [Entry("40000", f"d{number}".encode(), tree) for number in range(10)]
        tree = objects.write_tree(database, entries)
    listed = tree_files.listing(database, tree, 1000)
    assert not listed.complete


def test_what_is_not_here_has_no_size_and_no_text(database: Database) -> None:
    tree = objects.write_tree(database, [Entry("100644", b"gone", "1" * database.oid_length)])
    listed = tree_files.listing(database, tree, 10)
    assert [(file.path, file.size) for file in listed.files] == [("gone", 0)]
    assert tree_files.texts(database, listed.files, 100) == {}
