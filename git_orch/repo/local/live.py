"""The attempts that run right now, from the local files that they write."""

from __future__ import annotations

import calendar
import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import document, redact
from git_orch.plans.document import BadDocument
from git_orch.repo.local import phases
from git_orch.repo.local.phases import Phase
from git_orch.repo.log import spool
from git_orch.sandbox import secrecy

if TYPE_CHECKING:
    from git_orch.plans.document import Document
    from git_orch.plans.history.events import Event
    from git_orch.repo.plan_place import PlanPlace

_TAIL = 4096  # bytes
_LINES = 5


class Waiting(NamedTuple):
    """A limit of the model provider that a run waits for, `until` so many seconds since 1970."""

    until: float
    cause: str

    def document(self) -> Document:
        """The wait as programs read it."""
        utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.until))
        return {"until": utc, "cause": self.cause}

    def text(self) -> str:
        """The wait in local time, as people read it."""
        local = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(self.until))
        return f"{local}: {self.cause}"


class Now(NamedTuple):
    """An attempt that runs: `since` is the ID of its first event, `usd` what its model calls have
    cost so far.

    `lines` are the last ones that its command printed, `phase` is what it does.
    """

    step: str
    attempt: str
    since: str
    usd: float
    lines: tuple[str, ...]
    phase: Phase = Phase()


def attempts_now(place: PlanPlace) -> list[Now]:
    """The attempts of a plan that somebody runs on this machine; no secret is in the lines."""
    attempts = []
    for attempt in spool.left(place):
        events = spool.of_attempt(place, attempt)
        first = next((event for event in events if event.name == "attempt.started"), None)
        if first is not None:
            lines = _last_lines(_newest(place.repository.state_dir / "output" / attempt))
            step = str(first.body.get("step"))
            phase = phases.now(place.repository, attempt)
            attempts.append(Now(step, attempt, first.id, _usd(events), lines, phase))
    return attempts


def waiting(place: PlanPlace) -> Waiting | None:
    """The limit that a plan's run on this machine waits for; None while it waits for none."""
    latest = ""
    newest = None
    for attempt in spool.left(place):
        for event in spool.of_attempt(place, attempt):
            if event.name == "run.waiting" and event.id > latest:
                latest, newest = event.id, _waiting(event)
    return newest if newest is not None and newest.until > time.time() else None


def _waiting(event: Event) -> Waiting | None:
    with contextlib.suppress(BadDocument, ValueError):
        until = time.strptime(document.text(event.body, "until"), "%Y-%m-%dT%H:%M:%SZ")
        return Waiting(float(calendar.timegm(until)), document.text(event.body, "cause"))
    return None


def last_output(place: PlanPlace) -> tuple[str, ...]:
    """The last lines of the run in the background; none when there was no run."""
    return _last_lines(place.run_output)


def _usd(events: list[Event]) -> float:
    total = 0.0
    for event in events:
        if event.name == "model.called":
            with contextlib.suppress(BadDocument):
                total += document.number(event.body, "usd", least=0.0)
    return total


def _newest(directory: Path) -> Path | None:
    """The file that was written to last."""
    try:
        with os.scandir(directory) as entries:
            printed = [entry for entry in entries if not phases.is_file(entry.path)]
            dated = [(entry.stat().st_mtime_ns, entry.path) for entry in printed]
    except OSError:
        return None  # nothing has printed anything yet
    return Path(max(dated)[1]) if dated else None


def _last_lines(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL, 0))
            text = file.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return ()  # not there any more, or not yet
    safe = redact.redacted(text, secrecy.secrets())
    return tuple(line for line in safe.splitlines() if line.strip())[-_LINES:]
