"""git orch stop: end the run of a plan in order."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.plans import ids
from git_orch.views import console, documents, report

_SECONDS = 60.0


@click.command("stop")
@here.plan_argument
@here.timeout_option("Give up waiting for its end after S seconds (60).", _SECONDS)
@here.json_option
def command(plan: str | None, timeout: float, *, as_json: bool) -> None:
    """End the run of a plan as Ctrl-C would: what its attempts made is kept."""
    from git_orch.flow.run import background
    from git_orch.repo.log import kept

    found = here.repository()
    plan_id = here.plan_id(found, plan)
    before = kept.tip(found, plan_id)
    run = background.stop(found, plan_id, timeout)
    with here.reading(found) as database:
        status = here.status_of(found, database, plan_id)
        new = kept.since(found, database, plan_id, before)
    if as_json:
        told = [{"commit": each.commit, "why": each.why} for each in new]
        here.print_json({**documents.document(status, running=False), "kept": told})
        return
    if run is None:
        console.out(f"nothing runs on {ids.short(plan_id)}")
    else:
        console.out(*report.headline(status, running=False))
        for each in new:
            console.out(f"kept     {each.commit[:10]}  {each.why}")
    console.out(*report.next_command(status, running=False))
