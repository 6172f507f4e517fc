"""Reading plans for a command: the object database, the plan that the user means, or every plan."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Protocol

from git_orch import errors
from git_orch.plans import ids
from git_orch.repo import refs
from git_orch.repo.log import archive, catalog, log, upstream
from git_orch.repo.objects import objects
from git_orch.repo.repository import around
from git_orch.views import console

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_orch.plans.history.status import Status
    from git_orch.repo.objects.objects import Objects
    from git_orch.repo.refs import Listing, PlanRefs
    from git_orch.repo.repository import Repository


@contextlib.contextmanager
def open_objects(repository: Repository) -> Iterator[Objects]:
    """Open the object database for a command that only reads.

    Python does not look for garbage meanwhile: with thousands of plans, that took half of the time.
    """
    looks = gc.isenabled()
    gc.disable()
    try:
        with contextlib.closing(objects.opened(repository)) as database:
            yield database
    finally:
        if looks:
            gc.enable()


def status_of(repository: Repository, database: Objects, handle: str | None) -> Status:
    """The status of the plan that `handle` names. Raises NotFound, and MissingObject when its log
    cannot be read.
    """
    return catalog.read_steadily(
        repository, lambda listing: _status_of(repository, database, handle, listing)
    )


def _status_of(
    repository: Repository, database: Objects, handle: str | None, listing: Listing
) -> Status:
    plan, archived = catalog.find_plan(repository, database, handle, listing)
    if archived is None:
        statuses = catalog.statuses(repository, database, {plan: listing.plans[plan]})
    else:
        statuses = catalog.statuses_of_notes(repository, database, archived, listing.plans, plan)
    if not statuses and plan in listing.plans:
        [(notes, read)] = log.read_logs(database, [listing.plans[plan].log or ""])
        log.refuse_unread(plan, read)
        if notes.missing is not None:
            raise objects.MissingObject(notes.missing)
        raise errors.NotFound(f"the log of '{plan}' holds no plan", "git orch ls")
    from git_orch.flow.approval import standing

    return standing.seen_here(repository, statuses[0], with_signatures=True)


def with_merge(repository: Repository, status: Status) -> Status:
    """The status of one plan, with the branch that somebody merged it into; this search costs too
    much for a list of plans.
    """
    merged = upstream.landing_by_others(repository, status, upstream.base_tip(repository, status))
    return status if merged is None else status._replace(landed=merged)


def plan_id(repository: Repository, handle: str | None) -> str:
    """The ID of the plan that `handle` names, to work on it. Raises NotFound, and Refused for an
    archived plan.
    """
    with open_objects(repository) as database:
        plan = catalog.resolve(repository, database, handle)
        if refs.value(repository, refs.LOGS + plan) is None:
            from git_orch.flow.approval import grant
            from git_orch.flow.branch import archive

            for status in catalog.archived_statuses(repository, database, plan):
                grant.refuse_rejected(status)
                archive.refuse_archived(status)
        return plan


def landed_and_archived(handle: str) -> Status | None:
    """The status of the plan that `handle` names, if it has landed and been put away since."""
    repository = around()
    with open_objects(repository) as database:
        plan = catalog.resolve(repository, database, handle)
        if refs.value(repository, refs.LOGS + plan) is not None:
            return None
        statuses = catalog.archived_statuses(repository, database, plan)
    return next((status for status in statuses if status.landed is not None), None)


def any_plan_id(repository: Repository, handle: str | None) -> str:
    """The ID of the plan that `handle` names, archived or not. Raises NotFound."""
    with open_objects(repository) as database:
        return catalog.resolve(repository, database, handle)


def statuses(repository: Repository, database: Objects) -> list[Status]:
    """The status of all plans; those whose log cannot be read are named on standard error."""
    return every_status(repository, database, Everything(with_archived=False))


def whole_statuses(repository: Repository, database: Objects) -> Iterator[Status]:
    """The status of each plan with all events of its log, one plan at a time: all together may have
    hundreds of megabytes of them.
    """
    from git_orch.flow.approval import standing

    live = refs.listing(repository).plans
    for listed in statuses(repository, database):
        if listed.id in live:
            for status in catalog.statuses(repository, database, {listed.id: live[listed.id]}):
                yield standing.seen_here(repository, status)


class Asked(Protocol):
    """Which plans are to be read, live ones and those of the archive; `bases` is for
    `catalog.statuses`.
    """

    with_archived: bool
    bases: dict[str, str | None]

    def live(self, listing: Listing) -> Mapping[str, PlanRefs]:
        """The plans to be read of those that are listed."""
        ...


class Everything:
    """All plans."""

    def __init__(self, *, with_archived: bool) -> None:
        self.with_archived = with_archived
        self.bases: dict[str, str | None] = {}

    def live(self, listing: Listing) -> Mapping[str, PlanRefs]:
        """All that are listed."""
        return listing.plans


def every_status(repository: Repository, database: Objects, asked: Asked) -> list[Status]:
    """The status of all plans that are asked for, oldest first; what cannot be read is named on
    standard error.
    """
    try:
        return catalog.read_steadily(
            repository, lambda listing: _every(repository, database, listing, asked)
        )
    except _Unreadable as partly:
        for note in partly.notes:
            console.err(note)
        return partly.statuses


class _Unreadable(objects.MissingObject):
    """Some of the plans cannot be read."""

    def __init__(self, statuses: list[Status], notes: list[str]) -> None:
        super().__init__("")
        self.statuses = statuses
        self.notes = notes


def _every(
    repository: Repository, database: Objects, listing: Listing, asked: Asked
) -> list[Status]:
    live = asked.live(listing)
    unread: dict[str, str] = {}
    statuses = catalog.statuses(repository, database, live, asked.bases, unread)
    readable = {status.id for status in statuses}
    notes = [
        f"note: the log of '{plan}' is not read: {unread[plan]}; see 'git orch show {ids.short(plan)}'"
        if plan in unread
        else f"note: the log of '{plan}' cannot be read; git fsck says more"
        for plan, values in live.items()
        if values.log is not None and plan not in readable
    ]
    if asked.with_archived:
        put_away = archive.read_at(repository, database, listing.archive)
        statuses += catalog.statuses_of_notes(repository, database, put_away, listing.plans)
        lost = put_away.plans.keys() - {status.id for status in statuses} - listing.plans.keys()
        if put_away.damaged or lost:
            count = put_away.damaged + len(lost)
            notes.append(f"note: {count} of the notes in the archive cannot be read")
    statuses.sort(key=lambda status: status.id)
    from git_orch.flow.approval import standing

    statuses = [standing.seen_here(repository, status) for status in statuses]
    if notes:
        raise _Unreadable(statuses, notes)
    return statuses
