"""Which object directories a repository borrows from, and which the sandbox shows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Repo, writing

from git_orch import errors
from git_orch.repo.repository import discover
from git_orch.repo.worktree import alternates, gitview


def stores(repo: Repo) -> tuple[Path, ...]:
    """The object directories that the sandbox shows for the repository."""
    return gitview.of(discover(repo.path)).alternates


def borrow(repo: Repo, *names: object) -> None:
    """Have the repository name these."""
    file = repo.path / ".git/objects/info/alternates"
    file.write_text("".join(f"{name}\n" for name in names))


@pytest.fixture
def shared(repo: Repo, tmp_path: Path) -> Repo:
    """A clone that has no objects of its own."""
    repo.git("clone", "-q", "--shared", str(repo.path), str(tmp_path / "shared"), cwd=tmp_path)
    return Repo(tmp_path / "shared")


def test_a_shared_clone_and_a_clone_of_that_see_all_they_borrow(
    repo: Repo, shared: Repo, tmp_path: Path
) -> None:
    repo.git("gc", "-q")
    repo.git("commit-graph", "write", "--split")
    repo.git("multi-pack-index", "write")
    repo.commit({"a": "a\n"})
    assert stores(shared) == (repo.path / ".git/objects",)
    repo.git("clone", "-q", "--shared", str(shared.path), str(tmp_path / "third"), cwd=tmp_path)
    third = Repo(tmp_path / "third")
    assert set(stores(third)) == {repo.path / ".git/objects", shared.path / ".git/objects"}
    plan = third.plan({"title": "Read", "steps": [{"title": "Look", "run": "git log >> a.txt"}]})
    third.orch("exec")
    assert third.step_states(plan) == ["done"]


@pytest.mark.parametrize("form", ["relative", "quoted", "commented", "linked"])
def test_a_store_is_found_however_it_is_written(repo: Repo, tmp_path: Path, form: str) -> None:
    other = tmp_path / "óther"
    repo.git("clone", "-q", str(repo.path), str(other), cwd=tmp_path)
    place = other / ".git/objects"
    named: object = place
    if form == "relative":
        named = os.path.relpath(place, repo.path / ".git/objects")
    elif form == "quoted":
        named = '"' + str(place).replace("ó", r"\303\263") + '"'
    elif form == "commented":
        named = f"#/etc\n\n{place}"
    else:
        (tmp_path / "link").symlink_to(other)
        named = place = tmp_path / "link/.git/objects"
    borrow(repo, named)
    assert stores(repo) == (place,)


def test_what_is_not_there_is_left_out(repo: Repo) -> None:
    borrow(repo, "/nowhere")
    assert stores(repo) == ()


def _store(place: Path) -> Path:
    for name in ("info", "pack", "ab"):
        (place / name).mkdir(parents=True)
    return place


# A directory, and a file in it that no object directory has.
OTHERS = {
    "a directory of files": ("{top}/x", "id_rsa"),
    "the root": ("/", ""),
    "etc": ("/etc", ""),
    "run": ("/run", ""),
    "home": ("{home}", ""),
    "above home": ("{home}/..", ""),
    "hidden in home": ("{home}/.secret/objects", "pack/pack-x.pack"),
    "a file among packs": ("{top}/x", "pack/id_rsa"),
    "a file among loose objects": ("{top}/x", "ab/id_rsa"),
    "a file in info": ("{top}/x", "info/id_rsa"),
    "another directory": ("{top}/x", "etc/passwd"),
    "a whole git directory": ("{top}/x", "config"),
}


@pytest.mark.parametrize("how", ["named", "linked", "relative", "borrowed by another"])
@pytest.mark.parametrize("what", OTHERS)
def test_a_directory_that_has_anything_else_is_shown_to_nobody(
    repo: Repo, shared: Repo, tmp_path: Path, hermetic: Path, what: str, how: str
) -> None:
    directory, file = OTHERS[what]
    place = Path(directory.format(top=tmp_path, home=hermetic))
    if file:
        _store(place)
        (place / file).parent.mkdir(exist_ok=True)
        (place / file).write_text("secret\n")
    asking = repo
    if how == "linked":
        (tmp_path / "link").symlink_to(place)
        borrow(repo, tmp_path / "link")
    elif how == "relative":
        borrow(repo, os.path.relpath(place, repo.path / ".git/objects"))
    else:
        borrow(repo, place)
        asking = shared if how == "borrowed by another" else repo
    with pytest.raises(errors.Refused, match="no object directory") as refused:
        stores(asking)
    asking.follow(f"hint: {refused.value.hint}")
    assert stores(asking) == ()
    asking.git("fsck")


@pytest.mark.parametrize("name", ["info", "pack", "ab"])
def test_a_link_in_an_object_directory_makes_it_none(repo: Repo, tmp_path: Path, name: str) -> None:
    place = _store(tmp_path / "x")
    (place / name).rmdir()
    (place / name).symlink_to(tmp_path)
    borrow(repo, place)
    with pytest.raises(errors.Refused):
        stores(repo)


def test_a_list_that_is_a_fifo_is_none(tmp_path: Path) -> None:
    store = _store(tmp_path / "x")
    os.mkfifo(store / "info/alternates")
    assert alternates.stores(store, None) == ()


def test_stores_that_name_each_other_are_shown_once(tmp_path: Path) -> None:
    first, second = _store(tmp_path / "x"), _store(tmp_path / "y")
    (first / "info/alternates").write_text(f"{second}\n")
    (second / "info/alternates").write_text(f"{first}\n")
    assert set(alternates.stores(first, None)) == {first, second}


def test_the_environment_names_no_store(
    repo: Repo, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(hermetic))
    found = discover(repo.path)
    assert "GIT_ALTERNATE_OBJECT_DIRECTORIES" not in found.git.variables
    assert stores(repo) == ()


def test_no_command_sees_a_directory_that_is_named(repo: Repo, hermetic: Path) -> None:
    (hermetic / ".ssh").mkdir()
    (hermetic / ".ssh/id_rsa").write_text("secret\n")
    borrow(repo, hermetic / ".ssh")
    repo.plan({"title": "x", "steps": [{"title": "Look", "run": f"cat {hermetic}/.ssh/id_rsa"}]})
    refused = repo.orch("exec", expect=3)
    assert "no object directory" in refused.stderr
    repo.plan(writing("a"))
