"""Opening a plan for writing: lock it, load its log, settle what a killed run left behind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import ids, sentences
from git_orch.repo import identity, localfiles, own_files, places, stale_locks
from git_orch.repo.log import log as store
from git_orch.repo.log import spool
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace


@contextlib.contextmanager
def open_for_writing(
    place: PlanPlace,
    reporter: Reporter,
    *,
    put_away: bool = False,
) -> Iterator[OpenPlan]:
    """The plan, locked for this process. Raises Busy, NotFound, Refused.

    With `put_away` also one that is on its way into the archive, or whose branch was deleted.
    """
    from git_orch.flow.branch import recovery  # which settles an open plan

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
        if not put_away:
            recovery.finish_archiving(open_plan)
        recovery.settle(open_plan, put_away=put_away)
        open_plan.home_at_cover(open_plan.status())
        yield open_plan
        open_plan.confirm()


def take_stale_locks_away(place: PlanPlace, reporter: Reporter) -> None:
    """Remove the locks that a killed git left on the refs of a plan, which this process holds."""
    for path in stale_locks.of_plan(place):
        reporter.emit(
            Note(f"{sentences.quoted(path)} was left by a git that was killed; it is removed")
        )


def _warn_of_clock(plan: OpenPlan) -> None:
    """Say that the clock is more than a day behind the last event: what is new is dated after it."""
    ahead = plan.log.log.ahead_ms(time.time_ns() // 1_000_000)
    if ahead > ids.DAY_MS:
        days = ahead // ids.DAY_MS
        plan.reporter.emit(
            Note(
                f"the clock is {sentences.count(days, 'day')} behind the log of "
                f"'{ids.short(plan.id)}' (or was ahead when that was written); what is new is dated after it"
            )
        )
