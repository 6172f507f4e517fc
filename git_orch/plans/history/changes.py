"""The changes of a plan, one by one: an undo takes back the last one, or brings it again.

A change is what one command did. Its ID is that of the event that began it. An event of a command
that takes a change back has the field `undoes` with that ID, one that brings it again `redoes`; the
other events of both, and of the change itself, have it in `part_of`.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from git_orch.plans import document
from git_orch.plans.document import BadDocument
from git_orch.plans.history.events import Event
from git_orch.plans.history.replay import OID


class ChangeKind(enum.Enum):
    """The kind of a change; the word is the command."""

    CREATE = "plan"
    EDIT = "edit"
    RUN = "exec"
    ROLLBACK = "rollback"
    DROP = "drop"
    REORDER = "reorder"
    REBASE = "rebase"
    REDO = "redo"
    ADOPT = "adopt"
    LAND = "land"
    PICK = "pick"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    REJECT = "reject"
    SPEC = "spec"
    READY = "ready"
    OWN = "owner"
    COMMENT = "comment"
    SCOUT = "scout"
    NOTE = "note"


Turn = Literal["reverse", "onward", "back"]

# Of the plan's branch.
REWRITES = frozenset(
    {
        ChangeKind.ROLLBACK,
        ChangeKind.DROP,
        ChangeKind.REORDER,
        ChangeKind.REBASE,
        ChangeKind.REDO,
        ChangeKind.ADOPT,
    }
)
BRANCH = REWRITES | {ChangeKind.RUN}
# Of what people write beside the steps.
SMALL = frozenset(
    {
        ChangeKind.READY,
        ChangeKind.OWN,
        ChangeKind.COMMENT,
        ChangeKind.SCOUT,
        ChangeKind.NOTE,
    }
)
# Of a branch of the user's.
OF_USERS_BRANCH = frozenset({ChangeKind.LAND, ChangeKind.PICK})


@dataclass(slots=True)
class Change:
    """One change. `ref` moved from `old` to `new`, and `why` says it to people.

    `before` and `after` are the events with the plan's text, or for a rebase with its base.
    `outcome` is the event that says what a landing or a pick has brought, or the rejection that an
    edit has ended. `is_archived` says that
    the plan is away since, `archives` that the change put it away; with `is_own` a commit holds what
    was not committed in a checkout.
    """

    id: str
    kind: ChangeKind
    clone: str
    why: str
    ref: str | None = None
    old: str | None = None
    new: str | None = None
    before: Event | None = None
    after: Event | None = None
    outcome: Event | None = None
    is_archived: bool = False
    archives: bool = False
    is_own: bool = False


@dataclass(slots=True)
class Changes:
    """The changes that `stand`, and those that were taken back since the last that was made, each
    the oldest first; `last` is what came last: make, undo or redo. Small changes of others than
    `clone` are none, where that is given.
    """

    branch: str
    clone: str | None = None
    stand: list[Change] = field(default_factory=list)
    undone: list[Change] = field(default_factory=list)
    last: str = "make"
    begun: bool = False  # a run was
    beside: list[Event] = field(default_factory=list)  # since then, and no change
    _rejected: Event | None = None
    _text: Event | None = None
    _base: Event | None = None
    _base_before: Event | None = None
    _run: str | None = None
    _specified: bool = False
    _moves: dict[str, Event] = field(default_factory=dict)
    _outcomes: dict[str, Event] = field(default_factory=dict)

    def next(self, turn: Turn = "reverse") -> tuple[Change | None, bool]:
        """The change to take back or, where the second value is true, to bring again.

        Reversing takes back the last act, also one that took back or brought again; `onward` goes on
        in the direction of the last act; `back` brings nothing again.
        """
        redo = {"reverse": self.last == "undo", "onward": self.last == "redo", "back": False}[turn]
        changes = self.undone if redo else self.stand
        return (changes[-1] if changes else None), redo

    # -- reading -----------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Take one event, in the order of the log."""
        reader = _READERS.get(event.name)
        if reader is not None:
            with contextlib.suppress(BadDocument):  # the fold counts it as damage
                reader(self, event)

    def _make(self, change: Change) -> None:
        self.stand.append(change)
        self.undone, self.last, self.beside = [], "make", []

    def _find(self, identifier: object) -> Change | None:
        return next(
            (change for change in (*self.stand, *self.undone) if change.id == identifier), None
        )

    def _turn(self, event: Event) -> bool:
        """Take back or bring again what an event is about; whether it is part of another change."""
        body = event.body
        for word, source, goal in (
            ("undoes", self.stand, self.undone),
            ("redoes", self.undone, self.stand),
        ):
            change = self._find(body.get(word))
            if change is not None and change in source:
                source.remove(change)
                goal.append(change)
                self.last, self.beside = word[:4], []
        return any(name in body for name in ("undoes", "redoes", "part_of"))

    def _of(self, event: Event) -> Change | None:
        """The change that an event belongs to."""
        body = event.body
        return self._find(body.get("part_of") or body.get("undoes") or body.get("redoes"))

    def create(self, event: Event) -> None:
        self._text = self._base = event
        self._make(Change(event.id, ChangeKind.CREATE, event.clone, "plan"))

    def write_spec(self, event: Event) -> None:
        """An idea gets its steps; a second spec of another clone does not count."""
        if self._specified:
            return
        self._specified, self._text, self._base = True, event, event
        if not self._turn(event):
            self._make(Change(event.id, ChangeKind.SPEC, event.clone, "spec", after=event))

    def withdraw_spec(self, event: Event) -> None:
        self._specified = False
        self._turn(event)

    def revise(self, event: Event) -> None:
        before, self._text = self._text, event
        part = self._of(event)
        if part is not None and part.after is None:
            part.before, part.after = before, event
        rejected, self._rejected = self._rejected, None
        if not self._turn(event):
            change = Change(event.id, ChangeKind.EDIT, event.clone, "edit")
            change.before, change.after, change.outcome = before, event, rejected
            if rejected is not None and self.stand and self.stand[-1].kind is ChangeKind.UNARCHIVE:
                self.stand.pop()  # the edit has brought it back
                change.archives = True
            self._make(change)

    def rebase(self, event: Event) -> None:
        self._base_before, self._base = self._base, event

    def reject(self, event: Event) -> None:
        self._rejected = event
        if not self._turn(event):
            self._make(Change(event.id, ChangeKind.REJECT, event.clone, "reject", after=event))

    def archive(self, event: Event) -> None:
        change = self._of(event)
        if change is None:
            last = self.stand[-1] if self.stand else None
            why = event.body.get("why")
            if last is None or not (last.is_archived or (last.kind, why) in _BOTH):
                last = Change(event.id, ChangeKind.ARCHIVE, event.clone, "archive", after=event)
                self._make(last)
            change = last
            change.archives = True
        change.is_archived = True
        self._turn(event)

    def unarchive(self, event: Event) -> None:
        change = self._of(event)
        if change is None:
            for other in self.stand:
                other.is_archived = False
            self._make(Change(event.id, ChangeKind.UNARCHIVE, event.clone, "unarchive"))
        else:
            change.is_archived = False
            self._turn(event)

    def note_beside(self, event: Event) -> None:
        """Remember what is no change: it stays when the change before it is taken back."""
        adopted = event.body.get("adopted")
        moved_nothing = isinstance(adopted, list) and event.body.get("commit") in adopted
        if event.name != "step.landed" or moved_nothing:
            self.beside.append(event)

    def take_small(self, event: Event) -> None:
        """Take what somebody wrote beside the steps; a run that goes on meanwhile stays one change."""
        kind, why = _SMALL[event.name]
        is_ours = self.clone in (None, event.clone)
        if not self._turn(event) and is_ours:
            self._make(Change(event.id, kind, event.clone, why))

    def turn(self, event: Event) -> None:
        self._turn(event)

    def start_run(self, event: Event) -> None:
        self._run, self.begun = event.id, True

    def note_outcome(self, event: Event) -> None:
        move = event.body.get("move")
        if isinstance(move, str):
            self._outcomes[move] = event

    def intend(self, event: Event) -> None:
        self._moves[event.id] = event

    def finish(self, event: Event) -> None:
        intent = self._moves.pop(str(event.body.get("move")), None)
        if intent is None or self._turn(intent):
            return
        move = _move(intent)
        last = self.stand[-1] if self.stand else None
        if move.ref != self.branch:
            if move.kind in OF_USERS_BRANCH:
                move.outcome = self._outcomes.get(move.id)
                self._make(move)
        elif intent.body.get("kind") == "undo":  # of an older version
            self._turn_back()
        elif move.kind is ChangeKind.LAND:
            self._land(move, is_own=intent.body.get("kind") == "checkpoint")
        elif last is not None and last.kind is ChangeKind.EDIT and move.kind is ChangeKind.EDIT:
            last.old, last.new = move.old, move.new
        elif last is not None and last.kind is ChangeKind.SPEC and move.old is None:
            last.ref, last.new = move.ref, last.new or move.new
        elif move.kind in REWRITES:
            if move.kind is ChangeKind.REBASE:
                move.before, move.after = self._base_before, self._base
            self._make(move)

    def _land(self, move: Change, *, is_own: bool) -> None:
        """A step onto the branch: all of a run are one change."""
        last = self.stand[-1] if self.stand else None
        run = self._find(self._run)
        if run is not None and run is not last and run in self.stand:
            beside = self.stand[self.stand.index(run) + 1 :]
            if all(change.kind in SMALL for change in beside):  # written while it ran
                self.stand.remove(run)
                self.stand.append(run)
                last = run
        if last is None or last.kind is not ChangeKind.RUN or last.id != self._run:
            last = Change(self._run or move.id, ChangeKind.RUN, move.clone, "exec", move.ref)
            last.old = move.old
            self._make(last)
        last.new = move.new
        last.is_own = last.is_own or is_own

    def _turn_back(self) -> None:
        if self.stand and self.stand[-1].kind in REWRITES:
            self.undone.append(self.stand.pop())
            self.last = "undo"

    def abandon(self, event: Event) -> None:
        self._moves.pop(str(event.body.get("move")), None)


# An archiving that belongs to the change before it: with this reason.
_BOTH = frozenset({(ChangeKind.LAND, "landed"), (ChangeKind.REJECT, "rejected")})
# A move without the field `kind` is of an older version, and has it as the first word of `why`.
_KINDS = {kind.value: kind for kind in ChangeKind if kind is not ChangeKind.CREATE}
_KINDS |= {"checkpoint": ChangeKind.LAND}


def _move(intent: Event) -> Change:
    body = intent.body
    why = str(body.get("why", ""))
    kind = _KINDS.get(str(body.get("kind") or why.partition(" ")[0]), ChangeKind.CREATE)
    return Change(
        intent.id,
        kind,
        intent.clone,
        why,
        document.optional_text(body, "ref"),
        _oid(body, "from"),
        _oid(body, "to"),
    )


def _oid(body: Mapping[str, object], name: str) -> str | None:
    """An object ID; what a log from elsewhere has instead of one does not go to git."""
    value = body.get(name)
    return value if isinstance(value, str) and OID.fullmatch(value) else None


_SMALL = {
    "plan.readied": (ChangeKind.READY, "ready"),
    "plan.drafted": (ChangeKind.READY, "ready --undo"),
    "plan.owned": (ChangeKind.OWN, "owner set"),
    "comment.made": (ChangeKind.COMMENT, "comment"),
    "comment.closed": (ChangeKind.COMMENT, "comment --close"),
    "item.ticked": (ChangeKind.SCOUT, "scout --tick"),
    "item.unticked": (ChangeKind.SCOUT, "scout --untick"),
    "item.added": (ChangeKind.SCOUT, "scout --add"),
    "item.removed": (ChangeKind.SCOUT, "scout --remove"),
    "plan.noted": (ChangeKind.NOTE, "note"),
}

_READERS: Mapping[str, Callable[[Changes, Event], None]] = {
    "plan.created": Changes.create,
    "spec.written": Changes.write_spec,
    "spec.withdrawn": Changes.withdraw_spec,
    **dict.fromkeys(_SMALL, Changes.take_small),
    "change.undone": Changes.turn,
    "change.redone": Changes.turn,
    "plan.revised": Changes.revise,
    "plan.rebased": Changes.rebase,
    "plan.rejected": Changes.reject,
    "plan.archived": Changes.archive,
    "plan.unarchived": Changes.unarchive,
    "plan.landed": Changes.note_outcome,
    "steps.picked": Changes.note_outcome,
    "plan.approved": Changes.note_beside,
    "step.answered": Changes.note_beside,
    "step.landed": Changes.note_beside,
    "run.started": Changes.start_run,
    "move.intended": Changes.intend,
    "move.done": Changes.finish,
    "move.abandoned": Changes.abandon,
}


def read(events: Iterable[Event], branch: str, clone: str | None = None) -> Changes:
    """The changes of a plan whose branch has that full name. With `clone` the small ones are only
    those that were made there.
    """
    changes = Changes(branch, clone)
    for event in events:
        changes.take(event)
    return changes
