"""The worktrees that runs work in: taken by one process at a time, and kept warm where making one
takes long.

A file beside the locks names the plan that a worktree was taken for, until it is given back clean:
what a killed run left in it belongs to that plan.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import checkpoints, errors
from git_orch.plans import ids
from git_orch.repo import localfiles, own_files
from git_orch.repo.repository import unwritable

if TYPE_CHECKING:
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.repo.repository import Repository

MOST = 64  # worktrees of one repository; more workers than that help nobody on one machine
_PREFIX = "pool-"
# From here on `git worktree add` takes longer than a second: measured on ext4 with two cores.
WARM_FILES = 5_000


@contextlib.contextmanager
def take(place: PlanPlace, count: int) -> Iterator[list[str]]:
    """The names of `count` worktrees that are this process's until the end, for a plan. Raises
    Busy, UnfitRepository.

    First come those that the plan has left dirty, even if they are more than `count`.
    """
    with contextlib.ExitStack() as stack:
        repository = place.repository
        yours = [name for name, owner in owners(repository).items() if owner == place.id]
        names = [name for name in yours if _lock(repository, name, stack)]
        for number in range(1, MOST + 1):
            name = f"{_PREFIX}{number}"
            if len(names) < count and name not in names and _lock(repository, name, stack):
                names.append(name)
        if len(names) < count:
            raise errors.Busy(f"all {MOST} worktrees of git-orch are in use", "git orch status")
        yield names


@contextlib.contextmanager
def idle(repository: Repository, is_there: Callable[[str], bool]) -> Iterator[list[str]]:
    """The names of the worktrees that are there, that nobody uses and that hold no plan's work; they
    are this process's until the end.
    """
    with contextlib.ExitStack() as stack:
        every = [f"{_PREFIX}{number}" for number in range(1, MOST + 1)]
        names = [name for name in every if is_there(name) and _lock(repository, name, stack)]
        owned = owners(repository)
        yield [name for name in names if name not in owned]


def owner(repository: Repository, name: str) -> str | None:
    """The plan whose work may still be in the worktree; None when it was given back clean."""
    return owners(repository).get(name)


@checkpoints.around("own worktree")
def own(place: PlanPlace, name: str) -> None:
    """Write down that what is in the worktree from now on is the plan's."""
    localfiles.write(_directory(place.repository) / name, place.id.encode("ascii"))


@checkpoints.around("disown worktree")
def disown(repository: Repository, name: str) -> None:
    """The worktree is clean, or gone."""
    localfiles.remove(_directory(repository) / name)


@contextlib.contextmanager
def adding(repository: Repository) -> Iterator[None]:
    """One at a time: `git worktree add` reads what another one has half written, and fails."""
    with contextlib.ExitStack() as stack:
        descriptor = _open(repository.shared_dir, "worktree-add")
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def warm(repository: Repository, choice: str) -> bool:
    """Whether worktrees stay after a run: `wanted` is auto, true or false; auto goes by the size of
    the repository.
    """
    return choice == "true" or (choice == "auto" and _entries(repository) >= WARM_FILES)


def _entries(repository: Repository) -> int:
    """Files in the user's index, from its header (gitformat-index(5)); 0 where there is none."""
    try:
        with open(repository.git_dir / "index", "rb") as file:
            header = file.read(12)
    except OSError:
        return 0
    return int.from_bytes(header[8:12], "big") if header[:4] == b"DIRC" else 0


def owners(repository: Repository) -> dict[str, str]:
    """The plans whose work may still be in worktrees, by the names of these."""
    directory = _directory(repository)
    owned = {}
    for path in sorted(directory.glob(f"{_PREFIX}*"), key=lambda path: (len(path.name), path.name)):
        with contextlib.suppress(FileNotFoundError):  # given back while we looked
            plan = own_files.read_bytes(path).decode("ascii", "replace")
            if ids.PLAN_ID.fullmatch(plan):
                owned[path.name] = plan
    return owned


def _directory(repository: Repository) -> Path:
    return repository.state_dir / "pool"


def _lock(repository: Repository, name: str, stack: contextlib.ExitStack) -> bool:
    descriptor = _open(repository.state_dir, name)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    stack.callback(os.close, descriptor)
    return True


def _open(directory: Path, name: str) -> int:
    path = directory / "locks" / name
    try:
        return own_files.open_file(path, os.O_RDWR | os.O_CREAT)
    except OSError as failed:
        raise unwritable(failed, path) from failed
