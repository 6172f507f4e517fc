"""A plan opened for writing: locked, its log loaded, what a killed run left behind settled."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from git_orch import checkpoints, errors
from git_orch.flow import move as moves
from git_orch.flow.move import Change, Entry
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import ids, sentences
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Move, MoveKind, Status
from git_orch.repo import ask, refs
from git_orch.repo.git import Git
from git_orch.repo.identity import Identity
from git_orch.repo.log import catalog, kept, spool
from git_orch.repo.log import log as store
from git_orch.repo.objects.objects import Database, Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository

_NOT_LANDED = "what could not land"


@dataclass
class OpenPlan:
    """One plan, and the one thread that moves its branch."""

    place: PlanPlace
    objects: Database
    identity: Identity
    reporter: Reporter
    log: store.LogWriter
    home: str | None = None  # the object that events of the whole plan hang on
    _later: list[Entry] = field(default_factory=list)
    _beside: list[Written] = field(default_factory=list)  # stored with the sync of the next write
    # By attempt, the events that wait for the next write of the log.
    _spooled: dict[str, list[Event]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """The handle that messages and hints call the plan by."""
        return ids.short(self.id)

    @property
    def id(self) -> str:
        """The plan's ID."""
        return self.place.id

    @property
    def repository(self) -> Repository:
        """The repository that the plan is in."""
        return self.place.repository

    @property
    def ref(self) -> str:
        """The plan branch's full name."""
        return self.place.branch

    def tip(self) -> str | None:
        """The present tip of the plan branch."""
        return refs.value(self.repository, self.ref)

    def status(self) -> Status:
        """The plan's status now."""
        return catalog.status(self.place, self.objects, self.log.log, self.tip())

    def event(self, name: str, **body: object) -> Event:
        """A new event; any thread may ask."""
        with self._guard:
            return self.log.event(name, **body)

    def new_id(self) -> str:
        """A new ULID for a run or an attempt."""
        return self.event("").id

    @checkpoints.around("take spool")
    def take_spool(self, attempt: str, known: Collection[str] = ()) -> None:
        """Let the next log write take in what an attempt has put on disk, but for events that are
        `known`.
        """
        events = spool.of_attempt(self.place, attempt)
        self._spooled[attempt] = [event for event in events if event.id not in known]

    @checkpoints.around("record")
    def record(self, *entries: Entry) -> None:
        """Write events to the log, with those that wait for the next write."""
        target = entries[0][0] if entries else self.home
        spooled = [event for events in self._spooled.values() for event in events]
        waiting = [*self._later, *((target, event) for event in spooled)]
        if entries or waiting:
            self.log.append([*waiting, *entries], self._beside)
        self._later, self._beside = [], []
        spool.clear(self.place, self._spooled)  # only now: a signal may have cut the write off
        self._spooled = {}

    @checkpoints.around("confirm later")
    def record_later(self, entry: Entry) -> None:
        """Let the next log write take an event along."""
        self._later.append(entry)

    def confirm(self) -> None:
        """Write what waits for the next log write. Where the disk is full it goes on waiting: what
        has moved has moved, and the next command finds that out.
        """
        try:
            self.record()
        except errors.DiskFull as full:
            self.reporter.emit(Note(f"the next command completes the log: {full.cause}"))

    def home_at_cover(self, status: Status) -> None:
        """Hang events of the whole plan on the cover commit that the branch has now."""
        commits = status.branch.commits if status.branch is not None else ()
        if commits and commits[0].message.cover_of == self.id:
            self.home = commits[0].oid

    @checkpoints.around("move branch")
    def move(
        self,
        old: str | None,
        new: str,
        why: str,
        entries: Sequence[Entry] = (),
        *,
        kind: MoveKind = MoveKind.LAND,
        written: Written | None = None,
        in_place: bool = False,
        marks: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Move the plan branch, as `flow/move.py` says; gives the ID of the intent.

        `written` are objects that no ref holds yet. Raises Busy when the branch is checked out
        somewhere or is not at `old` any more; then nothing has moved. With `in_place` it is checked
        out, and index and files are at `new`.
        """
        if not in_place:
            self.refuse_checked_out()
        new_objects = written or Written(self.objects)
        self._beside.append(new_objects)

        def road(change: Change) -> None:
            refs.move_to_new(
                self.repository,
                change.ref,
                new_objects,
                old=change.old,
                new=change.new,
                reason=change.reason,
            )

        change = Change(kind, self.ref, old, new, why, marks=marks)
        return self._carry_out(change, entries, road, new_objects)

    def move_checked_out(self, place: Path, change: Change, entries: Sequence[Entry] = ()) -> None:
        """Move the plan branch where it is checked out in `place`: its files follow, local changes
        are kept.

        Raises Busy when a local change or a file that git does not track is in the way; then
        nothing has moved.
        """
        from git_orch.repo.worktree import half_moved, worktrees  # for checkouts alone

        git = Git(worktrees.git_dir_of(self.repository, place), place, self.repository.variables)
        old = change.old or self.repository.empty_tree
        look = f"git -C {shlex.quote(str(place))} status"
        in_the_way = half_moved.in_the_way(git, place, old, change.new)
        if in_the_way:
            shown = sentences.quoted_names(in_the_way)
            message = f"files in {sentences.quoted(place)} are in the way: {shown}"
            raise errors.Busy(message, f"{look} --ignored --short")

        def road(change: Change) -> None:
            moves.reset_checkout(self.repository, git, change, look)

        self._carry_out(replace(change, checkout=True), entries, road)
        self.tell_of_submodules(place, old, change.new)

    def tell_of_submodules(self, place: Path, old: str, new: str) -> None:
        """Tell of the submodules that a move of a checkout leaves as they are, as git does."""
        moved = ask.moved_submodules(self.repository.git, old, new)
        left = [path for path in moved if os.path.lexists(place / path / ".git")]
        if left:
            names = sentences.quoted_names(left)
            verb = sentences.verb(len(left), "has", "have")
            update = shlex.join(["git", "-C", str(place), "submodule", "update", "--", *left])
            what = sentences.verb(len(left), "submodule", "submodules")
            note = f"{what} {names} still {verb} the files of before; to get the new ones: {update}"
            self.reporter.emit(Note(note))

    def _carry_out(
        self,
        change: Change,
        entries: Sequence[Entry],
        road: Callable[[Change], None],
        written: Written | None = None,
    ) -> str:
        def kept_road(change: Change) -> None:
            try:
                road(change)
            except errors.Busy:
                self.keep([change.new], _NOT_LANDED, written)
                raise

        intent = moves.intend(self, change, change.new)
        moves.carry_out(self, intent, entries, kept_road)
        return intent.event.id

    @checkpoints.around("abandon move")
    def abandon(self, move: Move) -> None:
        """Keep what a move of the branch would have landed, and write down that it will not."""
        self.keep([move.new], _NOT_LANDED)
        moves.abandon(self, move.id)

    @checkpoints.around("keep")
    def keep(self, commits: Sequence[str], why: str, written: Written | None = None) -> None:
        """Hold commits that would become unreachable, or that are only `written`."""
        objects = written or self.objects
        kept.keep(self.place, objects, self.identity, commits, why)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether commit `old` is `new` or reachable from it."""
        return ask.is_ancestor(self.repository.git, old, new)

    def refuse_checked_out(self) -> None:
        """Raises Busy when a worktree has the plan branch: moving it would show there as reversed
        changes.
        """
        from git_orch.repo.worktree import worktrees  # for checkouts alone

        place = worktrees.checkout_of(self.repository, self.ref)
        if place is not None:
            name = self.ref.removeprefix("refs/heads/")
            worktrees.require_open(place, name)
            if not place.exists():
                raise errors.Busy(
                    f"{sentences.quoted(name)} is checked out in {sentences.quoted(place)}, "
                    "which is not there",
                    "git worktree prune --dry-run --verbose  # what git would forget",
                )
            leave = f"git -C {shlex.quote(str(place))} switch {self._elsewhere(place)}"
            raise errors.Busy(
                f"{sentences.quoted(name)} is checked out in {sentences.quoted(place)}", leave
            )

    def _elsewhere(self, place: Path) -> str:
        """The argument with which `git switch` leaves the branch there: the branch before it, if
        there was one.
        """
        from git_orch.repo.worktree import worktrees  # for checkouts alone

        git = Git(worktrees.git_dir_of(self.repository, place), None, self.repository.variables)
        before = ask.full_name(git, "@{-1}")
        return "-" if before is not None and before.startswith("refs/heads/") else "--detach"
