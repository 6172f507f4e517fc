"""The beginning of most commands: the repository, its objects, the plan that the user means."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click
from click.types import FloatParamType

from git_orch import errors
from git_orch.cli import json_flag, words
from git_orch.flow.approval import grant, standing
from git_orch.plans import ids
from git_orch.plans.history.status import Status
from git_orch.repo import refs
from git_orch.repo.log import archive, catalog, log, upstream
from git_orch.repo.objects import objects
from git_orch.repo.objects.objects import Objects
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.refs import Listing, PlanRefs
from git_orch.repo.repository import Repository, around
from git_orch.views import answer, console

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.plans.document import Document
    from git_orch.plans.file.findings import Finding

_STYLES = {"error": "red", "warning": "yellow", "note": "dim"}  # the worst first

F = TypeVar("F", bound=Callable[..., object])


class Amount(FloatParamType):
    """A number from 0 to `most`, of dollars or seconds."""

    name = "number"

    def __init__(self, most: float) -> None:
        self._most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            amount = float(value)
        except ValueError:
            self.fail(f"'{value}' is not a number", param, ctx)
        if not 0 <= amount <= self._most:  # what is not a number is in no range
            self.fail(f"{value} is not between 0 and {self._most:,.0f}", param, ctx)
        return amount


_USD = Amount(1e9)


def plan_argument(function: F) -> F:
    """The optional PLAN argument."""
    return click.argument("plan", required=False, metavar="[PLAN]")(function)


def json_option(function: F) -> F:
    """The --json flag, for a command that gives data of its own; all others have it from the table."""
    return click.option("--json", "as_json", **json_flag.SETTINGS)(function)


def since_option(text: str) -> Callable[[F], F]:
    """The --since option: an event, or the beginning where none is named."""
    return click.option("--since", callback=_event, metavar="[EVENT]", help=text)


def _event(_context: click.Context, _option: click.Parameter, event: str | None) -> str | None:
    if event is not None and ids.ULID.fullmatch(event) is None:
        raise errors.UsageError(f"'{event}' is not the ID of an event", "git orch log --json")
    return event


SINCE = words.optional_value("--since", "0" * 26, ids.ULID)


def budget_option(function: F) -> F:
    """The --max-usd option: what a plan may cost, all its runs together."""
    text = "What the plan may cost in all, in USD; 0 is no limit."
    return click.option("--max-usd", type=_USD, metavar="N", help=text)(function)


def timeout_option(text: str, default: float | None = None) -> Callable[[F], F]:
    """The --timeout option, in seconds."""
    return click.option("--timeout", type=Amount(1e7), default=default, metavar="S", help=text)


def planning_budget_option(function: F) -> F:
    """The --max-usd option of planning."""
    text = "What planning may cost, in USD; 0 is no limit (orch.maxUsd)."
    return click.option("--max-usd", type=_USD, metavar="N", help=text)(function)


def step_budget_option(function: F) -> F:
    """The --max-step-usd option: what a step may cost, all its attempts together."""
    text = "What each step may cost in all, in USD; 0 is no limit (orch.maxStepUsd)."
    return click.option("--max-step-usd", type=_USD, metavar="N", help=text)(function)


def find_repository() -> Repository:
    """The repository around the current directory. Raises UnfitRepository."""
    return around()


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


def print_findings(listed: Iterable[Finding]) -> None:
    """Findings about a plan, each with its remedy; errors first, notes last."""
    for finding in sorted(listed, key=lambda finding: list(_STYLES).index(finding.level)):
        console.out(
            console.Styled(finding.level, _STYLES[finding.level]),
            f": {finding.text()} [{finding.code}]",
        )
        console.out(f"  fix: {finding.fix}")


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
            from git_orch.flow.branch import archive

            for status in catalog.archived_statuses(repository, database, plan):
                grant.refuse_rejected(status)
                archive.refuse_archived(status)
        return plan


def landed_and_archived(handle: str) -> Status | None:
    """The status of the plan that `handle` names, if it has landed and been put away since."""
    repository = find_repository()
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


@contextlib.contextmanager
def open_plan(handle: str | None, *, put_away: bool = False) -> Iterator[OpenPlan]:
    """Open the plan that `handle` names, for this command alone; the terminal shows its reports.

    `put_away` is for commands that also work on a plan on its way into the archive. Raises NotFound,
    Busy and Refused.
    """
    from git_orch.flow.branch import opening
    from git_orch.views.progress import ConsoleReporter

    repository = find_repository()
    place, reporter = PlanPlace(repository, plan_id(repository, handle)), ConsoleReporter()
    with opening.open_for_writing(place, reporter, put_away=put_away) as opened:
        yield opened
        asked = answer.current()
        if asked is not None and refs.value(repository, opened.place.log) is not None:
            asked.offer(lambda: plan_document(repository, opened.status(), running=False))


def print_json(value: object, *following: str) -> None:
    """Give the data of a command, and the commands that lead on: as a part of the answer to a
    program, else printed as it is.
    """
    asked = answer.current()
    if asked is None:
        console.out(answer.text(value))
    else:
        asked.give(value, following)


def give(data: object) -> None:
    """Give the data of a command to a program; a person reads what else it prints."""
    asked = answer.current()
    if asked is not None:
        asked.give(data)


def plan_document(repository: Repository, status: Status, *, running: bool) -> Document:
    """A plan as `git orch show --json` gives it, with the worktrees in which a person works."""
    from git_orch.repo.worktree import worktrees
    from git_orch.views import documents, waits

    places: dict[str, str] = {}
    if any(purpose != "exec" for purpose in worktrees.purposes(repository, status.id)):
        from git_orch.flow.attempt import prepare

        places = prepare.places_by_hand(repository, status)
    waiting = waits.document(repository, status.id) if running else None
    return documents.document(status, running=running, worktrees=places, waiting=waiting)


def print_plan(
    repository: Repository,
    status: Status,
    *,
    running: bool = False,
    more: Mapping[str, object] | None = None,
) -> None:
    """Give a plan as data, with `more` keys, and the command that leads on."""
    from git_orch.views import report

    print_json(
        {**plan_document(repository, status, running=running), **(more or {})},
        report.following(status, running=running),
    )


def statuses(repository: Repository, database: Objects) -> list[Status]:
    """The status of all plans; those whose log cannot be read are named on standard error."""
    return every_status(repository, database, Everything(with_archived=False))


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
    statuses = [standing.seen_here(repository, status) for status in statuses]
    if notes:
        raise _Unreadable(statuses, notes)
    return statuses
