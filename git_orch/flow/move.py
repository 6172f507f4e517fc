"""Moving a branch: the one transaction for whatever moves a plan's branch, or one of the user's.

A ref and a log are two refs, and no transaction over two refs survives a kill. So a move is told
before it is made, and what a kill leaves can be read:

1. Objects are written, and nothing refers to them yet. What the move would make unreachable is kept
   first.
2. One log commit has the events that the move brings about, and the intent: from A to B, and what
   kind of move it is. Nobody reads the kind, or anything else, out of the text beside it.
3. The ref moves, by compare-and-swap from A.
4. The confirmation goes to the log; it may ride on the next log write.

Somebody else's move in between makes 3 fail, and the log says that the intent is abandoned. Any
other end (a kill, a full disk) leaves the intent alone in the log. The next command of the same
clone then looks where the ref has been since (`has_happened`): it was at B, and the move is
confirmed; it is at A, and the move is made or given up; it is elsewhere, and the user moved it.

A ref has been at B when its reflog has B: a landing makes a commit that was never there before. A
rollback goes to where the branch has been, so the reflog has to have B more often than the log had
seen when the move was intended. The text of a reflog entry says nothing to us.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from git_orch import checkpoints, errors
from git_orch.plans import sentences
from git_orch.plans.document import Document
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Move, MoveKind
from git_orch.repo import refs
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.repository import Repository

# The object an event hangs on (None: the empty blob), and the event.
Entry = tuple[str | None, Event]


class Logbook(Protocol):
    """Who writes the log of a plan: events at once, or with the next that are written.

    `home` is the object that events of the whole plan hang on.
    """

    home: str | None

    def event(self, name: str, **body: object) -> Event:
        """A new event, which is not written yet."""
        ...

    def record(self, *entries: Entry) -> None:
        """Write events to the log."""
        ...

    def record_later(self, entry: Entry) -> None:
        """Let the next write take an event along."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """A move to make: the full name of a ref, from `old` (None: it is made) to `new`.

    `why` is for people: it stands in the log and in the reflog. With `checkout` files of a worktree
    that has the branch follow, and none of the user's was in their way. `marks` are further fields
    of the intent: the change of the plan that the move takes back, or brings again.
    """

    kind: MoveKind
    ref: str
    old: str | None
    new: str
    why: str
    checkout: bool = False
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The text of the reflog entry."""
        return reason(self.why)


def reason(why: str) -> str:
    """The reflog message of a move."""
    return f"orch: {why}"


@dataclass(frozen=True, slots=True)
class Intent:
    """A change that was announced by an event, which hangs on the object `at`."""

    change: Change
    event: Event
    at: str | None


def intend(log: Logbook, change: Change, at: str | None) -> Intent:
    """Announce a change; nothing is written yet, so that other events can name the intent."""
    body: Document = {"kind": change.kind.value, "ref": change.ref}
    if change.old is not None:
        body["from"] = change.old
    body["to"] = change.new
    if change.checkout:
        body["checkout"] = True
    body |= change.marks
    return Intent(change, log.event("move.intended", **body, why=change.why), at)


def carry_out(
    log: Logbook, intent: Intent, entries: Sequence[Entry], road: Callable[[Change], None]
) -> None:
    """Write the intent and the events that it brings about, then move the ref by `road`.

    The confirmation waits for the next write. Raises Busy when `road` does: then nothing has moved.
    """
    with checkpoints.around("record intent"):
        log.record(*entries, (intent.at, intent.event))
    try:
        road(intent.change)
    except errors.Busy:
        abandon(log, intent.event.id)
        raise
    log.record_later((intent.at, log.event("move.done", move=intent.event.id)))


def confirm(log: Logbook, move: Move, at: str | None) -> None:
    """Write down that a move was made."""
    log.record((at, log.event("move.done", move=move.id)))


def abandon(log: Logbook, move: str) -> None:
    """Write down that a move (the ID of its intent) was not made, and will not be."""
    log.record((log.home, log.event("move.abandoned", move=move)))


def has_happened(repository: Repository, move: Move) -> bool:
    """Whether a ref has come to where it was to be moved, wherever it is now."""
    if refs.value(repository, move.ref) == move.new:
        return True
    return refs.reflog(repository, move.ref).count(move.new) > move.seen_before


def reset_checkout(repository: Repository, git: Git, change: Change, look: str) -> None:
    """The road of a move where the branch is checked out: its files follow, also back, and local
    changes are kept.

    `git` works there, and `look` is the command that shows what is in the way. Raises Busy when git
    does not move the branch; then nothing has moved.
    """
    # The refresh keeps git from taking a touched file for a changed one.
    git.finished("update-index", "-q", "--refresh", expect=(0, 1))
    variables = {"GIT_REFLOG_ACTION": change.reason}
    try:
        git.run("reset", "--quiet", "--keep", change.new, variables=variables)
    except GitFailed as refused:
        if refused.locked:
            raise errors.Busy(refused.cause, refused.hint) from refused
        from git_orch.repo.worktree import half_moved

        old = change.old or repository.empty_tree
        half_moved.put_back(repository, git, change.ref, old, change.new)
        if isinstance(refused, errors.DiskFull):
            raise
        name = sentences.quoted(change.ref.removeprefix("refs/heads/"))
        raise errors.Busy(f"git cannot move {name}: {refused.cause}", look) from refused
