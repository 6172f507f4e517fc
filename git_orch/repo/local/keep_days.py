"""Local files and kept attempts that are older than orch.keepDays: they go, once a day at most, at
the end of a run.

What goes are outputs of commands, conversations with models, replies, drafts and refused changes by
their time of change, and in the kept chains the attempts that failed or were cut off. Tips that
somebody has moved away from, and work of people, stay.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.repo import refs
from git_orch.repo.local import layers
from git_orch.repo.log import kept
from git_orch.repo.plan_place import PlanPlace
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from collections.abc import Set
    from pathlib import Path

    from git_orch.repo.objects.objects import Database
    from git_orch.repo.repository import Repository

_DAY = 86_400  # seconds
_MARK = "tidied"  # its time of change is when this was done last
_DATED = ("output", "traces", "tapes", "conversations", "refused", "replies", "edit")


def tidy(repository: Repository, objects: Database, days: int) -> None:
    """Remove what is older than so many days; nothing with 0, or when this was done within a day.
    What cannot be removed stays.
    """
    now = time.time()
    if days == 0 or not _is_due(repository.state_dir / _MARK, now):
        return
    before = now - days * _DAY
    for name in _DATED:
        with contextlib.suppress(OSError):
            remove_older(repository.state_dir / name, before)
    layers.remove_unused(repository, before)
    for ref in refs.below(repository, refs.KEPT):
        place = PlanPlace(repository, ref.removeprefix(refs.KEPT))
        with contextlib.suppress(errors.OrchError):  # somebody is faster, or has broken the chain
            kept.drop_attempts(place, objects, before)


def _is_due(mark: Path, now: float) -> bool:
    """Whether a day has gone by since the last time; the first time is a day from now."""
    try:
        due = mark.stat().st_mtime < now - _DAY
    except FileNotFoundError:
        due = False
        with contextlib.suppress(OSError):
            mark.touch(mode=0o600)
    if due:
        with contextlib.suppress(OSError):
            os.utime(mark)
    return due


def remove_older(
    place: Path, before: float, spared: Set[str] = frozenset(), *, dry_run: bool = False
) -> list[int]:
    """Remove the files below a directory that nobody has written to since `before` (seconds), and
    the directories that have been empty since; those with a `spared` name, or below one, stay. Gives
    the sizes of the files, in bytes.
    """
    sizes: list[int] = []
    for directory in trees.walk(place):
        for name in directory.others:
            with contextlib.suppress(FileNotFoundError):  # somebody else removes them as well
                status = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
                if status.st_mtime < before and not spared & {*directory.names, name, _stem(name)}:
                    if not dry_run:
                        os.unlink(name, dir_fd=directory.descriptor)
                    sizes.append(status.st_size)
        if dry_run:
            continue
        for name in tuple(directory.inner):
            with contextlib.suppress(OSError):  # there is something in it, or it is gone
                status = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
                # A run that has just made one is about to write to it.
                if status.st_mtime < before:
                    os.rmdir(name, dir_fd=directory.descriptor)
                    directory.inner.remove(name)
    return sizes


def _stem(name: str) -> str:
    return name.partition(".")[0]
