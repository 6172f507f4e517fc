"""The archive: one note for each plan that was put away, with its whole log, below one ref.

A note hangs on the plan's cover commit, or on the blob of its ID where it never had one. The ref is written as a log
is: our own trees, compare-and-swap, so that nobody's note is lost.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import events, ids
from git_orch.repo import objects as odb
from git_orch.repo import raw, refs, store

if TYPE_CHECKING:
    from git_orch.plans.events import Log
    from git_orch.repo.identity import Identity
    from git_orch.repo.objects import Objects
    from git_orch.repo.repository import Repository

REF = "refs/notes/orch/archive"
_TRIES = 200
_WAIT_SECONDS = 0.02
_MARK = b'"event":"plan.archived"'


class Kept(NamedTuple):
    """A plan in the archive: the object that its note hangs on, the note's bytes and the events in it."""

    plan: str
    target: str
    note: bytes
    log: Log


def target_of(objects: Objects, plan: str, home: str | None) -> str:
    """The object that a plan's note hangs on; `home` is the one that its first event hangs on."""
    return home if home is not None else objects.write("blob", f"{plan}\n".encode("ascii"))


def put(repository: Repository, objects: Objects, identity: Identity, target: str, note: bytes) -> None:
    """Store a plan's log; lines that are there already stay. Raises Busy, MissingObject."""

    def changed(blobs: dict[str, str], written: Objects) -> None:
        before = odb.read(written, blobs[target], "blob") if target in blobs else b""
        lines = {line for line in (before + b"\n" + note).split(b"\n") if line.strip()}
        blobs[target] = written.write("blob", b"".join(line + b"\n" for line in sorted(lines)))

    _change(repository, objects, identity, (target, changed))


def drop(repository: Repository, objects: Objects, identity: Identity, target: str) -> None:
    """Take a plan's log out, if it is there. Raises Busy, MissingObject."""

    def changed(blobs: dict[str, str], _written: Objects) -> None:
        blobs.pop(target, None)

    _change(repository, objects, identity, (target, changed))


def _change(
    repository: Repository,
    objects: Objects,
    identity: Identity,
    change: tuple[str, Callable[[dict[str, str], Objects], None]],
) -> None:
    target, changed = change
    for tries in range(_TRIES):
        written = odb.Written(objects)
        tip = refs.value(repository, REF)
        notes, subtrees = store.read_notes(objects, tip) if tip is not None else (store.Notes(), {})
        before = dict(notes.blobs)
        changed(notes.blobs, written)
        if notes.blobs == before:
            return
        commit = _commit(written, identity, store.write_notes(written, notes, {target[:2]}, subtrees), tip)
        try:
            refs.move_to_new(repository, REF, written, old=tip, new=commit, reason="orch: archive")
        except errors.Busy:
            if tries == _TRIES - 1:
                raise
            time.sleep(int.from_bytes(os.urandom(2), "big") / 65536 * _WAIT_SECONDS * min(tries + 1, 10))
        else:
            return


def _commit(objects: Objects, identity: Identity, tree: str, tip: str | None) -> str:
    person = identity.now()
    parents = (tip,) if tip is not None else ()
    fields = raw.CommitObject(tree, parents, person.author, person.committer, "orch: archive\n")
    return odb.write_commit(objects, fields)


def plans(repository: Repository, objects: Objects) -> list[Kept]:
    """The plans in the archive, oldest first; a note that names no plan is none, of two for one plan the first counts.

    Somebody else may have written it: nothing in it is trusted to have the documented form.
    """
    tip = refs.value(repository, REF)
    if tip is None:
        return []
    try:
        notes, _ = store.read_notes(objects, tip)
    except odb.MissingObject:
        return []
    found: dict[str, Kept] = {}
    blobs = objects.read_many(list(notes.blobs.values()))
    for target, blob in zip(notes.blobs, blobs, strict=True):
        plan = _named(blob.data) if blob is not None and blob.kind == "blob" else None
        if blob is not None and plan is not None and plan not in found:
            found[plan] = Kept(plan, target, blob.data, events.read([blob.data]))
    return [found[plan] for plan in sorted(found)]


def _named(note: bytes) -> str | None:
    """The plan that a note is about: the newest line that put it away says so."""
    for line in reversed(note.splitlines()):
        if _MARK in line:
            try:
                plan = json.loads(line).get("plan")
            except (ValueError, AttributeError, RecursionError):
                continue
            if isinstance(plan, str) and ids.PLAN_ID.fullmatch(plan):
                return plan
    return None
