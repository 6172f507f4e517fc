"""Temporary directories among git-orch's own files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from git_orch.repo import temporary


def test_a_directory_is_empty_and_gone_afterwards(tmp_path: Path) -> None:
    with temporary.directory(tmp_path) as made:
        assert list(made.iterdir()) == []
        (made / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    with temporary.directory(tmp_path) as ours:
        of_ours = ours.name
    left = tmp_path / of_ours.replace(str(os.getpid()), str(ended.pid))
    (left / "inner").mkdir(parents=True)
    (left / "inner" / "file").write_text("x")
    with temporary.directory(tmp_path):
        assert not left.exists()


def test_what_a_living_process_has_stays(tmp_path: Path) -> None:
    with temporary.directory(tmp_path) as first, temporary.directory(tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()


def test_other_names_in_the_place_stay(tmp_path: Path) -> None:
    for name in ("PLAN-20261121-0000000000-x", "1-2", "tmp12345"):
        (tmp_path / name).mkdir()
    with temporary.directory(tmp_path):
        pass
    assert len(list(tmp_path.iterdir())) == 3
