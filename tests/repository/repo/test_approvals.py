"""Records of approvals on this machine: private files that count only as their user wrote them."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest
from conftest import Repo

from git_orch.plans.document import Document
from git_orch.repo.local import approvals
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository, discover

PLAN = "PLAN-20261121-0NG7F5ZAWN-greet"
CONTENT: Document = {
    "id": PLAN,
    "plan": {"title": "Greet"},
    "base": None,
    "grants": {"network": ["s2"]},
    "policy": 1,
}


@pytest.fixture
def repository(repo: Repo) -> Repository:
    """The repository as a command finds it."""
    return discover(repo.path)


@pytest.fixture
def file(repository: Repository) -> Path:
    """The file of an approval."""
    approvals.write_approved(PlanPlace(repository, PLAN), CONTENT, 2.5, "Ada <ada@example.com>")
    return approvals.path_of(PlanPlace(repository, PLAN))


def test_an_approval_is_read_back(repository: Repository, file: Path) -> None:
    found = approvals.read(PlanPlace(repository, PLAN)).approved
    assert found is not None
    assert found.content == CONTENT
    assert (found.max_usd, found.approver, found.grants().network) == (
        2.5,
        "Ada <ada@example.com>",
        ("s2",),
    )


def test_an_approval_holds_for_thirty_days(repository: Repository, file: Path) -> None:
    found = approvals.read(PlanPlace(repository, PLAN)).approved
    assert found is not None
    assert found.expires - found.created == 30 * 86_400
    assert abs(found.created - time.time()) < 600


def test_the_file_says_which_version_wrote_it(file: Path) -> None:
    assert json.loads(file.read_text())["approved"]["tool"].startswith("git-orch ")


def test_files_and_directories_are_private_under_any_umask(repository: Repository) -> None:
    before = os.umask(0)
    try:
        approvals.write_made(PlanPlace(repository, PLAN), CONTENT)
    finally:
        os.umask(before)
    file = approvals.path_of(PlanPlace(repository, PLAN))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, *file.parents[:3])]
    assert modes == [0o600, 0o700, 0o700, 0o700]
    assert file.parents[2].name == "git-orch"


def test_nothing_of_it_is_in_the_repository(repository: Repository, file: Path) -> None:
    assert not file.is_relative_to(repository.common_dir)
    assert repository.top is not None
    assert not file.is_relative_to(repository.top)


def test_another_copy_of_the_repository_has_no_record(
    repository: Repository, file: Path, tmp_path: Path
) -> None:
    Repo(tmp_path).git("clone", "-q", str(repository.top), "copy")
    copy = PlanPlace(discover(tmp_path / "copy"), PLAN)
    assert approvals.read(copy) == approvals.Record()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_read_or_write_does_not_count(
    repository: Repository, file: Path, mode: int
) -> None:
    file.chmod(mode)
    found = approvals.read(PlanPlace(repository, PLAN))
    assert found.approved is None
    assert f"its mode is {mode:o}, not 600" in (found.problem or "")


def test_a_link_does_not_count(repository: Repository, file: Path, tmp_path: Path) -> None:
    file.rename(tmp_path / "elsewhere.json")
    file.symlink_to(tmp_path / "elsewhere.json")
    found = approvals.read(PlanPlace(repository, PLAN))
    assert found.approved is None
    assert found.problem is not None


def test_a_fifo_does_not_count_and_is_not_waited_for(repository: Repository, file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)
    assert "not a regular file" in (approvals.read(PlanPlace(repository, PLAN)).problem or "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"s2"', '"s3"'),  # another grant than the digest is for
        ("Greet", "greet"),
        ('"v": 1', '"v": 2'),
        ('"max_usd": 2.5', '"max_usd": -1'),
        ('"max_usd": 2.5', '"max_usd": NaN'),
        ('"max_usd": 2.5', '"max_usd": Infinity'),
        ('"max_usd": 2.5', '"max_usd": 1e999'),
        pytest.param('"max_usd": 2.5', '"max_usd": ' + "[" * 100_000, id="deep"),
        ('"approver": "Ada <ada@example.com>"', '"approver": 7'),
        ("{", "["),
        ("Greet", "\\ud800"),
    ],
)
def test_a_file_that_was_changed_does_not_count(
    repository: Repository, file: Path, old: str, new: str
) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    found = approvals.read(PlanPlace(repository, PLAN))
    assert (found.approved, found.made) == (None, ())
    assert "does not count" in (found.problem or "")


def test_a_withdrawn_approval_is_gone_and_what_was_made_is_known(
    repository: Repository, file: Path
) -> None:
    approvals.write_made(PlanPlace(repository, PLAN), CONTENT)
    approvals.withdraw(PlanPlace(repository, PLAN))
    found = approvals.read(PlanPlace(repository, PLAN))
    assert (found.made, found.rejected, found.approved) == ((CONTENT,), True, None)
