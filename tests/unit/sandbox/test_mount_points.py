"""The places in a worktree where shares are mounted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_orch.sandbox.walls import mount_points
from git_orch.sandbox.walls.view import Share


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    made = tmp_path / "worktree"
    made.mkdir()
    return made


def share(tmp_path: Path, place: str, *, file: bool = False) -> Share:
    source = tmp_path / "source" / place
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text("x") if file else source.mkdir(exist_ok=True)
    return Share(place, str(source), place)


def made(worktree: Path, share: Share) -> bool:
    return mount_points.make(worktree, [share]) == (share,)


@pytest.mark.parametrize("place", [".venv", "vendor/bundle", ".yarn/cache"])
def test_a_place_is_an_empty_directory(worktree: Path, tmp_path: Path, place: str) -> None:
    assert made(worktree, share(tmp_path, place))
    assert made(worktree, share(tmp_path, place))
    assert os.listdir(worktree / place) == []


def test_the_place_of_a_file_is_an_empty_file(worktree: Path, tmp_path: Path) -> None:
    wanted = share(tmp_path, ".pnp.cjs", file=True)
    assert made(worktree, wanted)
    assert made(worktree, wanted)
    assert (worktree / ".pnp.cjs").read_bytes() == b""


def test_a_workspace_that_the_tree_lacks_is_not_made(worktree: Path, tmp_path: Path) -> None:
    assert not made(worktree, share(tmp_path, "packages/a/node_modules"))
    assert os.listdir(worktree) == []


def test_what_the_tree_has_there_is_not_covered(worktree: Path, tmp_path: Path) -> None:
    (worktree / "vendor").mkdir()
    (worktree / "vendor/a.go").write_text("package a")
    assert not made(worktree, share(tmp_path, "vendor"))


@pytest.mark.parametrize("kind", ["file", "link", "full file"])
def test_what_is_no_directory_is_not_covered(worktree: Path, tmp_path: Path, kind: str) -> None:
    place = worktree / ".venv"
    if kind == "link":
        place.symlink_to(tmp_path)
    else:
        place.write_text("x" if kind == "full file" else "")
    assert not made(worktree, share(tmp_path, ".venv"))


def test_no_link_on_the_way_is_followed(worktree: Path, tmp_path: Path) -> None:
    """A command may have put it there."""
    (tmp_path / "elsewhere").mkdir()
    (worktree / "vendor").symlink_to(tmp_path / "elsewhere")
    assert not made(worktree, share(tmp_path, "vendor/bundle"))
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_share_with_an_absolute_path_needs_no_place(worktree: Path) -> None:
    assert made(worktree, Share("cargo", "/home/ada/.cargo", "/home/ada/.cargo"))
    assert os.listdir(worktree) == []


POINTS = frozenset({".venv", "vendor/bundle", ".pnp.cjs"})
ALONE = {".venv/": True, "vendor/": True, ".pnp.cjs": True, "dist/": False, "a.pyc": False}


@pytest.mark.parametrize("name", ALONE)
def test_places_are_told_from_products(worktree: Path, tmp_path: Path, name: str) -> None:
    mount_points.make(worktree, [share(tmp_path, place) for place in (".venv", "vendor/bundle")])
    for file in (".pnp.cjs", "a.pyc"):
        (worktree / file).touch()
    (worktree / "dist").mkdir()
    assert mount_points.are_all(worktree, name, POINTS) is ALONE[name]


@pytest.mark.parametrize("product", [".venv/x", "vendor/x", "vendor/bundle/x", ".pnp.cjs"])
def test_a_product_at_such_a_place_is_one(worktree: Path, tmp_path: Path, product: str) -> None:
    mount_points.make(worktree, [share(tmp_path, place) for place in (".venv", "vendor/bundle")])
    (worktree / product).write_text("x")
    assert not mount_points.are_all(worktree, product.partition("/")[0], POINTS)
