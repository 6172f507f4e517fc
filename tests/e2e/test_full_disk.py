"""A disk that fills up in the middle of a command, a real one: a small tmpfs, seen by nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Prepared, Repo, writing

# For each number of free blocks: the exit code, whether the branch moved, and what the command said.
SCRIPT = r"""
disk=$1 template=$2 ref=$3; shift 3
for free in 1 5 10 13 20; do
  rm -rf "$disk"/*; cp -a "$template" "$disk/r"; cd "$disk/r"
  before=$(git rev-parse "$ref")
  dd if=/dev/zero of="$disk/fill" bs=4096 2>/dev/null
  truncate -s "-$((free * 4096))" "$disk/fill"
  said=$("$@" 2>&1); status=$?
  rm "$disk/fill"
  moved=no; [ "$(git rev-parse "$ref")" = "$before" ] || moved=yes
  if [ $moved = yes ]; then "$1" -m git_orch rollback --undo "${!#}" >/dev/null 2>&1; else "$@" >/dev/null 2>&1; fi
  [ $? = 0 ] || moved="$moved, and the next command fails"
  echo "$status $moved $(echo "$said" | grep -e error: -e note: | tr '\n' ' ')"
done
"""


@pytest.fixture
def done(tmp_path: Path, prepared: Prepared) -> tuple[Repo, str]:
    """A plan whose three steps are done."""

    def build(repo: Repo) -> str:
        plan = repo.plan(writing("a.txt", "b.txt", "c.txt", chained=False))
        repo.orch("exec", plan)
        return plan

    return prepared.at(tmp_path / "repo", "three done that need no other", build)


@pytest.mark.parametrize("argv", [["rollback", "--last", "1"], ["drop", "3"]], ids=lambda it: it[0])
def test_a_full_disk_is_called_by_its_name_and_what_has_moved_is_no_failure(
    done: tuple[Repo, str], tmp_path: Path, argv: list[str]
) -> None:
    """Whichever write finds no room: the command ends with 128 and nothing has moved, or it is
    done. A command after it that finds room can undo it, or do it.
    """
    repo, plan = done
    disk = tmp_path / "disk"
    disk.mkdir()
    walls = ["bwrap", "--dev-bind", "/", "/", "--size", "6000000", "--tmpfs", str(disk)]
    command = [sys.executable, "-m", "git_orch", *argv, plan]
    ref = f"refs/heads/orch/{plan}"
    ran = subprocess.run(
        [*walls, "bash", "-c", SCRIPT, "bash", str(disk), str(repo.path), ref, *command],
        capture_output=True, text=True, check=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    ended = [line.split(" ", 2) for line in ran.stdout.splitlines()]
    assert len(ended) == 5
    assert {(status, moved) for status, moved, _ in ended} == {("128", "no"), ("0", "yes")}
    assert all("the disk is full" in said for status, _, said in ended if status == "128")
