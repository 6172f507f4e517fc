"""The reference-transaction hook starts git-orch for plan branches only, and never stands in git's
way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import places
import pytest
from conftest import Repo

_HOOK = places.TOP / "hooks/reference-transaction"
_PLAN = "refs/heads/orch/PLAN-20261121-0NG7F5ZAWN-greet-people"


@pytest.fixture
def hooked(repo: Repo) -> Repo:
    """A repository with the hook installed as its first lines say."""
    target = Path(repo.git("rev-parse", "--path-format=absolute", "--git-path", "hooks"))
    target.mkdir(exist_ok=True)
    shutil.copy(_HOOK, target)
    return repo


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git-orch on PATH that writes down its arguments and input, and fails. Returns the file."""
    written = tmp_path / "calls"
    program = tmp_path / "bin" / "git-orch"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n{{ echo "$@"; cat; }} >> {written}\nexit 70\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return written


def test_the_hook_is_posix_shell() -> None:
    assert subprocess.run(["sh", "-n", _HOOK], check=False).returncode == 0
    assert _HOOK.read_text().startswith("#!/bin/sh\n")
    assert os.access(_HOOK, os.X_OK)


def test_a_plan_branch_that_moves_is_told_to_git_orch(hooked: Repo, calls: Path) -> None:
    old = hooked.git("rev-parse", "HEAD")
    hooked.git("update-ref", _PLAN, old)
    calls.unlink()
    new = hooked.commit({"a": "a\n"})
    assert not calls.exists()

    hooked.git("update-ref", _PLAN, new, old)

    assert calls.read_text().splitlines() == [
        "hook reference-transaction prepared",
        f"{old} {new} {_PLAN}",
    ]


def test_a_plan_branch_that_is_deleted_is_told_to_git_orch(hooked: Repo, calls: Path) -> None:
    hooked.git("update-ref", _PLAN, "HEAD")
    calls.unlink()

    hooked.git("branch", "-D", _PLAN.removeprefix("refs/heads/"))

    assert _PLAN in calls.read_text()


def test_other_refs_start_nothing(hooked: Repo, calls: Path) -> None:
    hooked.git("branch", "orchard")
    hooked.git("update-ref", "refs/heads/my/orch/x", "HEAD")
    hooked.git("tag", "v1")
    hooked.commit({"a": "a\n"})

    assert not calls.exists()


def test_git_goes_on_when_git_orch_fails(hooked: Repo, calls: Path) -> None:
    hooked.git("update-ref", _PLAN, "HEAD")

    assert calls.exists()
    assert hooked.git("rev-parse", _PLAN) == hooked.git("rev-parse", "HEAD")


def test_git_goes_on_when_git_orch_is_not_installed(
    hooked: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("git", "sh", "cat"):
        (bare / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(bare))

    done = subprocess.run(
        ["git", "update-ref", _PLAN, "HEAD"], cwd=hooked.path, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert hooked.git("rev-parse", _PLAN) == hooked.git("rev-parse", "HEAD")
