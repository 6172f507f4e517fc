"""Plans that are run without git: nothing is written down, and nothing outside of the directory is
touched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Repo

PLAN = {
    "title": "Without git",
    "steps": [
        {"title": "Write", "files": {"a.txt": "a\n"}},
        {"title": "Copy", "run": "cp a.txt b.txt", "checks": [{"command": "cmp a.txt b.txt"}]},
    ],
}


def outside(directory: Path, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """git-orch where there is no repository."""
    return subprocess.run(
        [sys.executable, "-m", "git_orch", "exec", "--no-git", *args],
        cwd=directory,
        input=stdin,
        capture_output=True,
        text=True,
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(directory.parent)},
        check=False,
    )


def everything(repo: Repo) -> dict[str, bytes]:
    """Refs and objects."""
    return {
        str(path): path.read_bytes() for path in (repo.path / ".git").rglob("*") if path.is_file()
    }


def test_a_plan_file_is_run_where_there_is_no_repository(tmp_path: Path, hermetic: Path) -> None:
    """S1-176."""
    place = tmp_path / "plain"
    place.mkdir()
    done = outside(place, "--from", "-", stdin=json.dumps(PLAN))
    assert done.returncode == 0, done.stderr
    assert "note: this is no repository" in done.stderr
    assert sorted(path.name for path in place.iterdir()) == ["a.txt", "b.txt"]
    assert "2 of 2 steps done" in done.stdout


def test_the_home_directory_is_no_place_to_work_in(hermetic: Path) -> None:
    done = outside(hermetic, "--from", "-", stdin=json.dumps(PLAN))
    assert (done.returncode, "all of your home directory" in done.stderr) == (3, True)
    assert not (hermetic / "a.txt").exists()


def test_nothing_is_stored_in_a_repository(repo: Repo) -> None:
    """S1-181: no new objects, no new refs."""
    before = everything(repo)
    repo.orch("exec", "--no-git", "--from", "-", stdin=json.dumps(PLAN))
    assert everything(repo) == before
    assert (repo.path / "b.txt").read_text() == "a\n"


def test_a_stored_plan_needs_an_approval_for_the_checkout(repo: Repo) -> None:
    plan = repo.plan(PLAN)
    assert "--in-place" in repo.orch("exec", "--no-git", plan, expect=3).stderr
    assert not (repo.path / "a.txt").exists()
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", "--no-git", plan)
    assert (repo.path / "b.txt").exists()
    assert repo.step_states(plan) == ["pending", "pending"]


def test_the_first_failure_ends_it(repo: Repo) -> None:
    plan = {
        "title": "Fail",
        "steps": [{"title": "No", "run": "false"}, {"title": "After", "files": {"a.txt": "a\n"}}],
    }
    done = repo.orch("exec", "--no-git", "--from", "-", stdin=json.dumps(plan), expect=1)
    assert "step 1 failed: 'false' exited 1" in done.stderr
    assert not (repo.path / "a.txt").exists()


def test_a_check_that_fails_fails_its_step(repo: Repo) -> None:
    plan = {
        "title": "Fail",
        "steps": [{"title": "No", "files": {"a.txt": "a\n"}, "checks": [{"command": "test -f b"}]}],
    }
    assert (
        "check 'test -f b' exited 1"
        in repo.orch("exec", "--no-git", "--from", "-", stdin=json.dumps(plan), expect=1).stderr
    )


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        ({"prompt": "do it"}, "kind 'agent'"),
        ({"run": "true", "network": True}, "asks for the network"),
        ({"files": {"lib": {"submodule": "1" * 40}}}, "moves a submodule"),
    ],
    ids=["agent", "network", "submodule"],
)
def test_what_needs_a_review_or_a_grant_is_refused(
    repo: Repo, step: dict[str, object], cause: str
) -> None:
    plan = json.dumps({"title": "Ask", "steps": [{"title": "Ask", **step}]})
    assert cause in repo.orch("exec", "--no-git", "--from", "-", stdin=plan, expect=3).stderr


@pytest.mark.parametrize("typed", [["--no-git"], ["--from", "-"]], ids=["neither", "from alone"])
def test_the_options_belong_together(repo: Repo, typed: list[str]) -> None:
    repo.orch("exec", *typed, expect=2)


def test_a_command_stays_in_the_sandbox(repo: Repo, tmp_path: Path) -> None:
    plan = {
        "title": "Escape",
        "steps": [{"title": "Escape", "run": f"touch {tmp_path}/escaped; true"}],
    }
    repo.orch("exec", "--no-git", "--from", "-", stdin=json.dumps(plan))
    assert not (tmp_path / "escaped").exists()


@pytest.mark.usefixtures("unsandboxed")
def test_nobody_else_works_on_the_plan_meanwhile(repo: Repo) -> None:
    for name in ("user.name", "user.email"):
        repo.git("config", name, "ada@example.com")
    other = f"{sys.executable} -m git_orch exec 2> said || true"
    plan = repo.plan({"title": "Twice", "steps": [{"title": "Run it again", "run": other}]})
    repo.orch("approve", plan, "--in-place")
    repo.orch("exec", "--no-git", plan)
    assert "another process is working on" in (repo.path / "said").read_text()
