"""Trees of any depth are walked and removed, and nothing outside of them is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import users

from git_orch.sandbox import trees
from git_orch.sandbox.process import tools

# Directories inside each other: more than a path has room for, and than Python calls functions
# inside each other. What their paths take grows with the square.
DEEP = 100_000 if os.environ.get("GIT_ORCH_SOAK") == "1" else 10_000


def make_deep(top: Path, depth: int) -> None:
    """Make so many directories inside each other, and a file in the last one."""
    here = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    place = tmp_path / "top"
    place.mkdir()
    return place


def test_directories_deeper_than_any_path_are_removed(top: Path) -> None:
    make_deep(top, DEEP)
    trees.remove(top)
    assert not top.exists()


def test_directories_deeper_than_any_path_are_walked(top: Path) -> None:
    make_deep(top, DEEP)
    try:
        files = sum(len(directory.others) for directory in trees.walk(top))
        depth = max(len(directory.names) for directory in trees.walk(top))
        assert (files, depth) == (1, DEEP)
    finally:
        trees.remove(top)


def test_what_no_path_reaches_is_cut_off_and_the_rest_stays(top: Path) -> None:
    make_deep(top, 3_000)
    (top / "d" / "kept").write_text("kept")
    trees.shorten(top, 100)
    depth = max(len(directory.path) for directory in trees.walk(top))
    assert (depth, (top / "d" / "kept").read_text()) == (99, "kept")


def test_a_wide_tree_is_walked_in_full(top: Path) -> None:
    for name in ("a", "b/c", "b/d/e", "f"):
        (top / name).mkdir(parents=True)
        (top / name / "file").touch()
    assert sorted(directory.path for directory in trees.walk(top)) == [
        "", "a", "b", "b/c", "b/d", "b/d/e", "f",
    ]  # fmt: skip


def test_no_link_is_followed(top: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("outside")
    (top / "link").symlink_to(outside)
    (top / "inner").mkdir()
    (top / "inner" / "up").symlink_to("../..")
    walked = [(directory.path, sorted(directory.others)) for directory in trees.walk(top)]
    trees.remove(top)
    assert walked == [("", ["link"]), ("inner", ["up"])]
    assert ((outside / "file").read_text(), top.exists()) == ("outside", False)


def test_a_link_is_removed_and_not_what_it_names(top: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(top)
    trees.remove(link)
    assert (link.is_symlink(), top.is_dir()) == (False, True)


def test_nothing_is_removed_where_nothing_is(tmp_path: Path) -> None:
    trees.remove(tmp_path / "absent")
    assert list(trees.walk(tmp_path / "absent")) == []


def test_a_directory_that_is_moved_away_meanwhile_takes_nobody_along(
    top: Path, tmp_path: Path
) -> None:
    (top / "a" / "b").mkdir(parents=True)
    walk = trees.walk(top)
    for directory in walk:
        if directory.path == "a/b":
            break
    (top / "a" / "b").rename(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="moved while"):
        list(walk)


REMOVE = """
import pathlib
from git_orch.sandbox import trees

top = pathlib.Path("top")
(top / "a" / "b").mkdir(parents=True)
(top / "a" / "b" / "file").touch()
for place in (top / "a" / "b", top / "a", top):
    place.chmod(0)
trees.remove(top)
assert not top.exists()
"""


@pytest.mark.parametrize("user", users.USERS, ids=users.name)
def test_directories_that_nobody_may_enter_are_removed_all_the_same(user: int) -> None:
    with users.directory_of(user) as place:
        users.give_sandbox(place)
        done = tools.capture(
            [
                *users.as_user(user),
                "sh",
                "-c",
                f'cd {place} && exec {users.PYTHON} -c "$0"',
                REMOVE,
            ],
            env=dict(os.environ),
        )
    assert (done.status, done.stderr) == (0, b"")


CLOSED = """
import os
from pathlib import Path
from git_orch.sandbox import trees
os.makedirs("top/open/inner")
for name, mode in (("none", 0), ("list", 0o400), ("enter", 0o100)):
    os.makedirs(f"top/{name}/inner")
    os.chmod(f"top/{name}", mode)
for closed in (False, True):
    for directory in trees.walk(Path("top"), closed=closed):
        print(directory.path or ".", "closed" if directory.closed else "open", closed)
"""


@pytest.mark.parametrize("user", users.USERS, ids=users.name)
def test_what_may_not_be_looked_into_is_left_out_or_named(user: int) -> None:
    """A directory that may be listed and not entered leads nowhere, either."""
    with users.directory_of(user) as place:
        users.give_sandbox(place)
        done = tools.capture(
            [*users.as_user(user), users.PYTHON, "-B", "-c", CLOSED],
            env=os.environ, cwd=str(place), stdin=None,
        )  # fmt: skip
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    closed = {path for path, word, _ in lines if word == "closed"}
    assert closed == (set() if user == 0 else {"none", "list", "enter"})
    assert {(path, word) for path, word, told in lines if told == "False"} == {
        (path, word) for path, word, _ in lines if word == "open"
    }
    assert {".", "open", "open/inner"} <= {path for path, *_ in lines}
