"""Whether a plan is fit to run on this machine: what `git orch check` prints, and what exec refuses
to begin with.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from git_orch import errors
from git_orch.flow.machine import command_policy
from git_orch.flow.machine import machine as surroundings
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import ids
from git_orch.plans.file import findings
from git_orch.plans.file.findings import Finding
from git_orch.plans.history import life
from git_orch.plans.history.status import PlanState, Status
from git_orch.plans.money import cost
from git_orch.repo.repository import Repository
from git_orch.sandbox.walls import environment


def available(repository: Repository) -> Callable[[str], bool]:
    """Whether a command is on PATH, outside of the user's tree."""
    path = os.pathsep.join(environment.outside(os.environ.get("PATH", ""), repository.top))
    return lambda name: environment.program(name, path) is not None


def findings_of(
    repository: Repository,
    status: Status,
    *,
    max_usd: float | None = None,
    only_errors: bool = False,
) -> list[Finding]:
    """What is wrong with a plan; `max_usd` is what it may cost in all (None and 0: whatever it
    does).

    With `only_errors` what can only be a warning is not looked for.
    """
    found = findings.check(status.plan, available(repository))
    over = (
        cost.over_budget(status.estimate, max_usd)
        if status.estimate is not None and max_usd
        else None
    )
    found += [] if over is None else [over]
    if only_errors:
        return [each for each in found if each.level == "error"]
    machine = surroundings.present(repository.common_dir, repository.top)
    return [*found, *command_policy.denied(status.plan, machine)]


def refuse_invalid(repository: Repository, status: Status) -> None:
    """Raises StepFailed, with all errors as details, before a step of an invalid plan is run.

    A plan whose steps are all done needs nothing any more.
    """
    if all(step.id in status.satisfied() for step in status.plan.steps):
        return
    found = findings_of(repository, status, only_errors=True)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        refused = errors.StepFailed(
            f"the plan cannot run: {found[0].text()}{more}",
            f"git orch check {ids.short(status.id)}",
        )
        refused.details = tuple(f"{each.text()}; {each.fix}" for each in found[1:])
        raise refused


def record(plan: OpenPlan, *, max_usd: float | None = None) -> list[Finding]:
    """Make a plan without errors VALIDATED, if it is CREATED; one that has errors stays what it is."""
    status = plan.status()
    found = findings_of(plan.repository, status, max_usd=max_usd)
    fit = all(each.level != "error" for each in found)
    if fit and life.can(status.recorded_state, PlanState.VALIDATED):
        plan.record((plan.home, plan.event("plan.validated")))
    return found
