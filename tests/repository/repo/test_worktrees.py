"""git-orch's own worktrees, and who has a branch checked out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.flow.machine import sandbox
from git_orch.repo.repository import Repository, discover
from git_orch.repo.worktree import worktrees

PLAN = "PLAN-20261121-0000000000-x"


@pytest.fixture
def found(repo: Repo) -> Repository:
    repo.commit({".gitignore": "*.o\n", "sub/a": "a\n"})
    return discover(repo.path)


def test_a_worktree_is_detached_private_and_outside_of_the_repository(
    repo: Repo, found: Repository, hermetic: Path
) -> None:
    assert worktrees.existing(found, PLAN, sandbox.boundary(found)) is None
    made = worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
    assert made.path.is_relative_to(hermetic / ".local/state/git-orch/worktrees")
    assert made.path.parent.stat().st_mode & 0o777 == 0o700
    assert repo.git("symbolic-ref", "-q", "HEAD", cwd=made.path, expect=1) == ""
    assert worktrees.head(made) == repo.git("rev-parse", "HEAD")
    again = worktrees.existing(found, PLAN, sandbox.boundary(found))
    assert again is not None
    assert again.path == made.path
    worktrees.remove(found, PLAN)
    assert not made.path.exists()
    assert worktrees.existing(found, PLAN, sandbox.boundary(found)) is None
    assert len(repo.git("worktree", "list").splitlines()) == 1


def test_a_relative_state_home_is_ignored(
    found: Repository, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("relative/state", "", "."):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert worktrees.path_of(found, PLAN).is_relative_to(hermetic / ".local/state")


def test_a_user_without_a_home_is_refused_before_a_directory_is_made(repo: Repo) -> None:
    """`~` stays `~` for a user without one, and would be a directory in their tree."""
    plan = repo.plan({"title": "T", "steps": [{"title": "A", "run": "true"}]})
    identity = {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    nobody = [
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--unshare-user",
        "--uid",
        "54321",
        "--chdir",
        str(repo.path),
    ]
    nobody += ["env", "--unset=HOME", "--unset=XDG_STATE_HOME"]
    done = subprocess.run(
        [*nobody, sys.executable, "-m", "git_orch", "exec", plan],
        env=os.environ | identity,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 128
    assert "error: this user has no home directory" in done.stderr
    assert repo.git("status", "--porcelain") == ""


def test_two_repositories_do_not_share_a_place(
    repo: Repo, found: Repository, tmp_path: Path
) -> None:
    repo.git("clone", "-q", ".", str(tmp_path / "other"))
    assert worktrees.path_of(found, PLAN) != worktrees.path_of(discover(tmp_path / "other"), PLAN)
    linked = tmp_path / "linked"
    repo.git("worktree", "add", "-q", str(linked), "-b", "side")
    assert worktrees.path_of(found, PLAN) == worktrees.path_of(discover(linked), PLAN)


@pytest.mark.parametrize("left", ["files", "registered", "locked", "broken"])
def test_what_a_killed_run_left_is_not_in_the_way(repo: Repo, found: Repository, left: str) -> None:
    path = worktrees.path_of(found, PLAN)
    if left == "files":
        path.mkdir(parents=True)
        (path / "old").touch()
    else:
        worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
        if left == "registered":
            Repo(path).git("rm", "-rqf", ".")
            (path / ".git").unlink()
        elif left == "locked":
            next(found.common_dir.glob("worktrees/*/locked")).write_text("initializing\n")
        else:
            (path / ".git").write_text("gitdir: /nowhere\n")
            next(found.common_dir.glob("worktrees/*/HEAD")).write_text("rubbish\n")
    made = worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
    assert sorted(each.name for each in made.path.iterdir()) == [
        ".git",
        ".gitignore",
        "README.md",
        "sub",
    ]
    worktrees.remove(found, PLAN)
    assert not path.exists()


def test_the_users_own_missing_worktree_is_not_forgotten(
    repo: Repo, found: Repository, tmp_path: Path
) -> None:
    """It may be on a disk that is not mounted now; `git worktree prune` is theirs to run."""
    repo.git("worktree", "add", "-q", str(tmp_path / "usb"), "-b", "usb")
    (tmp_path / "usb").rename(tmp_path / "unmounted")
    made = worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
    (made.path / ".git").unlink()
    worktrees.remove(found, PLAN)
    assert str(tmp_path / "usb") in repo.git("worktree", "list")


def test_pointing_it_at_a_commit_leaves_no_other_file(repo: Repo, found: Repository) -> None:
    first, second = repo.git("rev-parse", "HEAD~"), repo.git("rev-parse", "HEAD")
    made = worktrees.made(found, PLAN, sandbox.boundary(found), second)
    tree = Repo(made.path)
    tree.write({"README.md": "changed\n", "new/er": "x\n", "ignored.o": "x\n"})
    tree.git("init", "-q", "nested")
    tree.git("add", "new")
    worktrees.point(made, first)
    assert sorted(each.name for each in made.path.iterdir()) == [".git", "README.md"]
    assert (made.path / "README.md").read_text() == "a project\n"
    worktrees.point(made, second)
    assert tree.git("status", "--porcelain", "--ignored") == ""


def test_cleaning_can_leave_ignored_files(repo: Repo, found: Repository) -> None:
    made = worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
    Repo(made.path).write({"ignored.o": "x\n", "new": "x\n"})
    worktrees.clean(made, ignored=False)
    assert (made.path / "ignored.o").exists()
    assert not (made.path / "new").exists()
    worktrees.clean(made)
    assert not (made.path / "ignored.o").exists()


def test_a_commit_is_held_where_a_group_may_write_gits_own_files(
    repo: Repo, found: Repository
) -> None:
    before = os.umask(0o002)  # the usual one where each user has a group
    try:
        made = worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
        held = repo.git("commit-tree", "-m", "held", "HEAD^{tree}")
        worktrees.hold(made, held)
    finally:
        os.umask(before)
    assert worktrees.head(made) == held


def test_holding_a_commit_touches_no_file_and_no_branch(repo: Repo, found: Repository) -> None:
    made = worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD~")
    tree = Repo(made.path)
    tree.git("checkout", "-q", "-b", "theirs")
    held = repo.git("commit-tree", "-m", "held", "HEAD^{tree}")
    worktrees.hold(made, held)
    assert worktrees.head(made) == held
    assert tree.git("symbolic-ref", "-q", "HEAD", expect=1) == ""
    assert repo.git("rev-parse", "theirs") == repo.git("rev-parse", "HEAD~")
    assert not (made.path / "sub").exists()
    repo.git("gc", "-q", "--prune=now")
    assert repo.git("cat-file", "-t", held) == "commit"


def test_a_branch_is_found_where_it_is_checked_out_or_rebased(
    repo: Repo, found: Repository, tmp_path: Path
) -> None:
    odd = tmp_path / "with\nbreak é"
    repo.git("worktree", "add", "-q", str(odd), "-b", "side")
    assert worktrees.checkout_of(found, "refs/heads/main") == repo.path
    assert worktrees.checkout_of(found, "refs/heads/side") == odd
    assert worktrees.checkout_of(found, "refs/heads/sid") is None
    repo.git("checkout", "-q", "-b", "topic", "HEAD~")
    repo.commit({"sub/a": "other\n"})
    repo.git("rebase", "main", expect=1)
    place = worktrees.checkout_of(found, "refs/heads/topic")
    assert place is not None
    assert place.is_relative_to(repo.path)
    repo.git("rebase", "--abort")
    repo.git("checkout", "-q", "main")
    assert worktrees.checkout_of(found, "refs/heads/topic") is None


def test_whoever_collects_meanwhile_never_sees_half_a_worktree(
    repo: Repo, found: Repository
) -> None:
    """What `git gc` asks of all worktrees, again and again while one comes and goes.

    git reads where the common directory is, and then looks it up from there (NAME/../..): a whole
    worktree that goes between the two is an "Invalid path", whoever takes it away. That one is rare.
    """
    collect = ("pack-objects", "--all", "--indexed-objects", "--stdout", "-q")
    over = threading.Event()

    def look() -> list[str]:
        failures = []
        while not over.is_set():
            done = subprocess.run(
                ["git", *collect],
                cwd=repo.path, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            )  # fmt: skip
            gone = b"fatal: Invalid path" in done.stderr
            failures += [done.stderr.decode()] if done.returncode and not gone else []
        return failures

    with futures.ThreadPoolExecutor(1) as executor:
        looking = executor.submit(look)
        for _ in range(40):
            worktrees.made(found, PLAN, sandbox.boundary(found), "HEAD")
            worktrees.remove(found, PLAN)
        over.set()
    assert looking.result() == []


def relative(repo: Repo, place: Path) -> None:
    """Have a linked worktree be registered as git 2.48 does with worktree.useRelativePaths."""
    [registered] = (repo.path / ".git/worktrees").glob("*")
    (registered / "gitdir").write_text(f"{os.path.relpath(place / '.git', registered)}\n")
    (place / ".git").write_text(f"gitdir: {os.path.relpath(registered, place)}\n")


def test_a_worktree_that_is_registered_by_a_relative_path_is_found(
    repo: Repo, tmp_path: Path
) -> None:
    place = tmp_path / "linked"
    repo.git("worktree", "add", "-q", str(place))
    relative(repo, place)
    found = discover(repo.path)
    assert worktrees.git_dir_of(found, place) == repo.path / ".git/worktrees/linked"
    assert str(place) in found.git.place().inside()


def test_worktrees_of_our_own_are_registered_by_absolute_paths(repo: Repo) -> None:
    """Where git makes them, as with refs in tables: in the sandbox they stand elsewhere."""
    argv = discover(repo.path).git.argv("worktree", "add")
    assert "worktree.useRelativePaths=false" in argv
