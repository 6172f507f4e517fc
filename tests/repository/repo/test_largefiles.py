"""Files of git-lfs: a step sees their contents, and the repository gets pointers with the contents
behind them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.flow.machine import sandbox
from git_orch.plans.plan import Command
from git_orch.repo.repository import Repository, discover
from git_orch.repo.worktree import largefiles, snapshot, worktrees
from git_orch.repo.worktree.snapshot import Terms
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox.walls.site_map import SiteMap

PLAN = "PLAN-20261121-0000000000-x"
CONTENT = "many bytes\n"
NAME = hashlib.sha256(CONTENT.encode()).hexdigest()


@pytest.fixture(autouse=True)
def installed(hermetic: Path) -> None:
    """What `git lfs install` sets for a user."""
    for name, value in (
        ("clean", "git-lfs clean -- %f"),
        ("smudge", "git-lfs smudge -- %f"),
        ("process", "git-lfs filter-process"),
        ("required", "true"),
    ):
        subprocess.run(["git", "config", "--global", f"filter.lfs.{name}", value], check=True)


@pytest.fixture
def large(repo: Repo) -> Repo:
    """A repository with a file that git-lfs keeps."""
    repo.commit(
        {
            ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
            "old.bin": CONTENT,
            "a": "a\n",
        }
    )
    assert repo.git("show", "HEAD:old.bin").startswith("version https://git-lfs")
    return repo


def stored(repo: Repo, name: str) -> Path:
    """Where git-lfs keeps contents."""
    return repo.path / ".git/lfs/objects" / name[:2] / name[2:4] / name


def made(repo: Repo, told: list[str] | None = None) -> Worktree:
    found = discover(repo.path)
    boundary = sandbox.boundary(found, told.append if told is not None else lambda _: None)
    return worktrees.made(found, PLAN, boundary, "HEAD")


def taken(repo: Repo, worktree: Worktree) -> str:
    """The tree of a snapshot."""
    return snapshot.taken(discover(repo.path), worktree, worktrees.head(worktree), Terms()).tree


def inside(worktree: Worktree, script: str) -> str:
    outcome = worktree.enclosure.launcher.run(
        Command(argv=("sh", "-c", script)), worktree=worktree.path, timeout=60
    )
    return outcome.output.decode()


def test_a_worktree_has_the_contents_and_a_status_that_is_clean(large: Repo) -> None:
    worktree = made(large)
    assert (worktree.path / "old.bin").read_text() == CONTENT
    assert inside(worktree, "git status --porcelain; cat old.bin") == CONTENT
    assert large.git("status", "--porcelain", cwd=worktree.path) == ""
    assert snapshot.disturbed(worktree, large.git("rev-parse", "HEAD^{tree}")) == []


def test_a_snapshot_without_changes_is_the_same_tree(large: Repo) -> None:
    assert taken(large, made(large)) == large.git("rev-parse", "HEAD^{tree}")


def test_new_files_become_pointers_with_their_contents_beside_the_objects(large: Repo) -> None:
    worktree = made(large)
    Repo(worktree.path).write({"new.bin": "new bytes\n", "old.bin": "changed bytes\n"})
    tree = taken(large, worktree)
    for name, content in (("new.bin", "new bytes\n"), ("old.bin", "changed bytes\n")):
        oid = hashlib.sha256(content.encode()).hexdigest()
        assert f"oid sha256:{oid}\nsize {len(content)}" in large.git("show", f"{tree}:{name}")
        assert stored(large, oid).read_text() == content
    large.git("reset", "-q", "--hard", large.git("commit-tree", "-m", "x", "-p", "HEAD", tree))
    assert "Git LFS fsck OK" in large.git("lfs", "fsck")
    assert (large.path / "new.bin").read_text() == "new bytes\n"
    assert inside(worktree, "git diff --quiet && echo same") == "same\n"


def test_putting_a_worktree_back_brings_the_contents_back(large: Repo) -> None:
    worktree = made(large)
    tree = large.git("rev-parse", "HEAD^{tree}")
    Repo(worktree.path).write({"old.bin": "changed bytes\n", "new.bin": "x"})
    assert sorted(snapshot.disturbed(worktree, tree)) == ["new.bin", "old.bin"]
    snapshot.restore(worktree, tree)
    assert (worktree.path / "old.bin").read_text() == CONTENT
    assert snapshot.disturbed(worktree, tree) == []


def test_a_plan_of_two_steps_runs_on_large_files(large: Repo) -> None:
    steps = [
        {"title": "Grow", "run": "cat old.bin old.bin > new.bin"},
        {
            "title": "Read",
            "run": "wc -l < new.bin > lines",
            "checks": [{"command": "grep -x 2 lines"}],
            "depends_on": [1],
        },
    ]
    plan = large.plan({"title": "Large files", "steps": steps})
    large.orch("exec")
    assert large.step_states(plan) == ["done", "done"]
    assert large.git("show", f"orch/{plan}:new.bin").startswith("version https://git-lfs")
    large.git("checkout", "-q", f"orch/{plan}")
    assert (large.path / "new.bin").read_text() == CONTENT * 2


def test_without_the_contents_the_pointer_stays_and_somebody_is_told(large: Repo) -> None:
    stored(large, NAME).unlink()
    told: list[str] = []
    worktree = made(large, told)
    assert (worktree.path / "old.bin").read_text().startswith("version https://git-lfs")
    assert (worktree.path / "a").read_text() == "a\n"
    [line] = told
    assert line.startswith("files of the filter lfs stay as stored: ")
    assert taken(large, worktree) == large.git("rev-parse", "HEAD^{tree}")


def test_a_filter_that_git_cannot_select_does_not_hinder_another(large: Repo) -> None:
    large.git("config", "filter.a.b.smudge", "cat")
    told: list[str] = []
    worktree = made(large, told)
    assert told == ["files of the filter a.b stay as stored: git cannot select them"]
    assert (worktree.path / "old.bin").read_text() == CONTENT


def test_the_users_own_storage_cannot_be_written_from_the_sandbox(large: Repo) -> None:
    worktree = made(large)
    place = SiteMap(worktree.path, large.path).inside(stored(large, NAME))
    said = inside(worktree, f"echo evil > {place}; cat {place}")
    assert "Read-only file system" in said
    assert said.endswith(CONTENT)
    assert stored(large, NAME).read_text() == CONTENT


# -- a hostile scratch directory -------------------------------------------------------------------


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "lfs/objects/ab/cd").mkdir(parents=True)
    return tmp_path / "lfs"


@pytest.fixture
def found(repo: Repo) -> Repository:
    return discover(repo.path)


def objects(repo: Repo) -> list[str]:
    """All contents that git-lfs has in a repository."""
    return sorted(path.name for path in (repo.path / ".git/lfs").rglob("*") if not path.is_dir())


def test_contents_are_taken_over_by_their_name(
    repo: Repo, found: Repository, scratch: Path
) -> None:
    (scratch / "objects/ab/cd" / NAME).write_text(CONTENT)
    largefiles.admit(found, scratch)
    assert stored(repo, NAME).read_text() == CONTENT
    assert stored(repo, NAME).stat().st_mode & 0o444


@pytest.mark.parametrize(
    "name", [NAME[:-1] + "0", NAME.upper(), NAME[:63], f"{NAME}0", "..", "x", f"{NAME}\n"]
)
def test_a_name_that_lies_is_left_behind(
    repo: Repo, found: Repository, scratch: Path, name: str
) -> None:
    if name != "..":
        (scratch / "objects/ab/cd" / name).write_text(
            "other bytes\n" if len(name) == 64 else CONTENT
        )
    largefiles.admit(found, scratch)
    assert objects(repo) == []


@pytest.mark.parametrize("kind", ["link", "link to a directory", "FIFO", "directory", "device"])
def test_only_plain_files_are_taken_over(
    repo: Repo, found: Repository, scratch: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    (tmp_path / "outside" / "deep" / NAME).write_text(CONTENT)
    planted = scratch / "objects/ab/cd" / NAME
    if kind == "link":
        planted.symlink_to(tmp_path / "outside" / "deep" / NAME)
    elif kind == "link to a directory":
        planted.with_name("more").symlink_to(tmp_path / "outside")
    elif kind == "FIFO":
        os.mkfifo(planted.with_name(hashlib.sha256(b"").hexdigest()))  # it reads like an empty file
    elif kind == "device":
        planted.symlink_to("/dev/zero")
    else:
        planted.mkdir()
    largefiles.admit(found, scratch)
    assert objects(repo) == []


def test_a_storage_that_is_a_link_is_not_followed(
    repo: Repo, found: Repository, scratch: Path, tmp_path: Path
) -> None:
    (scratch / "objects/ab/cd" / NAME).write_text(CONTENT)
    shutil.move(scratch / "objects", tmp_path / "outside")
    (scratch / "objects").symlink_to(tmp_path / "outside")
    largefiles.admit(found, scratch)
    assert objects(repo) == []


def test_contents_that_are_there_already_stay_as_they_are(large: Repo, scratch: Path) -> None:
    (scratch / "objects/ab/cd" / NAME).write_text(CONTENT)
    before = stored(large, NAME).stat()
    largefiles.admit(discover(large.path), scratch)
    assert stored(large, NAME).stat() == before


@pytest.mark.parametrize("storage", ["elsewhere", "/absolute"])
def test_the_users_own_place_for_contents_is_used(
    large: Repo, tmp_path: Path, storage: str
) -> None:
    place = tmp_path / "absolute" if storage == "/absolute" else large.path / ".git/elsewhere"
    shutil.move(large.path / ".git/lfs", place)
    large.git(
        "config", "--global", "lfs.storage", str(place) if storage == "/absolute" else storage
    )
    worktree = made(large)
    Repo(worktree.path).write({"new.bin": "new bytes\n"})
    taken(large, worktree)
    assert hashlib.sha256(b"new bytes\n").hexdigest() in [path.name for path in place.rglob("*")]
    assert not (large.path / ".git/lfs/objects").exists()


@pytest.mark.parametrize("how", ["setting", "link", "deep link"])
def test_contents_go_nowhere_else_because_the_repository_says_so(
    large: Repo, tmp_path: Path, how: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    worktree = made(large)
    (worktree.path / "new.bin").write_text("new\n")
    shutil.rmtree(large.path / ".git/lfs", ignore_errors=True)
    if how == "setting":
        large.git("config", "lfs.storage", str(elsewhere))
    elif how == "link":
        (large.path / ".git/lfs").symlink_to(elsewhere)
    else:
        (large.path / ".git/lfs").mkdir()
        (large.path / ".git/lfs/objects").symlink_to(elsewhere)
    repository = discover(large.path)
    with pytest.raises(errors.Refused, match="git-lfs keep its files in") as refused:
        snapshot.taken(repository, worktree, "HEAD", Terms())
    assert list(elsewhere.iterdir()) == []
    large.follow(f"hint: {refused.value.hint}")
    snapshot.taken(discover(large.path), worktree, "HEAD", Terms())
    assert list(elsewhere.iterdir())
