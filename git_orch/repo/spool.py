"""Events that must be on disk at once and reach the log with its next write: what every model call has cost.

A killed run leaves its spool behind; the next one takes it in. Events carry their IDs, so taking one in twice is the
same as once.
"""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.plans import events
from git_orch.plans.events import Event
from git_orch.repo.repository import unwritable

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository


def _path(repository: Repository, plan: str) -> Path:
    return repository.state_dir / "spool" / plan


def append(repository: Repository, plan: str, event: Event) -> None:
    """Put one event on disk. Raises UnfitRepository."""
    path = _path(repository, plan)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            size = os.fstat(descriptor).st_size
            whole = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
            file.write(event.line() if whole else b"\n" + event.line())  # a line that was cut off stays alone
            file.flush()
            os.fsync(file.fileno())
    except OSError as failed:
        raise unwritable(failed, path) from failed


def left(repository: Repository, plan: str, known: AbstractSet[str]) -> list[Event]:
    """Events that a killed run left behind, without those the log has already; a line cut off in its middle is lost."""
    try:
        content = _path(repository, plan).read_bytes()
    except FileNotFoundError:
        return []
    return [event for event in events.read([content]).events if event.id not in known]


def clear(repository: Repository, plan: str) -> None:
    """Forget the spool: everything in it is in the log."""
    _path(repository, plan).unlink(missing_ok=True)
