"""The archive: one note for each plan that was put away, with its whole log, below one ref.

A note hangs on the plan's cover commit, or on a blob with its ID where it never had one. The ref is
written as a log is: our own trees, compare-and-swap, so that nobody's note is lost. Somebody else
may have written what is read here: a note says itself which plan it is about, and whatever says
nothing of the kind is counted and left alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from git_orch import errors
from git_orch.plans import document, ids
from git_orch.plans.history import events
from git_orch.repo import ask, refs
from git_orch.repo.log import bounds
from git_orch.repo.log import log as store
from git_orch.repo.objects import objects as odb

if TYPE_CHECKING:
    from git_orch.plans.history.events import Log
    from git_orch.repo.identity import Identity
    from git_orch.repo.objects.objects import Database, Objects, Written
    from git_orch.repo.repository import Repository

LARGEST = bounds.LARGEST_LOG  # bytes of a note
Value = TypeVar("Value")

_BATCH = 64 << 20  # bytes that are read at once
_MARK = b'"plan.archived"'


class Note(NamedTuple):
    """The object that a note hangs on, and the blob that it is."""

    target: str
    blob: str


class Archive(NamedTuple):
    """The notes of each plan by its ID: more than one where several copies of the repository put it
    away.

    `damaged` counts the notes that are about no plan, are too large, or cannot be read.
    """

    plans: Mapping[str, tuple[Note, ...]]
    damaged: int = 0


def read(repository: Repository, objects: Objects) -> Archive:
    """The plans in the archive now, oldest first."""
    return read_at(repository, objects, refs.value(repository, refs.ARCHIVE))


def read_at(
    repository: Repository,
    objects: Objects,
    tip: str | None,
    targets: Collection[str] | None = None,
) -> Archive:
    """The plans in the archive when its ref names `tip`, oldest first; with `targets` only those
    whose notes hang on these objects.
    """
    if tip is None:
        return Archive({})
    notes, _ = store.read_notes(objects, tip)
    listed = [
        Note(target, blob)
        for target, blob in notes.blobs.items()
        if targets is None or target in targets
    ]
    by_plan: dict[str, list[Note]] = {}
    damaged = 0 if notes.missing is None and notes.unread is None else 1
    for note, content in zip(
        listed, _contents(repository, objects, [note.blob for note in listed]), strict=True
    ):
        plan = _plan_of(content) if content is not None else None
        if plan is None:
            damaged += 1
        else:
            by_plan.setdefault(plan, []).append(note)
    ids.see(by_plan)
    return Archive({plan: tuple(by_plan[plan]) for plan in sorted(by_plan)}, damaged)


def content(repository: Repository, objects: Objects, notes: Sequence[Note]) -> bytes:
    """All lines of the notes of a plan."""
    contents = _contents(repository, objects, [note.blob for note in notes])
    return events.union(content for content in contents if content is not None)


def fold_logs(
    objects: Objects, plans: Mapping[str, Sequence[Note]], fold: Callable[[str, Log], Value]
) -> list[Value]:
    """What `fold` makes of the events of each archived plan, in their order."""
    names = list(plans)
    blobs = [[note.blob for note in notes] for notes in plans.values()]
    return bounds.read_logs(
        objects, blobs, lambda index, contents: fold(names[index], contents.log)
    )


def _contents(
    repository: Repository, objects: Objects, blobs: Sequence[str]
) -> Iterator[bytes | None]:
    """The bytes of each note; None for what is none, or is larger than any that we write."""
    sizes = _sizes(repository, blobs)
    batch, total = list[str](), 0
    for blob in blobs:
        size = sizes.get(blob, 0)
        if batch and total + size > _BATCH:
            yield from _batch(objects, batch, sizes)
            batch, total = [], 0
        batch.append(blob)
        total += size
    yield from _batch(objects, batch, sizes)


def _batch(
    objects: Objects, blobs: Sequence[str], sizes: Mapping[str, int]
) -> Iterator[bytes | None]:
    stored = iter(objects.read_many([blob for blob in blobs if blob in sizes]))
    for blob in blobs:
        content = next(stored) if blob in sizes else None
        yield content.data if content is not None and content.kind == "blob" else None


def _sizes(repository: Repository, blobs: Sequence[str]) -> dict[str, int]:
    """The sizes in bytes of those of the blobs that are there and small enough to be a note."""
    stored = ask.stored(repository.git, blobs)
    return {
        oid: entry.size
        for oid, entry in stored.items()
        if entry.kind == "blob" and entry.size <= LARGEST
    }


def _plan_of(note: bytes) -> str | None:
    """The plan that a note is about, as the lines that put it away say; of several the one whose
    branch was moved.
    """
    if document.values_at_most(note) > bounds.MOST_VALUES:
        return None
    lines = [line for line in note.splitlines() if _MARK in line]
    named = (
        event.body.get("plan")
        for event in events.read(lines).events
        if event.name == "plan.archived"
    )
    plans = sorted(
        {plan for plan in named if isinstance(plan, str) and ids.PLAN_ID.fullmatch(plan)}
    )
    if len(plans) < 2:
        return plans[0] if plans else None
    return max(plans, key=lambda plan: note.count(f'"{refs.BRANCHES}{plan}"'.encode("ascii")))


class Writer:
    """Puts notes into the archive, and takes them out."""

    def __init__(self, repository: Repository, objects: Database, identity: Identity) -> None:
        self._repository = repository
        self._objects = objects
        self._identity = identity

    def put(self, plan: str, home: str | None, log: bytes) -> None:
        """Store a plan's log, at `home` if that is free; lines that are there already stay.

        Raises Busy, and MissingObject when a part of the archive cannot be read.
        """

        def changed(blobs: dict[str, str], written: Written) -> set[str]:
            target, before = self._place(blobs, written, plan, home)
            after = events.union([before, log])
            if after == before:
                return set()
            blobs[target] = written.write("blob", after)
            return {target}

        self._change(changed, f"orch: archive {plan}")

    def drop(self, plan: str, notes: Sequence[Note]) -> None:
        """Take notes of a plan out, but for those that somebody has changed meanwhile. Raises as
        `put` does.
        """

        def changed(blobs: dict[str, str], _written: Written) -> set[str]:
            gone = {note.target for note in notes if blobs.get(note.target) == note.blob}
            for target in gone:
                del blobs[target]
            return gone

        self._change(changed, f"orch: unarchive {plan}")

    def _place(
        self, blobs: Mapping[str, str], written: Written, plan: str, home: str | None
    ) -> tuple[str, bytes]:
        """Where the plan's note is or may be, and what it says: what others have hung somewhere
        stays theirs.
        """
        own = (
            written.write("blob", f"{plan}\n".encode("ascii") * times)
            for times in itertools.count(1)
        )
        for target in itertools.chain([home] if home is not None else [], own):
            if target not in blobs:
                return target, b""
            before = next(_contents(self._repository, written, [blobs[target]]))
            if before is not None and _plan_of(before) == plan:
                return target, before
        raise AssertionError("there is always another blob")

    def _change(self, changed: Callable[[dict[str, str], Written], set[str]], message: str) -> None:
        """Commit what `changed` makes of the notes, again and again until nobody was faster.

        It gives the objects whose notes it changed.
        """

        def attempt() -> None:
            written = odb.Written(self._objects)
            tip = refs.value(self._repository, refs.ARCHIVE)
            notes, subtrees = (
                store.read_notes(written, tip) if tip is not None else (store.Notes(), {})
            )
            if notes.unread is not None:
                raise errors.UnfitRepository(
                    f"the archive is not read: {notes.unread}", f"git log {refs.ARCHIVE}"
                )
            if notes.missing is not None:  # written on, what cannot be read would be lost for good
                raise odb.MissingObject(notes.missing)
            targets = changed(notes.blobs, written)
            if not targets:
                return
            tree = store.write_notes(written, notes, {target[:2] for target in targets}, subtrees)
            commit = self._commit(written, tree, tip, message)
            refs.move_to_new(
                self._repository, refs.ARCHIVE, written, old=tip, new=commit, reason=message
            )

        store.win_race(attempt, lambda: None)

    def _commit(self, written: Written, tree: str, tip: str | None, message: str) -> str:
        parents = (tip,) if tip is not None else ()
        return self._identity.commit(written, tree, parents, f"{message}\n")
