"""Which directories are repositories without a `.git`: every one that git takes for one, and few more."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import bare

KINDS = ("absent", "file", "program", "directory", "link")
PARTS = ("HEAD", "objects", "refs", "config", "commondir", "hooks")
HEADS = ("ref: refs/heads/main\n", "0" * 40 + "\n", "ref:refs/x", "main\n", "")
COMMON = ("../store\n", ".\n", "../nowhere\n")
WHOLE = {"HEAD": False, "objects": True, "refs": True}


def make(place: Path, name: str, kind: str, text: str) -> None:
    """A part of a repository; a link leads to what it needs."""
    if kind in ("file", "program"):
        (place / name).write_text(text)
        (place / name).chmod(0o755 if kind == "program" else 0o644)
    elif kind == "directory":
        (place / name / "inner").mkdir(parents=True)
    elif kind == "link":
        (place / name).symlink_to("refs/heads/main" if name == "HEAD" else f"../store/{name}")


def taken_by_git(place: Path) -> bool:
    """Whether git takes the directory for a repository."""
    done = subprocess.run(
        ["git", "rev-parse", "--git-dir"], cwd=place, capture_output=True, check=False,
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(place.parent)},
    )  # fmt: skip
    return done.returncode == 0


@given(
    kinds=st.fixed_dictionaries({name: st.sampled_from(KINDS) for name in PARTS}),
    head=st.sampled_from(HEADS),
    common=st.sampled_from(COMMON),
)
def test_whatever_git_takes_for_a_repository_is_one(
    kinds: dict[str, str], head: str, common: str
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        place, store = Path(directory, "place"), Path(directory, "store")
        for name in ("objects", "refs"):
            make(store, name, "directory", "")
        place.mkdir()
        for name, kind in kinds.items():
            make(place, name, kind, {"HEAD": head, "commondir": common}.get(name, ""))
        names = {name: kind == "directory" for name, kind in kinds.items() if kind != "absent"}
        assert bare.is_repository(names) >= taken_by_git(place)


def test_the_directories_that_these_trees_are_made_of_do_make_repositories(tmp_path: Path) -> None:
    """The test above is of something."""
    for name, is_directory in WHOLE.items():
        make(tmp_path, name, "directory" if is_directory else "file", HEADS[0])
    assert taken_by_git(tmp_path)
    assert bare.is_repository(WHOLE)


@pytest.mark.parametrize(
    "name",
    ["head", "HEAD.", "HEAD ", "H\u200cEAD", "\ufeffhead", "HEAD::$DATA", "Head. ."],
)
def test_every_spelling_that_some_file_system_takes_for_a_part_is_that_part(name: str) -> None:
    assert bare.part(name) == "HEAD"
    assert bare.is_repository({name: False, "Objects": True, "REFS.": True})


@pytest.mark.parametrize("name", ["COMMON~1", "common~12", "CO12AB~1", "commondir"])
def test_the_short_names_of_long_parts_count(name: str) -> None:
    assert bare.is_repository({"HEAD": False, name: False})


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"HEAD": False},
        {"objects": True, "refs": True, "config": False, "hooks": True},
        {"HEAD": True, "objects": True, "refs": True},
        {"HEAD.html": False, "objects": True, "refs": True},
        {"HEAD": False, "objects": True, "hooks": True},
        {"ahead": False, "objects": True, "refs": True},
    ],
)
def test_directories_with_some_of_the_names_are_none(names: dict[str, bool]) -> None:
    assert not bare.is_repository(names)


def test_a_change_concerns_the_directories_of_the_parts_that_it_goes_through() -> None:
    paths = ["a/refs/objects/x", "HEAD", "b/README.md", "a/refs/y"]
    assert bare.places(paths) == {"a": paths[0], "a/refs": paths[0], "": "HEAD"}
