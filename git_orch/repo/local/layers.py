"""Layers: what a setup command made, or the files of a submodule, kept outside of every repository
under a key of what it was made from. Each is moved to its place whole, so that one that is there is
complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from git_orch import checkpoints, errors
from git_orch.plans import document
from git_orch.plans.document import BadDocument
from git_orch.repo import own_files, places
from git_orch.repo.repository import Repository, unwritable
from git_orch.sandbox import modes, trees

_KIND = "layers"
_FILES = "files"
_LIST = "layer.json"
_LOCK = ".lock"
_NEW, _OLD = ".new-", ".old-"  # before a name: not complete yet, or not any more
_LARGEST = 1 << 20  # bytes of a list
_PAUSE = 0.1  # seconds


class Layer(NamedTuple):
    """A layer: its `places` are paths of a worktree, and lie below `files` here."""

    files: Path
    places: tuple[str, ...]


def find(repository: Repository, key: str) -> Layer | None:
    """The layer with this key; None where there is none that only this user can have made. It
    counts as used now.
    """
    layer = _read(repository, key)
    if layer is not None:
        with contextlib.suppress(OSError):
            os.utime(layer.files.with_name(_LIST))
    return layer


def _read(repository: Repository, key: str) -> Layer | None:
    names = (_KIND, places.name_of(repository), key, _LIST)
    try:
        top = places.own_directory()
        data = own_files.read(top, names, _LARGEST, private=True)
        if data is None:
            return None
        listed = document.texts(document.parse(data, "layer"), "places")
    except (OSError, ValueError, RecursionError, BadDocument, own_files.NotOurs):
        return None
    return Layer(top.joinpath(*names[:-1], _FILES), listed)


def every(repository: Repository) -> list[Layer]:
    """The layers of a repository, of which none counts as used by that."""
    try:
        directory = places.place_of(repository, _KIND)
        keys = sorted(name for name in os.listdir(directory) if not name.startswith("."))
    except (OSError, own_files.NotOurs):
        return []
    return [layer for key in keys if (layer := _read(repository, key)) is not None]


@contextlib.contextmanager
def making(repository: Repository, stop: threading.Event) -> Iterator[None]:
    """One process and thread of this repository at a time makes layers. Raises Interrupted when
    `stop` is set first.
    """
    directory = _directory(repository)
    with contextlib.ExitStack() as stack:
        try:
            descriptor = stack.enter_context(_lock(directory))
        except OSError as failed:
            raise unwritable(failed, directory / _LOCK) from failed
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stop.wait(_PAUSE):
                    raise errors.Busy(
                        "another process makes dependencies", "git orch exec"
                    ) from None
        yield


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[int]:
    """The descriptor of the file that the makers of layers lock."""
    descriptor = own_files.open_file(directory / _LOCK, os.O_RDWR | os.O_CREAT)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def keep(repository: Repository, key: str, worktree: Path, made: Sequence[str]) -> Layer:
    """Move these paths out of a worktree, where no command runs any more, into the layer with this
    key. Only for who is `making`. Raises UnfitRepository.
    """
    place = _begin(repository, key)
    beside = place.with_name(f"{_NEW}{key}")
    with _gone_on_failure(beside, place):
        for path in made:
            target = beside / _FILES / path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            source = worktree / path
            if source.is_dir() and not source.is_symlink():
                source.chmod(source.stat().st_mode | 0o700)  # to be moved
            source.rename(target)
        return _finish(place, made)


def make(repository: Repository, key: str, fill: Callable[[Path], None]) -> Layer:
    """Make the layer with this key of what `fill` puts into an empty directory. Only for who is
    `making`. Raises UnfitRepository.
    """
    place = _begin(repository, key)
    beside = place.with_name(f"{_NEW}{key}")
    with _gone_on_failure(beside, place):
        files = beside / _FILES
        files.mkdir(mode=0o700, parents=True)
        fill(files)
        return _finish(place, ())


@contextlib.contextmanager
def _gone_on_failure(beside: Path, place: Path) -> Iterator[None]:
    """Takes away what cannot become a layer, also what fills the disk. Raises UnfitRepository for
    trouble with the disk.
    """
    try:
        yield
    except BaseException as failed:
        with contextlib.suppress(OSError):
            trees.remove(beside)
        if isinstance(failed, OSError):
            raise unwritable(failed, place) from failed
        raise


def _begin(repository: Repository, key: str) -> Path:
    """The place for a layer, with nothing beside it that a killed process left."""
    directory = _directory(repository)
    _remove_leftovers(directory)
    return directory / key


def _remove_leftovers(directory: Path) -> None:
    for start in (_NEW, _OLD):
        for left in directory.glob(f"{start}*"):
            trees.remove(left)


def _finish(place: Path, made: Sequence[str]) -> Layer:
    """Move a layer to its place from beside it."""
    beside = place.with_name(f"{_NEW}{place.name}")
    (beside / _FILES).mkdir(mode=0o700, parents=True, exist_ok=True)
    modes.make_plain(beside)
    content = {"v": 1, "made": int(time.time()), "places": list(made)}
    with open(beside / _LIST, "x", encoding="ascii", opener=_private) as file:
        json.dump(content, file)
    with checkpoints.around("keep layer", place):
        _remove(place)  # one that does not count
        beside.rename(place)
    return Layer(place / _FILES, tuple(made))


def remove_unused(repository: Repository, before: float, *, dry_run: bool = False) -> list[int]:
    """Remove the layers that nobody has used since `before` (seconds), and what killed processes
    left, if they can be removed and nobody makes a layer. Gives the sizes of the layers, in bytes.
    """
    sizes: list[int] = []
    try:
        directory = places.place_of(repository, _KIND)
        keys = [name for name in os.listdir(directory) if not name.startswith(".")]
    except (OSError, own_files.NotOurs):
        return sizes
    with contextlib.suppress(OSError, own_files.NotOurs), _lock(directory) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not dry_run:
            _remove_leftovers(directory)
        for key in keys:
            with contextlib.suppress(OSError):
                if (directory / key / _LIST).stat().st_mtime < before:
                    size = trees.size(directory / key)
                    if not dry_run:
                        _remove(directory / key)
                    sizes.append(size)
    return sizes


def _remove(place: Path) -> None:
    """Remove a layer. It does not count from the first moment on: nobody takes half of one for a
    whole one.
    """
    aside = place.with_name(f"{_OLD}{place.name}")
    trees.remove(aside)
    with contextlib.suppress(FileNotFoundError):
        place.rename(aside)
    trees.remove(aside)


def _directory(repository: Repository) -> Path:
    """The directory of a repository's layers, made where it is missing. Raises NotOurs,
    UnfitRepository.
    """
    top, names = places.own_directory(), (_KIND, places.name_of(repository))
    path = top.joinpath(*names)
    try:
        own_files.make_directories(top, names)
    except OSError as failed:
        raise unwritable(failed, path) from failed
    own_files.require(top, names)
    return path


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
