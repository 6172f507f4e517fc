"""git orch check: find mistakes that would make a plan fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.flow.branch import opening
from git_orch.plans import approval, hosts, ids
from git_orch.plans.history import life
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.plans.file.findings import Finding
    from git_orch.plans.history.status import Status


@click.command("check")
@here.plan_argument
@click.option("--deps", is_flag=True, help="Print only the missing commands, one a line.")
@here.budget_option
@click.option("--record", is_flag=True, help="Record that a plan without errors is VALIDATED.")
@here.json_option
def command(
    plan: str | None, max_usd: float | None, *, deps: bool, record: bool, as_json: bool
) -> int:
    """Print findings about a plan: missing commands, code without a check, and other mistakes that
    would make it fail. The exit code is 1 when one of them is an error.
    """
    if deps and (record or max_usd is not None):
        raise errors.UsageError("--deps stands alone", "git orch check --deps")
    from git_orch.flow.planning import validate

    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    life.require_steps(status)
    if deps:
        return _print_missing(repository, status, as_json=as_json)
    if record:
        listed, state = _record(PlanPlace(repository, status.id), max_usd)
    else:
        listed, state = validate.findings_of(repository, status, max_usd=max_usd), None
    if as_json:
        here.print_json([finding._asdict() for finding in listed])
    here.print_findings(listed)
    if not as_json:
        if not listed:
            console.out("no findings")
        for step in approval.network_steps(status.plan):
            number = status.plan.position(step.id)
            console.out(f"step {number} {hosts.asking(step.network)}, which an approval gives")
        if state is not None:
            console.out(f"{ids.short(status.id)} {state}")
    return 1 if any(finding.level == "error" for finding in listed) else 0


def _record(place: PlanPlace, max_usd: float | None) -> tuple[list[Finding], str]:
    """The findings and the state after them."""
    from git_orch.flow.planning import validate
    from git_orch.views.progress import ConsoleReporter

    with opening.open_for_writing(place, ConsoleReporter()) as opened:
        return validate.mark_validated(opened, max_usd=max_usd), opened.status().state.value


def _print_missing(repository: Repository, status: Status, *, as_json: bool) -> int:
    from git_orch.flow.planning import validate
    from git_orch.plans.file import findings

    missing = findings.unavailable_dependencies(status.plan, validate.command_finder(repository))
    if as_json:
        here.print_json(missing)
    for name in missing if not as_json else ():
        console.out(name)
    return 1 if missing else 0
