"""Faults that `git orch fsck` finds, as far as a plan's status shows them: pure judgement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from git_orch.plans import ids, sentences
from git_orch.plans.history.status import NOT_DONE, Attempt, Status, StepState


class Fault(NamedTuple):
    """A fault: its `code`, what is wrong as a sentence, its plan if it has one, and the command that
    repairs it.

    `is_safe` says that `--repair` does it. A run makes and removes what `passes`, so that it is no
    fault of a plan that runs.
    """

    code: str
    what: str
    repair: str
    plan: str | None = None
    is_safe: bool = False
    passes: bool = False


class Here(NamedTuple):
    """What a judgement knows besides the status: the name of this copy of the repository (None: it
    never wrote to a log) and the time in milliseconds since 1970.
    """

    clone: str | None
    now_ms: int


def of_plan(status: Status, here: Here) -> Iterator[Fault]:
    """The faults of a live plan that its log and its branch show."""
    name = ids.short(status.id)
    if status.damaged:
        yield _of_lines(status, f"git orch fsck --repair {name}", is_safe=not status.incomplete)
    if status.incomplete:
        yield unreadable(status.id, "git cannot read a part of the log")
    if status.log.dated_ahead(here.now_ms):
        days = status.log.ahead_ms(here.now_ms) // ids.DAY_MS
        when = f"{sentences.count(days, 'day')} ahead" if days else "at a time that no clock has"
        what = f"the last event is dated {when}; new events count after it"
        yield Fault("dated-ahead", what, f"git orch log {name}", status.id)
    if status.archived is not None:
        yield _of_archiving(status, here)
        return
    yield from _of_moves(status, here)
    yield from _of_branch(status)


def of_archived(status: Status) -> Iterator[Fault]:
    """The faults of an archived plan that its note shows."""
    name = ids.short(status.id)
    if status.damaged:
        back = f"git orch archive --undo {name} && git orch fsck --repair {name}"
        yield _of_lines(status, back, is_safe=False)


def unreadable(plan: str, what: str) -> Fault:
    """The fault of a log that cannot be read; the command puts it aside, and loses nothing."""
    ref = f"refs/notes/orch/{plan}"
    aside = f"git update-ref refs/aside/{plan} {ref} && git update-ref -d {ref}  # puts it aside"
    return Fault("log-unreadable", what, aside, plan)


def missing_claims(status: Status) -> list[Attempt]:
    """The last landing of each step that no commit on the branch claims, though nothing took it
    back as far as the status shows: where its commit is gone, the event stands alone.
    """
    open_steps = {step.id for step in status.steps if step.state in NOT_DONE}
    landed: dict[str, Attempt] = {}
    for attempt in status.attempts:
        if attempt.outcome == "landed" and attempt.step in open_steps and attempt.commit:
            landed[attempt.step] = attempt
    return list(landed.values())


def without_commit(status: Status, attempt: Attempt) -> Fault:
    """The fault of a landing in the log whose commit is nowhere in the repository."""
    step = status.plan.step(attempt.step)
    title = f"'{step.title}'" if step is not None else f"'{attempt.step}'"
    what = (
        f"the log says that {title} landed as {(attempt.commit or '')[:10]}; git has no such commit"
    )
    return Fault("landing-without-commit", what, f"git orch exec {ids.short(status.id)}", status.id)


def _of_lines(status: Status, repair: str, *, is_safe: bool) -> Fault:
    lines = sentences.count(status.damaged, "line")
    verb = sentences.verb(status.damaged, "is", "are")
    return Fault("damaged-lines", f"{lines} of the log {verb} damaged", repair, status.id, is_safe)


def _of_archiving(status: Status, here: Here) -> Fault:
    name = ids.short(status.id)
    ours = status.archived is not None and status.archived.clone == here.clone
    what = "the plan is archived, and its refs still stand"
    if not ours:
        return Fault("archived-elsewhere", f"{what} here", f"git orch archive {name}", status.id)
    repair = f"git orch fsck --repair {name}"
    return Fault("archive-unfinished", what, repair, status.id, is_safe=True, passes=True)


def _of_moves(status: Status, here: Here) -> Iterator[Fault]:
    name = ids.short(status.id)
    for move in status.pending_moves:
        if move.clone == here.clone:  # that of another copy may be going on there
            what = f"'{move.why}' was interrupted: the log has its intent, and no end"
            repair = f"git orch fsck --repair {name}"
            yield Fault("intent-open", what, repair, status.id, is_safe=True, passes=True)


def _of_branch(status: Status) -> Iterator[Fault]:
    name, branch, tip = ids.short(status.id), status.branch, status.known_tip
    if branch is None or status.merged:
        if tip is not None and not status.merged:
            what = f"the branch 'orch/{status.id}' is gone; it was at {tip[:10]}"
            repair = f"git branch orch/{status.id} {tip}"
            yield Fault("branch-missing", what, repair, status.id, passes=True)
        return
    if not branch.commits:
        what = f"the branch is at {branch.tip[:10]}, where no commit of the plan is"
        repair = f"git orch exec {name}"
        yield Fault("branch-foreign", what, repair, status.id, passes=True)
    elif tip is not None and tip not in {commit.oid for commit in branch.commits}:
        what = f"the branch moved from {tip[:10]} to {branch.tip[:10]}; the log does not have that"
        repair = f"git orch fsck --repair {name}"
        yield Fault("branch-moved", what, repair, status.id, is_safe=True, passes=True)
    for step in status.steps:
        if step.state is StepState.CLAIMED:
            what = f"a commit is marked as step {step.number}, and the log has no landing of it"
            repair = f"git orch verify --accept {step.number} {name}"
            yield Fault("claim-without-landing", what, repair, status.id, passes=True)
