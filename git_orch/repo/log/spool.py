"""Events that must be on disk at once and reach the log when their attempt ends: what every model
call has cost.

Each attempt has a file of its own, so that workers of one run, in whatever process, do not share
any. A killed run leaves its files behind; the next one takes them in. Events carry their IDs, so
taking one in twice is the same as once.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from git_orch import checkpoints
from git_orch.plans import ids
from git_orch.plans.history import events
from git_orch.plans.history.events import Event
from git_orch.repo import localfiles, own_files, sync
from git_orch.repo.log import log
from git_orch.repo.repository import unwritable

if TYPE_CHECKING:
    from git_orch.repo.plan_place import PlanPlace


def append(place: PlanPlace, attempt: str, event: Event) -> None:
    """Put one event of an attempt on disk; what has cost money is synced. Raises UnfitRepository."""
    path = place.spool / attempt
    try:
        descriptor = own_files.open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        with checkpoints.around("spool event", event), os.fdopen(descriptor, "wb") as file:
            size = os.fstat(descriptor).st_size
            whole = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
            # A line that was cut off stays alone.
            file.write(event.line() if whole else b"\n" + event.line())
            file.flush()
            if event.name != "attempt.started":
                sync.file(file.fileno())
    except OSError as failed:
        raise unwritable(failed, path) from failed


class Put(Protocol):
    """A function that puts an event on disk."""

    def __call__(self, name: str, **body: object) -> None: ...


class Writer:
    """Puts the events of one attempt on disk, with IDs that come after `after`."""

    def __init__(self, place: PlanPlace, attempt: str, after: str) -> None:
        self._place = place
        self._attempt = attempt
        self._greatest = after
        self._clone = log.clone_id(place.repository)
        self._guard = threading.Lock()

    def put(self, name: str, **body: object) -> None:
        """Put one event on disk, from any thread. Raises UnfitRepository."""
        with self._guard:
            append(self._place, self._attempt, self._event(name, body))

    def event(self, name: str, **body: object) -> Event:
        """An event that somebody else puts on disk."""
        with self._guard:
            return self._event(name, body)

    def _event(self, name: str, body: Mapping[str, object]) -> Event:
        now = time.time_ns() // 1_000_000
        self._greatest = ids.ulid_after(self._greatest, now, int.from_bytes(os.urandom(10), "big"))
        return Event(self._greatest, name, self._clone, events.readable({**body}))


def of_attempt(place: PlanPlace, attempt: str) -> list[Event]:
    """The events that an attempt has put on disk so far; a line cut off in its middle is lost."""
    try:
        content = own_files.read_bytes(place.spool / attempt)
    except FileNotFoundError:
        return []
    return list(events.read([content]).events)


def left(place: PlanPlace) -> list[str]:
    """The attempts that have put events on disk which nobody has taken into the log yet."""
    directory = place.spool
    return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []


@checkpoints.around("clear spool")
def clear(place: PlanPlace, attempts: Iterable[str]) -> None:
    """Forget attempts whose events are all in the log."""
    for attempt in attempts:
        localfiles.remove(place.spool / attempt)
