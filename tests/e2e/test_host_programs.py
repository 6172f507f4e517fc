"""PATH begins with directories of the repository: no command starts a program of theirs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Repo, writing

NAMES = (
    *("git", "bwrap", "sandbox-exec", "gpg", "ssh-keygen", "ssh", "man", "sh", "bash", "vi", "cat"),
    *(
        "python3",
        "node",
        "perl",
        "prlimit",
        "env",
        "ps",
        "true",
        "grep",
        "git-lfs",
        "make",
        "cargo",
    ),
)
COMMANDS = (
    ("status",),
    ("ls", "--all"),
    ("show",),
    ("show", "--json"),
    ("doctor",),
    ("caps", "--refresh"),
    ("caps", "--check", "python3"),
    ("allow", "true"),
    ("check",),
    ("approve",),
    ("approve", "--sign"),
    ("exec",),
    ("verify",),
    ("diff",),
    ("land",),
)


@pytest.fixture
def planted(repo: Repo, tmp_path: Path) -> tuple[Repo, Path, dict[str, str]]:
    """A repository with programs that leave a mark, and a PATH that begins with them."""
    mark = tmp_path / "MARK"
    places = [repo.path, repo.path / "bin"]
    for place in places:
        place.mkdir(exist_ok=True)
        for name in NAMES:
            program = place / name
            program.write_text(f"#!/bin/sh\necho \"$0\" >> '{mark}'\n")
            program.chmod(0o755)
    path = os.pathsep.join(["", ".", "bin", *map(str, places), os.environ["PATH"]])
    return repo, mark, {"PATH": path}


def test_no_command_starts_a_program_of_the_repository(
    planted: tuple[Repo, Path, dict[str, str]],
) -> None:
    repo, mark, env = planted
    repo.plan(writing("a"))
    for command in COMMANDS:
        repo.orch(*command, env=env, expect=None)
        assert not mark.exists(), (command, mark.read_text())


def test_a_run_without_git_starts_none_of_the_directory(
    planted: tuple[Repo, Path, dict[str, str]], tmp_path: Path
) -> None:
    repo, mark, env = planted
    place = tmp_path / "plain"
    place.mkdir()
    for program in (repo.path / "bin").iterdir():
        (place / program.name).write_bytes(program.read_bytes())
        (place / program.name).chmod(0o755)
    env = {"PATH": os.pathsep.join(["", str(place), os.environ["PATH"]])}
    plan = json.dumps(writing("a"))
    repo.orch("exec", "--no-git", "--from", "-", stdin=plan, cwd=place, env=env)
    assert (place / "a").read_text() == "a\n"
    assert not mark.exists()
