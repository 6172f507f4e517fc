"""git orch status: open plans and what to do next."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import ids
from git_orch.plans.history.status import PlanState
from git_orch.repo.repository import Repository
from git_orch.views import console, documents, report


@click.command("status")
@here.plan_argument
@click.option(
    "--since", metavar="EVENT", help="What happened to a plan after this event, and what runs now."
)
@here.json_option
def command(plan: str | None, since: str | None, *, as_json: bool) -> None:
    """Open plans and what to do next; with PLAN, that one."""
    found = here.repository()
    if since is not None:
        _live(found, plan, since, as_json=as_json)
        return
    with here.reading(found) as database:
        if plan is not None:
            statuses, to_land = [here.with_merge(found, here.status_of(found, database, plan))], []
        else:
            every = here.statuses(found, database)
            statuses = [each for each in every if each.is_open()]
            to_land = [
                each for each in every if each.state is PlanState.COMPLETE and each.landed is None
            ]
            if len(to_land) == 1:
                to_land = [here.with_merge(found, to_land[0])]
        running = {each.id: here.is_running(found, each.id) for each in statuses}
    if as_json:
        here.print_json([documents.document(each, running=running[each.id]) for each in statuses])
        return
    if not statuses:
        begin = "" if to_land else '; begin with: git orch plan "what to do"'
        console.out(f"no plan is open{begin}")
        for each in to_land:
            console.out(*report.headline(each, running=False))
            console.out(*report.next_command(each, running=False))
    for each in statuses:
        console.out(*report.headline(each, running=running[each.id]))
    if len(statuses) == 1:
        [each] = statuses
        for line in [*report.step_lines(each), *report.tip_lines(each), *report.moved_lines(each)]:
            console.out(*line)
        console.out(*report.next_command(each, running=running[each.id]))


def _live(found: Repository, plan: str | None, since: str, *, as_json: bool) -> None:
    """One plan as somebody wants to see it who looks again and again."""
    if ids.ULID.fullmatch(since) is None:
        raise errors.UsageError(f"'{since}' is not the ID of an event", "git orch log --json")
    from git_orch.repo.local import live as attempts
    from git_orch.repo.local import runs
    from git_orch.views import live

    with here.reading(found) as database:
        status = here.status_of(found, database, plan)
    seen = live.Live(here.is_running(found, status.id))
    if seen.running:
        run = runs.last(found, status.id)
        now, said = attempts.now(found, status.id), attempts.said(found, status.id)
        goes_on = run is not None and run.goes_on()
        seen = seen._replace(
            run=run if goes_on else None, attempts=now, said=said if goes_on else ()
        )
    if as_json:
        here.print_json([live.document(status, since, seen)])
        return
    for line in live.lines(status, since, seen):
        console.out(*line)
