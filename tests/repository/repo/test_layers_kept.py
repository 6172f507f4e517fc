"""Layers on disk: whole or not there, and removed when nobody has used them for long."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import Repo

from git_orch import errors
from git_orch.repo import places
from git_orch.repo.local import layers
from git_orch.repo.repository import Repository, discover


@pytest.fixture
def repository(repo: Repo) -> Repository:
    return discover(repo.path)


def kept(repository: Repository, worktree: Path, *made: str) -> layers.Layer:
    for place in made:
        (worktree / place).parent.mkdir(parents=True, exist_ok=True)
        (worktree / place).write_text(place)
    with layers.making(repository, threading.Event()):
        return layers.keep(repository, "key", worktree, made)


def test_what_is_kept_is_moved_and_found(repository: Repository, tmp_path: Path) -> None:
    layer = kept(repository, tmp_path / "w", "deps", "src/gen")
    assert layers.find(repository, "key") == layer
    assert (layer.files / "src/gen").read_text() == "src/gen"
    assert not (tmp_path / "w/deps").exists()


def test_one_without_its_list_is_none(repository: Repository, tmp_path: Path) -> None:
    layer = kept(repository, tmp_path / "w", "deps")
    (layer.files.parent / "layer.json").unlink()
    assert layers.find(repository, "key") is None


def test_one_that_others_may_write_to_is_none(repository: Repository, tmp_path: Path) -> None:
    layer = kept(repository, tmp_path / "w", "deps")
    layer.files.parent.chmod(0o777)
    assert layers.find(repository, "key") is None


def test_a_layer_that_nobody_has_used_is_removed(repository: Repository, tmp_path: Path) -> None:
    layer = kept(repository, tmp_path / "w", "deps")
    layers.remove_unused(repository, time.time() - 60)
    assert layers.find(repository, "key") == layer
    os.utime(layer.files.parent / "layer.json", (1, 1))
    layers.remove_unused(repository, time.time() - 60)
    assert not layer.files.exists()


def test_a_layer_that_is_looked_for_counts_as_used(repository: Repository, tmp_path: Path) -> None:
    layer = kept(repository, tmp_path / "w", "deps")
    os.utime(layer.files.parent / "layer.json", (1, 1))
    layers.find(repository, "key")
    layers.remove_unused(repository, time.time() - 60)
    assert layer.files.exists()


# Ends at the second file or directory that Python removes.
KILLED = """
import os, sys
from pathlib import Path
from git_orch.repo import places
from git_orch.repo.local import layers
from git_orch.repo.repository import discover

repository, removed = discover(Path(sys.argv[1])), []

def count(event, _):
    if event in ("os.remove", "os.rmdir"):
        removed.append(event)
        if len(removed) == 2:
            os.kill(os.getpid(), 9)

sys.addaudithook(count)
layers.remove_unused(repository, 2)
"""


def test_a_layer_that_somebody_was_killed_removing_is_none(
    repository: Repository, repo: Repo, tmp_path: Path
) -> None:
    layer = kept(repository, tmp_path / "w", "deps", "more", "src/gen")
    os.utime(layer.files.parent / "layer.json", (1, 1))
    ended = subprocess.run([sys.executable, "-c", KILLED, repo.path], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert layers.find(repository, "key") is None
    layers.remove_unused(repository, 2)
    assert os.listdir(layer.files.parent.parent) == [".lock"]


def test_nothing_is_removed_while_somebody_makes_a_layer(
    repository: Repository, tmp_path: Path
) -> None:
    layer = kept(repository, tmp_path / "w", "deps")
    unfinished = layer.files.parent.with_name(".new-other")
    unfinished.mkdir()
    with layers.making(repository, threading.Event()):
        layers.remove_unused(repository, time.time())
    assert unfinished.exists()
    layers.remove_unused(repository, 0)
    assert not unfinished.exists()


def test_nothing_is_left_of_a_layer_for_which_there_is_no_room(repository: Repository) -> None:
    def fill(files: Path) -> None:
        (files / "half").write_text("x")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (
        layers.making(repository, threading.Event()),
        pytest.raises(errors.UnfitRepository),
    ):
        layers.make(repository, "key", fill)
    assert os.listdir(places.place_of(repository, "layers")) == [".lock"]


def test_two_do_not_make_layers_at_once(repository: Repository) -> None:
    stop = threading.Event()
    stop.set()
    with (
        layers.making(repository, threading.Event()),
        pytest.raises(errors.Busy),
        layers.making(repository, stop),
    ):
        pass
