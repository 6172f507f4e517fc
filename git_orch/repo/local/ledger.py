"""The one ledger of a run, in a local file that all its workers share: threads, and processes too.

A run derives it from the log at its beginning, so that no reservation of a killed run stays.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans import document as documents
from git_orch.plans import sentences
from git_orch.plans.money.budget import Book, Request, Reserved
from git_orch.repo import localfiles, own_files
from git_orch.repo.repository import unwritable

if TYPE_CHECKING:
    from git_orch.repo.plan_place import PlanPlace


class Ledger:
    """The ledger of a plan's run."""

    def __init__(self, place: PlanPlace) -> None:
        self._path = place.ledger

    def begin(self, book: Book) -> None:
        """Start anew with what the log knows."""
        with self._lock():
            self._write(book)

    def reserve(self, call: str, step: str | None, needed: Request) -> int | None:
        """The tokens of output that the call may have, whose price is reserved; see
        `Book.offering`.
        """
        with self._lock():
            book, tokens = self._read().with_offer(call, step, needed)
            self._write(book)
            return tokens

    def settle(self, call: str, usd: float) -> None:
        """Write down what a call has cost."""
        with self._lock():
            self._write(self._read().with_cost(call, usd))

    def charge(self, step: str, usd: float) -> Book:
        """Write down a cost of the step that an agent program reported; gives the book then."""
        with self._lock():
            book = self._read().with_charge(step, usd)
            self._write(book)
            return book

    def book(self) -> Book:
        """The book of limits, costs and reservations. Raises UnfitRepository when it cannot be
        read: no ledger is not the same as no limit.
        """
        with self._lock():
            return self._read()

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        path = self._path.with_suffix(".guard")
        try:
            descriptor = own_files.open_file(path, os.O_RDWR | os.O_CREAT)
        except OSError as failed:
            raise unwritable(failed, path) from failed
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            # A worker process forked meanwhile has the descriptor as well.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _read(self) -> Book:
        try:
            return _book(self._path)
        except (OSError, documents.BadDocument) as unreadable:
            raise errors.UnfitRepository(
                f"the ledger {sentences.quoted(self._path)} cannot be read", "git orch exec"
            ) from unreadable

    def _write(self, book: Book) -> None:
        reserved = {call: list(reservation) for call, reservation in book.reserved.items()}
        document = book._asdict() | {"steps": dict(book.steps), "reserved": reserved}
        localfiles.write(self._path, json.dumps(document).encode("ascii"), synced=False)


def _book(path: Path) -> Book:
    fields = documents.parse(own_files.read_bytes(path), "ledger")
    steps = documents.mapping(fields.get("steps"), "steps")
    reserved = documents.mapping(fields.get("reserved"), "reserved")
    return Book(
        limit=documents.number(fields, "limit", least=0.0),
        step_limit=documents.number(fields, "step_limit", least=0.0),
        spent=documents.number(fields, "spent", least=0.0),
        steps={step: documents.number(steps, step, least=0.0) for step in steps},
        reserved={call: _reservation(value) for call, value in reserved.items()},
        largest_report=documents.number(fields, "largest_report", least=0.0),
    )


def _reservation(value: object) -> Reserved:
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str | None):
        raise documents.BadDocument("reserved: expected a step and an amount")
    return Reserved(value[0], documents.as_number(value[1], "reserved", least=0.0))
