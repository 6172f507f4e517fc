"""Chains of picks: each commit on the one before it, and nothing moves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from conftest import Repo

from git_orch.repo import identity
from git_orch.repo.chain import Chain
from git_orch.repo.objects import objects
from git_orch.repo.repository import discover


class Scene:
    """Commits that add a.txt, change the README and add c.txt, and a chain that begins at another
    README.
    """

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        base = repo.git("rev-parse", "HEAD")
        self.add, self.change, self.more = (
            repo.commit({name: f"{name}\n"}, name) for name in ("a.txt", "README.md", "c.txt")
        )
        repo.git("checkout", "-q", base)
        self.onto = repo.commit({"README.md": "ours\n"}, "ours")
        found = discover(repo.path)
        self.database = objects.opened(found)
        written = objects.Written(self.database)
        self.chain = Chain(found, identity.of_user(found), written, self.onto)


@pytest.fixture
def scene(repo: Repo) -> Iterator[Scene]:
    scene = Scene(repo)
    with contextlib.closing(scene.database):
        yield scene


def test_each_commit_stands_on_the_one_before_it_and_no_ref_moves(scene: Scene) -> None:
    refs = scene.repo.git("for-each-ref")
    scene.chain.pick(scene.add)
    scene.chain.pick(scene.more)
    scene.chain.written.flush()
    told = scene.repo.git("log", "--format=%H %s", f"{scene.onto}..{scene.chain.tip}")
    became = scene.chain.became
    assert told == f"{became[scene.more]} c.txt\n{became[scene.add]} a.txt"
    assert scene.repo.git("rev-parse", f"{became[scene.add]}^") == scene.onto
    assert scene.repo.git("for-each-ref") == refs


def test_a_commit_that_conflicts_is_left_out_and_the_next_is_tried(scene: Scene) -> None:
    assert not scene.chain.pick(scene.add).conflicts
    [conflict] = scene.chain.pick(scene.change).conflicts
    assert conflict.path == "README.md"
    assert not scene.chain.pick(scene.more).conflicts
    assert list(scene.chain.became) == [scene.add, scene.more]
    scene.chain.written.flush()
    assert scene.repo.git("show", f"{scene.chain.tip}:README.md") == "ours"


def test_a_commit_that_changes_nothing_there_is_kept_unless_that_is_not_wanted(
    scene: Scene,
) -> None:
    scene.chain.pick(scene.add)
    tip = scene.chain.tip
    scene.chain.pick(scene.add, keep_empty=False)
    assert scene.chain.tip == tip
    scene.chain.pick(scene.add)
    scene.chain.written.flush()
    assert scene.repo.git("rev-parse", f"{scene.chain.tip}^") == tip
