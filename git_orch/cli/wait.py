"""git orch wait: until the run of a plan has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans import ids
from git_orch.plans.history import life
from git_orch.plans.history.status import PlanState
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import console, report

if TYPE_CHECKING:
    from git_orch.plans.history.status import Status
    from git_orch.repo.local.runs import Run


@click.command("wait")
@here.plan_argument
@here.timeout_option("Give up after S seconds: the run goes on, exit code 4.")
@here.json_option
def command(plan: str | None, timeout: float | None, *, as_json: bool) -> int:
    """Wait for the end of a plan's run, and exit with its exit code."""
    from git_orch.flow.run import background
    from git_orch.repo.local import runs

    repository = here.find_repository()
    plan_id = reading.plan_id(repository, plan)
    place = PlanPlace(repository, plan_id)
    run = background.wait(place, timeout)
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan_id)
    life.require_steps(status)
    if as_json:
        here.print_plan(repository, status)
    if run is None and status.state is PlanState.COMPLETE:
        if not as_json:
            console.out(f"nothing runs; {ids.short(plan_id)} is complete")
        return 0
    return conclude(status, run or runs.last(place), as_json=as_json)


def conclude(status: Status, run: Run | None, *, as_json: bool) -> int:
    """Print how a run ended; gives its exit code. Raises StepFailed for a killed run, or when there
    was none.
    """
    name = ids.short(status.id)
    if run is None:
        raise errors.StepFailed(
            f"nothing runs, and '{name}' is not complete", f"git orch exec {name}"
        )
    if run.exit_code is None:
        raise errors.StepFailed(f"the run of '{name}' was killed", f"git orch exec {name}")
    if not as_json:
        console.out(*report.headline(status, running=False))
        console.out(f"the run ended with exit code {run.exit_code}")
        console.out(*report.next_command(status, running=False))
    return run.exit_code
