"""git orch status: open plans and what to do next."""

from __future__ import annotations

import click

from git_orch.cli import here, listing
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.views import console, headlines, report, waits


@click.command("status", cls=here.SINCE)
@here.plan_argument
@here.since_option("What happened to a plan after this event, and what runs now.")
@here.json_option
def command(plan: str | None, since: str | None, *, as_json: bool) -> None:
    """Open plans and what to do next; with PLAN, that one."""
    repository = here.find_repository()
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
        waiting = waits.lines(repository, status.id, running)
        console.out_lines(headlines.alone(report.whole(status), running, waiting))


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
