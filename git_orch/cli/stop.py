"""git orch stop: stop a run cleanly."""

from __future__ import annotations

import click

from git_orch.cli import here, reading
from git_orch.plans import ids
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import console, report

_SECONDS = 60.0


@click.command("stop")
@here.plan_argument
@here.timeout_option("Give up waiting for the end after S seconds (60).", _SECONDS)
@here.json_option
def command(plan: str | None, timeout: float, *, as_json: bool) -> None:
    """Stop the run of a plan as Ctrl-C would; git-orch keeps the work of its attempts."""
    from git_orch.flow.run import background
    from git_orch.repo.log import kept

    repository = here.find_repository()
    plan_id = reading.plan_id(repository, plan)
    place = PlanPlace(repository, plan_id)
    before = kept.tip(place)
    run = background.stop(place, timeout)
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan_id)
        new = kept.since(place, database, before)
    if as_json:
        kept_documents = [{"commit": entry.commit, "why": entry.why} for entry in new]
        here.print_plan(repository, status, more={"kept": kept_documents})
        return
    if run is None:
        console.out(f"nothing runs on {ids.short(plan_id)}")
    else:
        console.out(*report.headline(status, running=False))
        for entry in new:
            console.out(f"kept     {entry.commit[:10]}  {entry.why}")
    console.out(*report.next_command(status, running=False))
