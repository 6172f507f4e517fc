"""How much of a log is read: a fetch of one megabyte can bring notes that take gigabytes.

Sizes are asked for before anything is read. Of many logs the small ones are read first, so that a
large one keeps nobody from seeing the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from git_orch.plans import document
from git_orch.plans.history import events
from git_orch.plans.history.events import Log

if TYPE_CHECKING:
    from git_orch.repo.objects.objects import Found, Objects

Value = TypeVar("Value")

# The log of a plan of 1,000 steps has two million bytes, 1,100 notes and 100,000 values.
LARGEST_LOG = 16 << 20  # bytes of all notes
MOST_VALUES = 1_000_000  # of JSON; each takes up to 72 bytes
MOST_NOTES = 50_000  # and trees of notes
MOST_ARCHIVED = 500_000  # of the archive
LARGEST_TREE = 4 << 20  # bytes
LARGEST_COMMIT = 4 << 20  # bytes
# Of all logs that one command reads: 10,000 small ones have a quarter of that.
ALL_BYTES = 256 << 20
ALL_VALUES = 8_000_000
_BATCH = 32 << 20  # bytes that are in memory at once


class Contents(NamedTuple):
    """The lines of a log as they were read: its events, and the blobs that could not be read."""

    log: Log
    missing: tuple[str, ...] = ()


def read_small(objects: Objects, oids: Sequence[str], largest: int) -> list[Found | None]:
    """Type and bytes of each object, None for one that is missing or has more bytes than that."""
    sizes = objects.sizes(oids)
    small = [
        oid for oid, size in zip(oids, sizes, strict=True) if size is not None and size <= largest
    ]
    read = iter(objects.read_many(small))
    return [next(read) if size is not None and size <= largest else None for size in sizes]


def read_logs(
    objects: Objects, logs: Sequence[Sequence[str]], use: Callable[[int, Contents], Value]
) -> list[Value]:
    """What `use` makes of each log, which it gets with its number: the small ones come first, and
    only one is in memory at a time.

    A log is given as the blobs of its notes. One that is larger than any that we write has no
    events and says why in `unread`.
    """
    reading = _Reading(objects)
    every = [blob for log in logs for blob in log]
    known = iter(objects.sizes(every))
    sizes = [[next(known) for _ in log] for log in logs]
    totals = [sum(size or 0 for size in of_log) for of_log in sizes]
    values: dict[int, Value] = {}
    for batch in _batches(sorted(range(len(logs)), key=totals.__getitem__), totals):
        for index, contents in reading.read(batch, logs, totals):
            values[index] = use(index, contents)
    return [values[index] for index in range(len(logs))]


def _batches(order: Iterable[int], totals: Sequence[int]) -> Iterable[list[int]]:
    batch, size = list[int](), 0
    for index in order:
        if batch and size + totals[index] > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(index)
        size += totals[index]
    if batch:
        yield batch


class _Reading:
    """The reading of many logs by one command, with what it may still read."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._bytes = ALL_BYTES
        self._values = ALL_VALUES

    def read(
        self, batch: Sequence[int], logs: Sequence[Sequence[str]], totals: Sequence[int]
    ) -> Iterator[tuple[int, Contents]]:
        """The contents of the logs with these numbers, one after the other."""
        unread = {
            index: why for index in batch if (why := self._refusal(totals[index])) is not None
        }
        chosen = [index for index in batch if index not in unread]
        stored = iter(self._objects.read_many([blob for index in chosen for blob in logs[index]]))
        for index, why in unread.items():
            yield index, Contents(Log(unread=why))
        for index in chosen:
            yield index, self._contents([(blob, next(stored)) for blob in logs[index]])

    def _refusal(self, size: int) -> str | None:
        """Why a log of so many bytes is not read; None when it is."""
        if size > LARGEST_LOG:
            return f"it has {size:,} bytes, and git-orch reads at most {LARGEST_LOG:,} of a log"
        if size > self._bytes:
            return f"all logs together have more than {ALL_BYTES:,} bytes"
        self._bytes -= size
        return None

    def _contents(self, blobs: Sequence[tuple[str, Found | None]]) -> Contents:
        texts = [found.data for _, found in blobs if found is not None and found.kind == "blob"]
        missing = tuple(blob for blob, found in blobs if found is None)
        values = sum(map(document.values_at_most, texts))
        if values > MOST_VALUES:
            return Contents(Log(unread=f"it has more than {MOST_VALUES:,} values"), missing)
        if values > self._values:
            why = f"all logs together have more than {ALL_VALUES:,} values"
            return Contents(Log(unread=why), missing)
        self._values -= values
        return Contents(events.read(texts), missing)
