"""`git orch tour`: what a newcomer sees, and that nothing of theirs changes."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import picture
import pytest
from conftest import Repo, data
from screen import screen

from git_orch.cli import tour

_ORCH = (sys.executable, "-m", "git_orch")


def files_of(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.usefixtures("unsandboxed")
def test_the_tour_ends_landed_and_changes_nothing_of_the_users(repo: Repo, tmp_path: Path) -> None:
    """Also where an environment names the user's repository, and their settings a program."""
    home, rung = Path.home(), tmp_path / "rung"
    repo.git("config", "--global", "orch.notify", f"touch {rung}")
    before = files_of(home), files_of(repo.path)
    place = tmp_path / "a tour"
    done = repo.orch(
        "tour", "--dir", str(place), env={"GIT_DIR": str(repo.path / ".git"), "GIT_WORK_TREE": "."}
    )
    assert (files_of(home), files_of(repo.path), rung.exists()) == (*before, False)
    typed = re.findall(r"^\$ (.*)$", done.stdout, re.MULTILINE)
    assert typed == [stop.line for stop in tour.STOPS]
    assert "FAILED: 2/3 steps done" in done.stdout
    assert "landed on 'main'" in done.stdout
    assert done.stdout.endswith(f"remove it when you are done:\n  {place}\n")
    landed = Repo(place / "repo")
    assert (
        landed.git("show", "main:MANUAL") == "greet.sh prints a greeting.\nUsage: sh greet.sh NAME"
    )
    assert landed.git("status", "--porcelain") == "?? note.txt"
    assert {path.name for path in place.iterdir()} <= {"repo", "gitconfig", "bin", "state", "cache"}


def test_the_tour_refuses_a_directory_with_files(repo: Repo) -> None:
    (repo.path / "full").mkdir()
    (repo.path / "full/mine").touch()
    refused = repo.orch("tour", "--dir", "full", expect=2)
    assert (
        "error: the directory 'full' is not empty\nhint: git orch tour --dir full-2"
        in refused.stderr
    )
    assert [path.name for path in (repo.path / "full").iterdir()] == ["mine"]


def test_a_tour_that_cannot_go_on_says_where_its_files_are(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    git = tmp_path / "bin/git"
    git.write_text("#!/bin/sh\nexit 9\n")
    git.chmod(0o755)
    path = f"{git.parent}{os.pathsep}{os.environ['PATH']}"
    done = repo.orch("tour", "--dir", str(tmp_path / "d"), env={"PATH": path}, expect=1)
    assert "error: the tour ends early: this command ended with 9, not 0" in done.stderr
    assert f"remove it when you are done:\n  {tmp_path}/d\n" in done.stdout
    document = data(repo.orch("tour", "--json", env={"PATH": path}, expect=1).stdout)
    assert [row["exit_code"] for row in document["commands"]] == [9]


def test_on_a_terminal_the_tour_waits_for_enter_and_ctrl_c_leaves_it(
    repo: Repo, tmp_path: Path
) -> None:
    with screen(repo.path, [*_ORCH, "tour", "--dir", str(tmp_path / "d")], {}) as shown:
        shown.shows("1/10 A repository", "Enter goes on")
        shown.press("Enter")
        shown.shows("2/10 A plan is a branch", "run: git orch exec", "Enter goes on")
        shown.press("C-c")
        assert shown.ended() == 130
        shown.shows("remove it when you are done:")


def test_the_picture_of_the_readme_is_what_the_commands_print(tmp_path: Path) -> None:
    """`make picture` writes it again."""
    text = picture.settled(picture.session(tmp_path / "run"))
    assert picture.picture(text) == picture.PICTURE.read_text()
