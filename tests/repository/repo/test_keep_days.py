"""What is older than orch.keepDays goes; what is younger, and what people made, stays."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Repo, writing

from git_orch.repo import identity, refs
from git_orch.repo.local import keep_days
from git_orch.repo.log import kept
from git_orch.repo.objects import objects
from git_orch.repo.objects.objects import Database
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository, discover

PLAN = "PLAN-20260101-0000000000-one"
DAY = 86_400
PLACES = ("output/attempt/1.txt", "traces/plan/attempt.jsonl", "refused/a.patch", "replies/1.json",
          "edit/plan.yaml")  # fmt: skip


def age(path: Path, days: float) -> None:
    """Make a file or directory so old."""
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))


@pytest.fixture
def repository(repo: Repo) -> Repository:
    """A repository in which this was done two days ago."""
    state = repo.path / ".git/orch"
    state.mkdir(exist_ok=True)
    (state / "tidied").touch()
    age(state / "tidied", 2)
    return discover(repo.path)


@pytest.fixture
def database(repository: Repository) -> Iterator[Database]:
    """Its objects."""
    with contextlib.closing(objects.opened(repository)) as opened:
        yield opened


def write(repo: Repo, name: str, days: float) -> Path:
    """A local file that was written so many days ago."""
    path = repo.path / ".git/orch" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("text")
    age(path, days)
    return path


@pytest.mark.parametrize("place", PLACES)
def test_local_files_go_when_they_are_older_and_not_before(
    repo: Repo, repository: Repository, database: Database, place: str
) -> None:
    old = write(repo, place, 31)
    young = write(repo, f"{place}.young", 29)
    keep_days.tidy(repository, database, 30)
    assert (old.exists(), young.exists()) == (False, True)


def test_nothing_goes_with_zero(repo: Repo, repository: Repository, database: Database) -> None:
    old = write(repo, PLACES[0], 10_000)
    keep_days.tidy(repository, database, 0)
    assert old.exists()


def test_it_is_done_once_a_day(repo: Repo, repository: Repository, database: Database) -> None:
    keep_days.tidy(repository, database, 30)
    old = write(repo, PLACES[0], 31)
    keep_days.tidy(repository, database, 30)
    assert old.exists()


def test_other_files_stay_whatever_their_age(
    repo: Repo, repository: Repository, database: Database
) -> None:
    others = [write(repo, name, 400) for name in ("clone", "locks/a", "spool/a/1", "ledger/a.json")]
    keep_days.tidy(repository, database, 30)
    assert all(other.exists() for other in others)


def test_a_directory_that_was_just_made_stays_and_an_old_empty_one_goes(
    repo: Repo, repository: Repository, database: Database
) -> None:
    state = repo.path / ".git/orch/output"
    for name in ("old", "new"):
        (state / name).mkdir(parents=True)
    age(state / "old", 31)
    keep_days.tidy(repository, database, 30)
    assert [path.name for path in state.iterdir()] == ["new"]


def keep(repository: Repository, database: Database, repo: Repo, why: str, days: int) -> str:
    """Keep a new commit for a reason, as if it were so many days ago; gives its ID."""
    empty = repo.git("mktree", stdin="")
    commit = repo.git("commit-tree", empty, "-m", f"{why} {days}")
    date = f"{int(time.time()) - days * DAY} +0000"
    person = dataclasses.replace(identity.of_user(repository), committer_date=date)
    kept.keep(PlanPlace(repository, PLAN), database, person, [commit], why)
    return commit


def test_old_attempts_are_let_go_of_and_all_else_is_kept(
    repo: Repo, repository: Repository, database: Database
) -> None:
    stays = [
        keep(repository, database, repo, why, days)
        for why, days in (
            ("work on a manual step", 400),
            (f"{kept.FAILED_ATTEMPT} at step 1", 400),
            ("a tip the user moved away from", 300),
            (kept.INTERRUPTED_WORK, 31),
            (f"{kept.FAILED_ATTEMPT} at step 2", 29),
        )
    ]
    keep_days.tidy(repository, database, 30)
    place = PlanPlace(repository, PLAN)
    assert [entry.commit for entry in kept.since(place, database, None)] == [
        stays[0], stays[2], stays[4],
    ]  # fmt: skip
    keep_days.tidy(repository, database, 30)
    repo.git("fsck", "--connectivity-only")


def test_a_chain_of_old_attempts_alone_goes_with_its_ref(
    repo: Repo, repository: Repository, database: Database
) -> None:
    for step in (1, 2):
        keep(repository, database, repo, f"{kept.FAILED_ATTEMPT} at step {step}", 31)
    keep_days.tidy(repository, database, 30)
    assert refs.value(repository, refs.KEPT + PLAN) is None


def test_a_run_removes_what_is_old_at_its_end(repo: Repo, repository: Repository) -> None:
    assert repository.state_dir.is_dir()
    old = write(repo, PLACES[0], 3)
    younger = write(repo, PLACES[1], 1)
    repo.git("config", "--global", "orch.keepDays", "2")
    repo.plan(writing("a"))
    repo.orch("exec")
    assert (old.exists(), younger.exists()) == (False, True)


@pytest.mark.parametrize("value", ["-1", "soon", "1.5", "36501"])
def test_a_number_of_days_that_cannot_be_is_refused(repo: Repo, value: str) -> None:
    repo.git("config", "--global", "orch.keepDays", value)
    assert "orch.keepDays" in repo.orch("config", expect=2).stderr


def test_never_is_no_end(repo: Repo) -> None:
    repo.git("config", "--global", "orch.keepDays", "never")
    assert "orch.keepDays=0" in repo.orch("config").stdout


@pytest.mark.parametrize("number", [1, 2])
def test_a_commit_of_the_user_whose_message_is_that_of_a_link_is_none(
    repo: Repo, repository: Repository, database: Database, number: int
) -> None:
    empty = repo.git("mktree", stdin="")
    commits = [
        repo.git("commit-tree", empty, "-m", f"orch: keep calm {count}", "-p", "HEAD")
        for count in range(number)
    ]
    place, person = PlanPlace(repository, PLAN), identity.of_user(repository)
    kept.keep(place, database, person, commits, "a tip the user moved away from")
    later = keep(repository, database, repo, f"{kept.FAILED_ATTEMPT} at step 1", 31)
    held = [entry.commit for entry in kept.since(place, database, None)]
    assert held == [*commits, later]
    keep_days.tidy(repository, database, 30)
    assert [entry.commit for entry in kept.since(place, database, None)] == commits
