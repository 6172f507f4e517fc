"""The log of a plan: a notes tree whose notes are JSON Lines, written by compare-and-swap.

`git notes` writes without compare-and-swap and loses concurrent events with exit status 0, so it is
never used here. Trees are written with a fan-out of two digits; any fan-out is read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from git_orch import checkpoints, errors
from git_orch.plans import ids
from git_orch.plans.history import events
from git_orch.plans.history.events import Event, Log
from git_orch.repo import own_files, refs
from git_orch.repo.identity import Identity
from git_orch.repo.log import bounds
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw

if TYPE_CHECKING:
    from git_orch.repo.objects.objects import Database, Objects, Written
    from git_orch.repo.objects.raw import Entry
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.repo.repository import Repository

Value = TypeVar("Value")

REASON = "orch: log"  # in the reflog
# Eight writers on one log needed at most some dozens.
_TRIES = 400
# git waits 0.1 s in each try: a lock that stays for so long was left by a killed git.
_LOCKED_TRIES = 30
_WAIT_SECONDS = 0.02  # greatest first wait after a lost race; grows with the losses


@dataclass
class Notes:
    """A notes tree: note blobs by the object they hang on; `others` are entries that are not ours,
    kept as they are.

    `missing` is an object that could not be read, and `unread` is why there are more notes than
    anybody reads: then this is not the whole log. `directories` are
    the trees below the top that hold notes and nothing else, by their two digits, with how many.
    """

    blobs: dict[str, str] = field(default_factory=dict)
    others: list[Entry] = field(default_factory=list)
    missing: str | None = None
    unread: str | None = None
    directories: dict[str, tuple[str, int]] = field(default_factory=dict)


def read_logs(objects: Objects, tips: Sequence[str]) -> list[tuple[Notes, Log]]:
    """Notes and events of many logs at once; `tips` are the commits their refs name. Missing
    objects read as empty.
    """
    return fold_logs(objects, tips, lambda _, log: log)


def fold_logs(
    objects: Objects, tips: Sequence[str], fold: Callable[[int, Log], Value]
) -> list[tuple[Notes, Value]]:
    """Notes of many logs, with what `fold` makes of the events of each, which it gets with its
    number. The events of one log alone are in memory, and gone when the next is read.
    """
    commits = bounds.read_small(objects, tips, bounds.LARGEST_COMMIT)
    trees = [_root(commit) for commit in commits]
    notes = _notes(objects, trees)
    listed = [() if note.unread else tuple(note.blobs.values()) for note in notes]

    def use(index: int, contents: bounds.Contents) -> Value:
        note = notes[index]
        lost = (tips[index],) if trees[index] is None else contents.missing
        note.missing = note.missing or (lost[0] if lost else None)
        return fold(index, contents.log if note.unread is None else Log(unread=note.unread))

    return list(zip(notes, bounds.read_logs(objects, listed, use), strict=True))


def _root(commit: odb.Found | None) -> str | None:
    return (
        raw.commit_object(commit.data).tree
        if commit is not None and commit.kind == "commit"
        else None
    )


def _notes(
    objects: Objects, trees: Sequence[str | None], most: int = bounds.MOST_NOTES
) -> list[Notes]:
    """Level by level over all trees, so that thousands of logs are read in a few batches."""
    notes = [Notes() for _ in trees]
    counts = [0 for _ in trees]
    level = [(index, "", tree) for index, tree in enumerate(trees) if tree is not None]
    while level:
        stored = bounds.read_small(objects, [tree for _, _, tree in level], bounds.LARGEST_TREE)
        below: list[tuple[int, str, str]] = []
        for (index, prefix, oid), tree in zip(level, stored, strict=True):
            if tree is None or tree.kind != "tree":
                notes[index].missing = oid
            elif counts[index] <= most:
                entries = raw.tree_entries(tree.data, objects.oid_length)
                counts[index] += len(entries) + 1
                directories = _take_entries(notes[index], entries, prefix, objects.oid_length)
                if len(prefix) == 2 and directories is None:
                    notes[index].directories[prefix] = (oid, len(entries))
                below += [(index, name, inner) for name, inner in directories or ()]
        level = [place for place in below if counts[place[0]] <= most]
    for note, count in zip(notes, counts, strict=True):
        if count > most:
            note.unread = f"it has more than {most:,} notes and trees of notes"
    return notes


def _take_entries(
    notes: Notes, entries: Sequence[Entry], prefix: str, length: int
) -> list[tuple[str, str]] | None:
    """Take the notes of a tree whose names go on from `prefix`; gives the trees of notes in it by
    what their names go on from. None where it has nothing but notes.
    """
    below: list[tuple[str, str]] = []
    whole = True
    for entry in entries:
        name = prefix + entry.name.decode("ascii", "replace")
        if entry.mode == raw.BLOB_MODE and _is_hexadecimal(name) and len(name) == length:
            notes.blobs[name] = entry.oid
            continue
        whole = False
        if entry.mode == raw.TREE_MODE and _is_hexadecimal(name) and len(name) < length:
            below.append((name, entry.oid))
        elif not prefix:
            notes.others.append(entry)
    return None if whole else below


def _as_we_write(notes: Notes) -> dict[str, str]:
    """The directories that hold every note of their two digits, none of which stands elsewhere in
    the tree.
    """
    counts: dict[str, int] = {}
    for target in notes.blobs:
        counts[target[:2]] = counts.get(target[:2], 0) + 1
    return {
        prefix: oid
        for prefix, (oid, count) in notes.directories.items()
        if counts.get(prefix) == count
    }


def _is_hexadecimal(name: str) -> bool:
    return bool(name) and all(digit in "0123456789abcdef" for digit in name)


def read_notes(objects: Objects, tip: str) -> tuple[Notes, dict[str, str]]:
    """The notes of the commit `tip`, none of them read, and the directories that can be kept as
    they are.
    """
    commits = bounds.read_small(objects, [tip], bounds.LARGEST_COMMIT)
    [tree] = [_root(commit) for commit in commits]
    [notes] = _notes(objects, [tree], bounds.MOST_ARCHIVED)
    if tree is None:
        notes.missing = tip
    return notes, _as_we_write(notes)


def write_notes(objects: Objects, notes: Notes, changed: set[str], subtrees: dict[str, str]) -> str:
    """Store a notes tree; gives its ID. Directories of two digits that are not `changed` are taken
    from `subtrees`.
    """
    groups: dict[str, list[Entry]] = {}
    for target, blob in notes.blobs.items():
        entries = groups.setdefault(target[:2], [])
        if target[:2] in changed or target[:2] not in subtrees:
            entries.append(raw.Entry(raw.BLOB_MODE, target[2:].encode("ascii"), blob))
    for prefix, entries in groups.items():
        if entries:
            subtrees[prefix] = odb.write_tree(objects, entries)
    branches = [
        raw.Entry(raw.TREE_MODE, prefix.encode("ascii"), subtrees[prefix])
        for prefix in sorted(groups)
    ]
    return odb.write_tree(objects, [*branches, *notes.others])


def begin(
    place: PlanPlace,
    objects: Database,
    identity: Identity,
    note: tuple[str, bytes],
) -> None:
    """Make a plan's log out of one note: the object that it hangs on, and its lines. Raises Busy if
    there is a log.
    """
    target, content = note
    written = odb.Written(objects)
    tree = write_notes(written, Notes({target: written.write("blob", content)}), {target[:2]}, {})
    commit = identity.commit(written, tree, [], "orch: from the archive\n")
    refs.move_to_new(place.repository, place.log, written, old=None, new=commit, reason=REASON)


def refuse_unread(plan: str, log: Log) -> None:
    """Raises UnfitRepository for a log that was not read."""
    if log.unread is not None:
        ref = f"{refs.LOGS}{plan}"
        raise errors.UnfitRepository(
            f"the log of '{plan}' is not read: {log.unread}",
            f"git update-ref refs/aside/{plan} {ref} && git update-ref -d {ref}  # puts it aside",
        )


def refuse_newer(log: Log) -> None:
    """Raises UnfitRepository for a log that only a later version may write to."""
    if log.newer is not None:
        raise errors.UnfitRepository(
            f"this log was written by a newer git-orch (format {log.newer}, this one reads {events.FORMAT})",
            "pip install --upgrade git-orch",
        )


def win_race(attempt: Callable[[], None], again: Callable[[], None]) -> None:
    """Make an attempt to move a ref until nobody was faster; `again` comes before the next.

    Raises Busy when the ref stays locked.
    """
    locked = 0  # times in a row
    for tries in range(_TRIES):
        try:
            attempt()
        except errors.Busy as busy:
            locked = 0 if isinstance(busy, refs.RefMoved) else locked + 1
            if tries == _TRIES - 1 or locked == _LOCKED_TRIES:
                raise
            time.sleep(
                int.from_bytes(os.urandom(2), "big") / 65536 * _WAIT_SECONDS * min(tries + 1, 10)
            )
            again()
        else:
            return


class LogWriter:
    """Appends events to the log of one plan; keeps what it has read and written, so that a landing
    reads nothing.
    """

    def __init__(
        self, place: PlanPlace, objects: Database, identity: Identity, *, tip: str | None = None
    ) -> None:
        """`tip` is where the log is, for somebody who has looked after the plan was locked."""
        self._repository = place.repository
        self._database = objects
        self._objects = odb.Written(objects)
        self._identity = identity
        self._ref = place.log
        self._plan = place.id
        self._clone = clone_id(place.repository)
        self._greatest: str | None = None
        # Whether it was read since somebody last looked: then it may hold what others wrote.
        self.anew = True
        self._load(tip if tip is not None else refs.value(self._repository, self._ref))

    def reload(self) -> None:
        """Read the log anew: somebody else wrote. Raises MissingObject when a part of it cannot be
        read.
        """
        self._load(refs.value(self._repository, self._ref))

    def _load(self, tip: str | None) -> None:
        self.anew = True
        self.tip = tip
        self.notes, self.log = Notes(), Log()
        if self.tip is not None:
            [(self.notes, self.log)] = read_logs(self._objects, [self.tip])
        refuse_unread(self._plan, self.log)
        if self.notes.missing is not None:  # written on, what cannot be read would be lost for good
            raise odb.MissingObject(self.notes.missing)
        self._subtrees = _as_we_write(self.notes)
        refuse_newer(self.log)

    def home(self) -> str | None:
        """The object whose note holds the first event: where events of the whole plan hang. None:
        the empty blob.
        """
        if not self.log.events:
            return None
        first = self.log.events[0].id.encode("ascii")
        for target, blob in self.notes.blobs.items():
            if first in odb.read(self._objects, blob, "blob"):
                return None if target == self._repository.empty_blob else target
        return None

    def event(self, name: str, **body: object) -> Event:
        """A new event with an ID after all that are known; it is stored by `append`."""
        now = time.time_ns() // 1_000_000
        latest = max(filter(None, (self._greatest, self.log.greatest())), default=None)
        identifier = ids.ulid_after(latest, now, int.from_bytes(os.urandom(10), "big"))
        self._greatest = identifier
        if events.has_actor(name, body):
            body["actor"] = self._identity.author
        return Event(identifier, name, self._clone, events.readable(body))

    def is_current(self) -> bool:
        """Whether nobody has written to the log since we did."""
        if self.tip is not None and self._database.ref(self._ref) == self.tip:
            return True
        return refs.value(self._repository, self._ref) == self.tip

    @checkpoints.around("append log")
    def append(
        self, entries: Iterable[tuple[str | None, Event]], beside: Sequence[Written] = ()
    ) -> None:
        """Store events on the objects they hang on (None: the empty blob), in one log commit, and
        with the same sync the objects that wait `beside` it.

        After a lost race the commit is built again on the new tip: events are only ever added, so
        nobody's are lost. Raises Busy when the ref stays locked.
        """
        by_target = self._by_target(entries)
        win_race(lambda: self._append(by_target, beside), self.reload)

    def stage(self, entries: Iterable[tuple[str | None, Event]]) -> tuple[str, Written]:
        """A log commit with more events, on the one before, and the objects that are to be stored
        with it. The caller moves the ref there, or drops this writer.
        """
        by_target = self._by_target(entries)
        blobs, subtrees = self._blobs(by_target), dict(self._subtrees)
        commit = self._commit(blobs, by_target, subtrees)
        self._take(commit, blobs, subtrees, by_target)
        return commit, self._objects

    def _by_target(self, entries: Iterable[tuple[str | None, Event]]) -> dict[str, list[Event]]:
        by_target: dict[str, list[Event]] = {}
        for target, event in entries:
            by_target.setdefault(target or self._repository.empty_blob, []).append(event)
        return by_target

    def _append(self, by_target: dict[str, list[Event]], beside: Sequence[Written]) -> None:
        blobs = self._blobs(by_target)
        subtrees = dict(self._subtrees)  # ours once it is stored: a signal may cut this off
        commit = self._commit(blobs, by_target, subtrees)
        refs.move_to_new(
            self._repository,
            self._ref,
            self._objects,
            old=self.tip,
            new=commit,
            reason=REASON,
            beside=beside,
        )
        self._take(commit, blobs, subtrees, by_target)

    def _take(
        self,
        commit: str,
        blobs: dict[str, str],
        subtrees: dict[str, str],
        by_target: dict[str, list[Event]],
    ) -> None:
        """Go on from a log commit of ours."""
        self.tip, self._subtrees = commit, subtrees
        self.notes.blobs.update(blobs)
        added = tuple(event for group in by_target.values() for event in group)
        self.log = self.log.with_events(added)

    def _blobs(self, by_target: dict[str, list[Event]]) -> dict[str, str]:
        blobs = {}
        for target, new in by_target.items():
            before = self.notes.blobs.get(target)
            content = odb.read(self._objects, before, "blob") if before is not None else b""
            blobs[target] = self._objects.write("blob", events.with_events(content, new))
        return blobs

    def _commit(
        self, blobs: dict[str, str], by_target: dict[str, list[Event]], subtrees: dict[str, str]
    ) -> str:
        names = ", ".join(
            dict.fromkeys(event.name for group in by_target.values() for event in group)
        )
        changed = {target[:2] for target in blobs}
        tree = self._tree(self.notes.blobs | blobs, changed, subtrees)
        parents = (self.tip,) if self.tip is not None else ()
        return self._identity.commit(self._objects, tree, parents, f"orch: {names}\n")

    def _tree(self, blobs: dict[str, str], changed: set[str], subtrees: dict[str, str]) -> str:
        return write_notes(self._objects, Notes(blobs, self.notes.others), changed, subtrees)


def clone_id(repository: Repository) -> str:
    """The random name of this copy of the repository, made when first asked for; all who share it
    have the same one.
    """
    path = repository.shared_dir / "clone"
    if not path.exists():
        from git_orch.repo import localfiles

        before = repository.state_dir / "clone"  # of a time when nobody shared it
        known = own_files.read_bytes(before) if before.exists() else None
        localfiles.create(path, known or f"{os.urandom(8).hex()}\n".encode("ascii"))
    return own_files.read_bytes(path).decode("ascii").strip()
