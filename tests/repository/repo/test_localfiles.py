"""git-orch's own local files: private, and whole or not there."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository, discover

PLAN = "PLAN-20261121-0000000000-x"
_HOLDER = """
import sys; from pathlib import Path
from git_orch.repo import localfiles; from git_orch.repo.repository import discover
from git_orch.repo.plan_place import PlanPlace
with localfiles.lock(PlanPlace(discover(Path(".")), sys.argv[1])): print("held", flush=True); sys.stdin.read()
"""


@pytest.fixture
def found(repo: Repo) -> Repository:
    return discover(repo.path)


def test_files_and_directories_are_private_whatever_the_umask(found: Repository) -> None:
    before = os.umask(0)
    try:
        localfiles.write(found.state_dir / "sub/file", b"data")
        with localfiles.lock(PlanPlace(found, PLAN)):
            pass
    finally:
        os.umask(before)
    for path in (found.state_dir, *found.state_dir.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_each_directory_that_is_missing_is_made_private(found: Repository) -> None:
    top = found.common_dir / "orch"
    before = os.umask(0)
    try:
        localfiles.write(top / "a/b/file", b"data")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (top, top / "a", top / "a/b")] == (
        [0o700] * 3
    )


def test_create_keeps_what_is_there_and_write_replaces_it(found: Repository) -> None:
    path = found.state_dir / "file"
    localfiles.create(path, b"first")
    localfiles.create(path, b"second")
    assert path.read_bytes() == b"first"
    localfiles.write(path, b"third")
    assert path.read_bytes() == b"third"
    assert os.listdir(found.state_dir) == ["file"]


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(found: Repository) -> None:
    (found.state_dir / "file").mkdir()
    with pytest.raises(errors.UnfitRepository, match=r"cannot write .*/orch/file'") as refused:
        localfiles.write(found.state_dir / "file", b"data")
    assert str(found.state_dir) in refused.value.hint
    assert os.listdir(found.state_dir) == ["file"]


def test_a_lock_is_for_one_process_and_ends_with_it(repo: Repo, found: Repository) -> None:
    """S1-159: the kernel frees the lock of a killed process; the file stays, and is no sign of
    anybody.
    """
    assert not localfiles.is_held(PlanPlace(found, PLAN))
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, PLAN],
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    assert localfiles.is_held(PlanPlace(found, PLAN))
    assert not localfiles.is_held(PlanPlace(found, PLAN + "-other"))
    with (
        pytest.raises(errors.Busy, match="another process is working on"),
        localfiles.lock(PlanPlace(found, PLAN)),
    ):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    assert not localfiles.is_held(PlanPlace(found, PLAN))
    with localfiles.lock(PlanPlace(found, PLAN)):
        assert localfiles.is_held(PlanPlace(found, PLAN))
    assert not localfiles.is_held(PlanPlace(found, PLAN))


def test_a_lock_is_free_again_after_an_error(found: Repository) -> None:
    with pytest.raises(KeyError), localfiles.lock(PlanPlace(found, PLAN)):
        raise KeyError
    with localfiles.lock(PlanPlace(found, PLAN)):
        pass


def test_a_lock_where_nothing_can_be_written_is_an_error(found: Repository, tmp_path: Path) -> None:
    (found.state_dir / "locks").write_text("in the way")
    with (
        pytest.raises(errors.UnfitRepository, match="cannot write"),
        localfiles.lock(PlanPlace(found, PLAN)),
    ):
        pass
    assert not localfiles.is_held(PlanPlace(found, PLAN))
