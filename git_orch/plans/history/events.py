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

from git_orch.plans import ids

FORMAT = 1  # the version of the log that this program writes and reads


class Event(NamedTuple):
    """One thing that happened. `clone` is the repository copy that wrote it; `body` holds the
    fields of its name.
    """

    id: str
    name: str
    clone: str
    body: Mapping[str, object] = MappingProxyType({})
    version: int = FORMAT

    def line(self) -> bytes:
        """The event as it is stored: compact JSON, ASCII only, one newline at the end."""
        head: dict[str, object] = {"id": self.id, "event": self.name, "clone": self.clone}
        if self.version != 1:
            head["v"] = self.version
        return json.dumps(head | dict(self.body), separators=(",", ":")).encode("ascii") + b"\n"


def readable(body: Mapping[str, object]) -> dict[str, object]:
    """The fields of an event without halves of surrogate pairs, which no reader of a log takes for
    text.

    Python has them for bytes of a file's name that are not UTF-8, and JSON of a provider can spell
    them.
    """
    return {name: _readable(value) for name, value in body.items()}


def _readable(value: object) -> object:
    match value:
        case str():
            return (
                value
                if value.isascii()
                else value.encode("utf-8", "backslashreplace").decode("utf-8")
            )
        case dict():
            return {_readable(key): _readable(each) for key, each in value.items()}
        case list() | tuple():
            return [_readable(each) for each in value]
    return value


class Log(NamedTuple):
    """All events of a plan in the order of their IDs.

    `damaged` counts lines that are no event; `newer` is the greatest format version that a line
    asks for when it is above ours: such a log is shown as far as it is understood and never written
    to.
    """

    events: tuple[Event, ...] = ()
    damaged: int = 0
    newer: int | None = None

    def greatest(self, latest_ms: int) -> str | None:
        """The greatest event ID that is not later than `latest_ms` (milliseconds since 1970)."""
        return next(
            (event.id for event in reversed(self.events) if ids.ulid_ms(event.id) <= latest_ms),
            None,
        )


def read(blobs: Iterable[bytes]) -> Log:
    """The union of all lines of all notes; a line that occurs twice counts once, blank lines do not
    count.
    """
    lines = {line for blob in blobs for line in blob.splitlines() if line.strip()}
    found: dict[str, Event] = {}
    damaged = 0
    for line in sorted(lines):
        event = _event(line)
        if event is None or event.id in found:
            damaged += 1
        else:
            found[event.id] = event
    newer = max((event.version for event in found.values()), default=FORMAT)
    return Log(
        tuple(found[key] for key in sorted(found)), damaged, newer if newer > FORMAT else None
    )


def _event(line: bytes) -> Event | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
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
    """All lines of all notes as one note, damaged ones too, in the order of their IDs, which they
    begin with.
    """
    return b"".join(
        line + b"\n"
        for line in sorted({line for blob in blobs for line in blob.splitlines() if line.strip()})
    )


def appended(blob: bytes, events: Iterable[Event]) -> bytes:
    """A note's bytes with the events at its end; a missing last newline is mended so that no two
    lines run together.
    """
    gap = b"" if not blob or blob.endswith(b"\n") else b"\n"
    return blob + gap + b"".join(event.line() for event in events)
