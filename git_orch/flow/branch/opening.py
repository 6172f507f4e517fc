"""Opening a plan for writing: lock it, load its log, settle what a killed run left behind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import ids, sentences
from git_orch.plans.history import life
from git_orch.plans.history.events import Log
from git_orch.repo import git_settings, identity, localfiles, own_files, places, scopes, stale_locks
from git_orch.repo.log import log as store
from git_orch.repo.log import spool
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace

_NOTIFY = git_settings.INCLUDING | {b"notify"}


@contextlib.contextmanager
def open_for_writing(
    place: PlanPlace,
    reporter: Reporter,
    *,
    put_away: bool = False,
    idea: bool = False,
) -> Iterator[OpenPlan]:
    """The plan, locked for this process. Raises Busy, NotFound, Refused.

    With `put_away` also one that is on its way into the archive, or whose branch was deleted; with
    that and with `idea` also one that has no steps yet.
    """
    own_files.require(places.own_directory(), ("approvals", places.name_of(place.repository)))
    person = identity.of_user(place.repository)
    with (
        localfiles.lock(place),
        contextlib.closing(objects.opened(place.repository)) as database,
    ):
        take_stale_locks_away(place, reporter)
        writer = store.LogWriter(place, database, person)
        open_plan = OpenPlan(place, database, person, reporter, writer, writer.home())
        _warn_of_clock(open_plan)
        logged = {event.id for event in writer.log.events}
        for attempt in spool.left(place):
            open_plan.take_spool(attempt, logged)
        if not _is_untouched_idea(open_plan):
            from git_orch.flow.branch import recovery  # which settles an open plan

            if not put_away:
                recovery.finish_archiving(open_plan)
            recovery.settle(open_plan, put_away=put_away)
        if not (idea or put_away):
            life.require_steps(open_plan.status())
        open_plan.home_at_cover(open_plan.status())
        _tell_of_changes(open_plan)
        yield open_plan
        open_plan.confirm()
        _tell_of_changes(open_plan)


def _tell_of_changes(plan: OpenPlan) -> None:
    """Have the user's program hear of them, where there is one (orch.notify)."""
    if scopes.user_mentions(plan.repository.variables, _NOTIFY):
        from git_orch.flow.branch import notify

        notify.of_changes(plan)


@contextlib.contextmanager
def open_beside_a_run(place: PlanPlace, reporter: Reporter) -> Iterator[OpenPlan]:
    """The plan without a lock, to add events that move no ref: the run that has the lock reads them
    with its next write.
    """
    person = identity.of_user(place.repository)
    with contextlib.closing(objects.opened(place.repository)) as database:
        writer = store.LogWriter(place, database, person)
        open_plan = OpenPlan(place, database, person, reporter, writer, writer.home())
        open_plan.home_at_cover(open_plan.status())
        yield open_plan


@contextlib.contextmanager
def open_put_away(place: PlanPlace, reporter: Reporter, log: Log) -> Iterator[OpenPlan]:
    """A plan of the archive, whose log this is, locked: to run its checks, and to write nothing.
    Raises Busy.
    """
    person = identity.of_user(place.repository)
    with (
        localfiles.lock(place),
        contextlib.closing(objects.opened(place.repository)) as database,
    ):
        writer = store.LogWriter(place, database, person)
        writer.log = log
        yield OpenPlan(place, database, person, reporter, writer)


def _is_untouched_idea(plan: OpenPlan) -> bool:
    """Whether nothing can be left to settle: no command moves a branch of an idea, or has begun to put
    it away.
    """
    if plan.log.tip is None:
        return False
    status = plan.status()
    is_at_rest = status.archived is None and not status.pending_moves
    return status.is_idea and status.branch is None and is_at_rest


def take_stale_locks_away(place: PlanPlace, reporter: Reporter) -> None:
    """Remove the locks that a killed git left on the refs of a plan, which this process holds."""
    for path in stale_locks.of_plan(place):
        reporter.emit(Note(f"{sentences.quoted(path)} was left by a killed git: removed"))


def _warn_of_clock(plan: OpenPlan) -> None:
    """Say that the clock is more than a day behind the last event: what is new is dated after it."""
    ahead = plan.log.log.ahead_ms(time.time_ns() // 1_000_000)
    if ahead > ids.DAY_MS:
        days = ahead // ids.DAY_MS
        plan.reporter.emit(
            Note(
                f"the clock is {sentences.count(days, 'day')} behind the log of "
                f"'{ids.short(plan.id)}' (or was ahead at its last event); new events count after it"
            )
        )
