"""When git need not look at a worktree again: what changes is seen, and where a change might not
be, git looks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from git_orch.repo.worktree import standing
from git_orch.repo.worktree.standing import Footprint, Mark, Standing

TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
SECOND = 10**9


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A directory as a worktree might be."""
    top = tmp_path / "top"
    (top / "d" / "empty").mkdir(parents=True)
    (top / "a").write_text("a\n")
    (top / "d" / "b").write_text("b\n")
    (top / "link").symlink_to("a")
    return top


def _keep_times(path: Path, act: Callable[[], object]) -> None:
    facts = os.stat(path)
    act()
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _replace_link(top: Path) -> None:
    (top / "new").symlink_to("d/b")
    (top / "new").rename(top / "link")


ACTS: dict[str, Callable[[Path], object]] = {
    "written with the time put back": lambda top: _keep_times(
        top / "d/b", lambda: (top / "d/b").write_text("c\n")
    ),
    "mode": lambda top: (top / "a").chmod(0o755),
    "new file": lambda top: (top / "d/new").touch(),
    "new directory": lambda top: (top / "d/empty/inner").mkdir(),
    "removed": lambda top: (top / "d/b").unlink(),
    "removed directory": lambda top: (top / "d/empty").rmdir(),
    "renamed": lambda top: (top / "a").rename(top / "z"),
    "another link": _replace_link,
    "another name": lambda top: os.link(top / "a", top / "d/empty/a"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_every_change_is_seen(top: Path, act: Callable[[Path], object]) -> None:
    before = standing.footprint(top)
    assert before is not None
    _next_tick(before)
    act(top)
    assert not before.still_there()


def _next_tick(before: Footprint) -> None:
    """Wait until the clock of the file system gives other times than the newest."""
    while not before.older_than(time.time_ns()):
        pass


def test_reading_changes_nothing(top: Path) -> None:
    before = standing.footprint(top)
    assert before is not None
    assert (top / "a").read_text() + os.readlink(top / "link") + str(os.listdir(top / "d"))
    assert before.still_there()


def test_what_git_saw_is_confirmed_once_for_each_beginning(top: Path) -> None:
    place = Standing(top)
    seen = place.footprint()
    assert seen is not None
    place.settle(TREE, seen, spotless=False)
    assert not place.confirm(TREE)  # nobody said that something begins
    _next_tick(seen)
    place.begin()
    assert place.confirm(TREE)
    assert not place.confirm(TREE)


def test_another_tree_is_not_confirmed(top: Path) -> None:
    place = Standing(top)
    seen = place.footprint()
    assert seen is not None
    place.settle(TREE, seen, spotless=True)
    _next_tick(seen)
    place.begin()
    assert not place.confirm(TREE.replace("4", "5"))


def test_what_began_in_the_tick_of_the_last_change_is_not_confirmed(top: Path) -> None:
    """Another change may have the same time; a later beginning does not make that certain."""
    place = Standing(top)
    os.utime(top / "a")
    seen = place.footprint()
    place.settle(TREE, seen, spotless=True)
    place.begin()
    assert seen is not None
    _next_tick(seen)
    place.begin()
    assert seen.still_there()
    assert not place.confirm(TREE)


@pytest.mark.parametrize(
    ("changed", "later", "certain"),
    [
        (7 * SECOND + 123, 30_000_000, True),
        (7 * SECOND + 123, 10_000_000, False),
        (7 * SECOND, SECOND, False),
        (8 * SECOND + 10_000_000, 2 * SECOND, False),
        (7 * SECOND, 3 * SECOND, True),
        (7 * SECOND + 123, -SECOND, False),
    ],
)
def test_a_file_system_with_coarse_times_gets_more_time(
    changed: int, later: int, *, certain: bool
) -> None:
    seen = Footprint((b"/a", b"/b"), (Mark(1, SECOND + 1), Mark(2, changed)))
    assert seen.older_than(changed + later) is certain


def test_a_large_worktree_is_left_to_git(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "MOST", 6)
    assert standing.footprint(top) is not None
    (top / "one more").touch()
    assert standing.footprint(top) is None


def test_it_is_spotless_until_something_begins(top: Path) -> None:
    place = Standing(top)
    assert not place.is_spotless(TREE)
    place.settle(TREE, place.footprint(), spotless=True)
    assert place.is_spotless(TREE)
    place.begin()
    assert not place.is_spotless(TREE)
