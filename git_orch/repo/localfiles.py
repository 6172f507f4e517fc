"""git-orch's own local files: mode 0600, and whole or not there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from git_orch import checkpoints, errors
from git_orch.plans import ids
from git_orch.repo import own_files, sync
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import unwritable
from git_orch.repo.sharing import ALONE, Sharing

if TYPE_CHECKING:
    from pathlib import Path

    from git_orch.repo.repository import Repository

# `is_held` looks by taking the lock for an instant; that must not look like a second run.
_LOCK_TRIES = 5


def create(path: Path, data: bytes) -> None:
    """Write a file that appears whole; one that is already there is left alone. Raises
    UnfitRepository.
    """
    with checkpoints.around("write file", path):
        _place(path, data, replace=False)


def write(path: Path, data: bytes, *, synced: bool = True) -> None:
    """Write a file that appears whole, over whatever is there; without `synced` a power cut may
    leave it empty.

    Raises UnfitRepository.
    """
    with checkpoints.around("write file", path):
        _place(path, data, replace=True, synced=synced)


def write_below(top: Path, names: Sequence[str], data: bytes) -> None:
    """Write a file in git-orch's own directory `top`, and make the directories that lead to it.
    Raises UnfitRepository, and NotOurs where others could change what is in `top`.
    """
    path = top.joinpath(*names)
    try:
        own_files.make_directories(top, names[:-1])
    except OSError as failed:
        raise unwritable(failed, path) from failed
    own_files.require(top)
    write(path, data)


def copy(source: IO[bytes], path: Path, *, synced: bool = True, sharing: Sharing = ALONE) -> None:
    """Write what `source` still has to a file that appears whole and is not git-orch's own; without
    `synced` a power cut may leave it empty. One that is there gives its mode. Raises
    UnfitRepository.
    """
    import shutil

    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        sharing.make_directories(path.parent)
        with open(beside, "xb") as file:
            shutil.copyfileobj(source, file)
            sharing.adjust(file.fileno())
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.flush()
            if synced:
                sync.file(file.fileno())
        with checkpoints.around("write file", path):
            beside.replace(path)
    except OSError as failed:
        beside.unlink(missing_ok=True)
        raise unwritable(failed, path) from failed


def remove(path: Path) -> None:
    """Remove a file, which may be gone already. Raises OSError."""
    with checkpoints.around("remove file", path):
        path.unlink(missing_ok=True)


def _place(path: Path, data: bytes, *, replace: bool, synced: bool = True) -> None:
    beside = f".{path.name}.{os.urandom(4).hex()}"
    try:
        with own_files.directory_of(path) as directory:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(beside, flags, 0o600, dir_fd=directory)
            try:
                own_files.share(path, descriptor, directory)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    if synced:
                        sync.file(file.fileno())
                place = os.rename if replace else os.link
                with contextlib.suppress(FileExistsError):  # somebody was first: theirs stays
                    place(beside, path.name, src_dir_fd=directory, dst_dir_fd=directory)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=directory)
    except OSError as failed:
        raise unwritable(failed, path) from failed


@contextlib.contextmanager
def lock(place: PlanPlace) -> Iterator[None]:
    """Hold the plan for this process; the kernel frees it when we die, so the file is never
    deleted. Raises Busy.
    """
    path = place.repository.shared_dir / "locks" / place.id
    try:
        descriptor = own_files.open_file(path, os.O_RDWR | os.O_CREAT)
    except OSError as failed:
        raise unwritable(failed, path) from failed
    with os.fdopen(descriptor, "r+b"):
        for tries in range(_LOCK_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if tries == _LOCK_TRIES - 1:
                    other = own_files.other_owner(place.run)
                    whose = f" ('{other}' began its last run)" if other is not None else ""
                    raise errors.Busy(
                        f"another process is working on '{ids.short(place.id)}'{whose}",
                        "git orch status",
                    ) from None
                time.sleep(0.02)
            else:
                break
        yield


@contextlib.contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Hold a name for this process by a file that goes at the end; False where another process
    holds it.
    """
    try:
        descriptor = own_files.open_file(path, os.O_RDWR | os.O_CREAT)
    except OSError as failed:
        raise unwritable(failed, path) from failed
    with os.fdopen(descriptor, "r+b"):
        is_ours = _take_lock(descriptor, path)
        try:
            yield is_ours
        finally:
            if is_ours:
                remove(path)


def _take_lock(descriptor: int, path: Path) -> bool:
    """Whether this process has the lock of the file that is there now: one who held it may have
    removed it meanwhile.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except (BlockingIOError, FileNotFoundError):
        return False


def held(repository: Repository, plans: Iterable[str]) -> frozenset[str]:
    """The plans of the list that a process of this machine works on right now."""
    try:
        ever = frozenset(os.listdir(os.path.join(repository.shared_path, "locks")))
    except OSError:
        return frozenset()  # never locked, or not ours to read
    return frozenset(
        plan for plan in plans if plan in ever and is_held(PlanPlace(repository, plan))
    )


def is_held(place: PlanPlace) -> bool:
    """Whether a process of this machine works on the plan right now."""
    path = os.path.join(place.repository.shared_path, "locks", place.id)
    try:
        descriptor = own_files.open_file(path, os.O_RDONLY)
    except (OSError, own_files.NotOurs):
        return False  # never locked, or not ours to read
    with os.fdopen(descriptor, "rb"):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
