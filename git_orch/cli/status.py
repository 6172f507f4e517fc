"""git orch status: open plans and what to do next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, listing
from git_orch.repo import localfiles, refs
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.views import activity, console, headlines, report, waits

if TYPE_CHECKING:
    from git_orch.plans.history.status import Status

_PAUSE = 1.0  # seconds between two looks at a run


@click.command("status", cls=here.SINCE)
@here.plan_argument
@here.since_option("What happened to a plan after this event, and what runs now.")
@click.option("-f", "--follow", is_flag=True, help="Print events and phases until the run ends.")
@here.json_option
def command(plan: str | None, since: str | None, *, follow: bool, as_json: bool) -> None:
    """Open plans and what to do next; with PLAN, that one."""
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
    with here.open_objects(repository) as database:
        if plan is not None:
            statuses = [here.with_merge(repository, here.status_of(repository, database, plan))]
        else:
            every = here.statuses(repository, database)
            statuses = [status for status in every if status.is_open() or status.waits_to_land()]
    running = localfiles.held(repository, [status.id for status in statuses])
    if as_json:
        here.print_json(
            [
                here.plan_document(repository, status, running=status.id in running)
                for status in statuses
            ],
            *(report.following(status, running=status.id in running) for status in statuses),
        )
        return
    for status in statuses:
        now = activity.of_plan(repository, status.id, running)
        console.out_lines(headlines.alone(report.whole(status), running, now))


def _live(repository: Repository, plan: str | None, since: str, *, as_json: bool) -> None:
    """Print one plan for a reader who looks again and again."""
    from git_orch.repo.local import live as attempts
    from git_orch.repo.local import runs
    from git_orch.views import live

    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, plan)
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
            run=run if goes_on else None, attempts=now, output=output if goes_on else ()
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
    from git_orch.views import live

    status = _read(repository, plan or _running_plan(repository))
    place = PlanPlace(repository, status.id)
    printed = {event.id for event in status.log.events if since is None or event.id <= since}
    phases: set[tuple[str, str | None]] = set()
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
            if (now.attempt, now.phase.name) not in phases:
                phases.add((now.attempt, now.phase.name))
                console.out_lines(live.now_lines(status, now))
        time.sleep(_PAUSE)
    console.out(*report.headline(status, running=False))
    console.out(*report.next_command(status, running=False))


def _read(repository: Repository, plan: str | None) -> Status:
    with here.open_objects(repository) as database:
        return here.status_of(repository, database, plan)


def _running_plan(repository: Repository) -> str | None:
    """The one plan that somebody of this machine works on."""
    running = localfiles.held(repository, refs.listing(repository, ()).plans)
    return next(iter(running)) if len(running) == 1 else None
