"""git orch status: show open plans and the next command."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, listing, reading
from git_orch.repo import localfiles, refs
from git_orch.repo.log import upstream
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.views import activity, by_hand, console, headlines, report, waits

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_orch.cli.requirements import Drifted
    from git_orch.plans.history.status import Status

_PAUSE = 1.0  # seconds between two looks at a run


@click.command("status", cls=here.SINCE)
@here.plan_argument
@here.since_option("Print the events after this one, and the steps at work.")
@click.option("-f", "--follow", is_flag=True, help="Print events and phases until the run ends.")
@here.json_option
def command(plan: str | None, since: str | None, *, follow: bool, as_json: bool) -> None:
    """Show open plans and the next command; with PLAN, that one."""
    repository = here.find_repository()
    if follow:
        if as_json:
            raise errors.UsageError(
                "--follow cannot be used with --json", "git orch status --since --json"
            )
        _follow(repository, plan, since)
        return
    if since is not None:
        _live(repository, plan, since, as_json=as_json)
        return
    if plan is None and not as_json:
        listing.status()
        return
    with reading.open_objects(repository) as database:
        if plan is not None:
            statuses = [
                reading.with_merge(repository, reading.status_of(repository, database, plan))
            ]
        else:
            every = reading.statuses(repository, database)
            statuses = [status for status in every if status.is_open() or status.waits_to_land()]
            statuses += _drifted_since(repository, {status.id for status in statuses})
    running = localfiles.held(repository, [status.id for status in statuses])
    drifted = _drifted(repository, [status for status in statuses if status.id not in running])
    waiting = by_hand.of_plans(repository, [status.id for status in statuses])
    if as_json:
        here.print_json(
            [
                here.plan_document(repository, status, running=status.id in running)
                for status in statuses
            ],
            *(
                drifted[status.id].next
                if status.id in drifted and status.archived is not None
                else here.following(status, waiting.get(status.id), running=status.id in running)
                for status in statuses
            ),
        )
        return
    for status in statuses:
        now = activity.of_plan(repository, status.id, running)
        work = waiting.get(status.id)
        whole = report.whole(status, upstream.gone_base(repository, status))
        if status.id in drifted:
            whole = drifted[status.id].below(whole)
        console.out_lines(headlines.alone(whole, running, now, work))


def _drifted_since(repository: Repository, shown: Collection[str]) -> list[Status]:
    """The plans that have landed, and of which requirements drifted."""
    if not listing.has_landed_requirements(repository):
        return []
    from git_orch.cli import requirements

    drifted = requirements.of_plans(repository, ())
    return [plan.status for plan in drifted.values() if plan.status.id not in shown]


def _drifted(repository: Repository, statuses: Sequence[Status]) -> dict[str, Drifted]:
    """By plan, those of which requirements drifted."""
    with_requirements = [status for status in statuses if status.plan.requirements]
    if not with_requirements:
        return {}
    from git_orch.cli import requirements

    return requirements.drifted_among(repository, with_requirements)


def _live(repository: Repository, plan: str | None, since: str, *, as_json: bool) -> None:
    """Print one plan for a reader who looks again and again."""
    from git_orch.repo.local import live as attempts
    from git_orch.repo.local import phases, runs
    from git_orch.views import live

    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    place = PlanPlace(repository, status.id)
    seen = live.Live(localfiles.is_held(place))
    if seen.running:
        run = runs.last(place)
        now, output = (
            attempts.attempts_now(place),
            attempts.last_output(place),
        )
        goes_on = run is not None and run.goes_on()
        seen = seen._replace(
            run=run if goes_on else None,
            attempts=now,
            output=output if goes_on else (),
            phase=phases.run_now(place).name if goes_on else None,
        )
    if as_json:
        following = report.following(status, running=seen.running)
        here.print_json(
            [
                {
                    **live.document(status, since, seen),
                    **here.plan_document(repository, status, running=seen.running),
                }
            ],
            following,
        )
        return
    shown = live.lines(status, since, seen)
    if seen.running:
        shown[1:1] = waits.lines(repository, status.id, {status.id})
    console.out_lines(shown)


def _follow(repository: Repository, plan: str | None, since: str | None) -> None:
    """Print what happens to a plan until nobody works on it: events after `since`, or from now on,
    and what its attempts do.
    """
    from git_orch.repo.local import live as attempts
    from git_orch.repo.local import phases
    from git_orch.views import live

    status = _read(repository, plan or _running_plan(repository))
    place = PlanPlace(repository, status.id)
    printed = {event.id for event in status.log.events if since is None or event.id <= since}
    shown: set[tuple[str, str | None]] = set()
    did = phases.BETWEEN
    read = None
    console.out(*report.headline(status, running=localfiles.is_held(place)))
    while True:
        running = localfiles.is_held(place)  # before the look, so that the last events are seen
        at = refs.value(repository, place.log)
        if at != read:
            read, status = at, _read(repository, status.id)
        for event in status.log.events:
            if event.id not in printed:
                printed.add(event.id)
                console.out(live.event_line(event))
        if not running:
            break
        for now in attempts.attempts_now(place):
            if (now.attempt, now.phase.name) not in shown:
                shown.add((now.attempt, now.phase.name))
                console.out_lines(live.now_lines(status, now))
        does = phases.run_now(place)
        if does.name not in (did, phases.BETWEEN):
            console.out(*activity.run_line(does))
        did = does.name
        time.sleep(_PAUSE)
    console.out(*report.headline(status, running=False))
    console.out(*report.next_command(status, running=False))


def _read(repository: Repository, plan: str | None) -> Status:
    with reading.open_objects(repository) as database:
        return reading.status_of(repository, database, plan)


def _running_plan(repository: Repository) -> str | None:
    """The one plan that somebody of this machine works on."""
    running = localfiles.held(repository, refs.listing(repository, ()).plans)
    return next(iter(running)) if len(running) == 1 else None
