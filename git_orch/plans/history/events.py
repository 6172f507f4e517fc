"""The events of a log: one JSON object a line, beginning with its ULID, only ever added.

The format is written down in git-orch-log(5). A line that this version cannot read is kept and
counted, never dropped from the repository: reading gives the events that are understood and the
number of damaged lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from git_orch.plans import document, ids

FORMAT = 1  # the version of the log that this program writes and reads
# Events that change what becomes of a plan; each has the name of who did that as its `actor`.
_OF_ACTORS = frozenset(
    {
        "plan.created", "plan.readied", "plan.drafted", "spec.written", "spec.withdrawn", "plan.owned", "plan.noted",
        "plan.revised", "plan.rebased", "plan.validated", "plan.approved",
        "plan.rejected", "plan.rolled-back", "plan.restored", "plan.stopped", "plan.landed",
        "plan.unlanded", "plan.archived", "plan.unarchived", "steps.picked", "step.accepted",
        "run.started", "run.ended", "change.undone", "change.redone",
    }
)  # fmt: skip
_MOVES_OF_A_RUN = ("land", "checkpoint")


class Event(NamedTuple):
    """One event of a log. `clone` is the repository copy that wrote it; `body` holds the fields of
    its name.
    """

    id: str
    name: str
    clone: str
    body: Mapping[str, object] = MappingProxyType({})
    version: int = FORMAT

    def line(self) -> bytes:
        """The line of the event in a note: compact JSON, ASCII only, one newline at the end."""
        head: dict[str, object] = {"id": self.id, "event": self.name, "clone": self.clone}
        if self.version != 1:
            head["v"] = self.version
        return json.dumps(head | dict(self.body), separators=(",", ":")).encode("ascii") + b"\n"


def has_actor(name: str, body: Mapping[str, object]) -> bool:
    """Whether an event says who did what it tells. What a run does is told by its beginning."""
    if name == "move.intended":
        return body.get("kind") not in _MOVES_OF_A_RUN
    return name in _OF_ACTORS


def readable(body: Mapping[str, object]) -> dict[str, object]:
    """The fields of an event without halves of surrogate pairs: no reader of a log accepts them.

    Python puts them for bytes of a file's name that are not UTF-8, and a provider's JSON can spell
    them.
    """
    return {name: _readable_value(value) for name, value in body.items()}


def _readable_value(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {_readable_value(key): _readable_value(item) for key, item in value.items()}
        case list() | tuple():
            return [_readable_value(item) for item in value]
    return value


class Log(NamedTuple):
    """All events of a plan in the order of their IDs.

    `damaged` counts lines that are no event; `newer` is the greatest format version that a line
    asks for when it is above ours: such a log is shown as far as it is understood and never written
    to. `unread` is why a log was not read at all: it has more than any that we write.
    """

    events: tuple[Event, ...] = ()
    damaged: int = 0
    newer: int | None = None
    unread: str | None = None

    def greatest(self) -> str | None:
        """The greatest event ID that a clock can have made."""
        return next(
            (event.id for event in reversed(self.events) if ids.ulid_ms(event.id) <= ids.LATEST_MS),
            None,
        )

    def ahead_ms(self, now_ms: int) -> int:
        """By how many milliseconds the last event is later than `now_ms`, or 0."""
        greatest = self.greatest()
        return 0 if greatest is None else max(ids.ulid_ms(greatest) - now_ms, 0)

    def dated_ahead(self, now_ms: int) -> tuple[Event, ...]:
        """The events that are dated more than a day after `now_ms`, also those that no clock can
        have made.
        """
        ahead = (event for event in self.events if ids.ulid_ms(event.id) > now_ms + ids.DAY_MS)
        return tuple(ahead)

    def end(self) -> Log:
        """The log with nothing but which event was the last."""
        return self._replace(events=tuple(event._replace(body={}) for event in self.events[-1:]))

    def with_events(self, events: Iterable[Event]) -> Log:
        """The log with these events in their places; one that is there already counts once."""
        new = sorted({event.id: event for event in events}.items())
        if not self.events or (new and new[0][0] > self.events[-1].id):
            return self._replace(events=self.events + tuple(event for _, event in new))
        whole = sorted({**{event.id: event for event in self.events}, **dict(new)}.items())
        return self._replace(events=tuple(event for _, event in whole))


def read(blobs: Iterable[bytes]) -> Log:
    """The union of the lines of these notes; a line that occurs twice counts once, blank lines do
    not count.
    """
    events: dict[str, Event] = {}
    damaged = 0
    for line in _lines(blobs):
        event = _event(line)
        if event is None or event.id in events:
            damaged += 1
        else:
            events[event.id] = event
    newer = max((event.version for event in events.values()), default=FORMAT)
    return Log(
        tuple(events[key] for key in sorted(events)), damaged, newer if newer > FORMAT else None
    )


def _lines(blobs: Iterable[bytes]) -> list[bytes]:
    """The lines of these notes in order, without blank lines and repetitions."""
    lines: set[bytes] = set()
    for blob in blobs:
        lines.update(line for line in blob.splitlines() if line.strip())
    return sorted(lines)


def _event(line: bytes) -> Event | None:
    try:
        fields = document.decode(line)
    except document.BadDocument:
        return None
    if not isinstance(fields, dict):
        return None
    identifier, name, clone = (
        fields.pop("id", None),
        fields.pop("event", None),
        fields.pop("clone", None),
    )
    version = fields.pop("v", 1)
    if (
        not isinstance(identifier, str)
        or not ids.ULID.fullmatch(identifier)
        or not isinstance(name, str)
    ):
        return None
    if not isinstance(clone, str) or type(version) is not int:
        return None
    return Event(identifier, name, clone, fields, version)


def union(blobs: Iterable[bytes]) -> bytes:
    """One note of the lines of these notes, damaged ones too. A line begins with its ID, so that
    they are in the order of IDs.
    """
    return b"".join(line + b"\n" for line in _lines(blobs))


def with_events(blob: bytes, events: Iterable[Event]) -> bytes:
    """A note's bytes with the events at its end, and a newline before them if its last line has
    none.
    """
    gap = b"" if not blob or blob.endswith(b"\n") else b"\n"
    return blob + gap + b"".join(event.line() for event in events)
