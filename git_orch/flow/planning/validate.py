"""Fitness of a plan for this machine: the findings that `git orch check` prints and for which exec
refuses.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from git_orch import errors
from git_orch.flow.machine import command_policy, shares
from git_orch.flow.machine import machine as surroundings
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import ids, sentences
from git_orch.plans.file import findings
from git_orch.plans.file.findings import Finding
from git_orch.plans.history import life
from git_orch.plans.history.events import Log
from git_orch.plans.history.status import PlanState, Status
from git_orch.plans.money import cost
from git_orch.plans.plan import Plan
from git_orch.repo import settings
from git_orch.repo.local import layers
from git_orch.repo.repository import Repository
from git_orch.sandbox.shares import dependencies
from git_orch.sandbox.walls import environment


def command_finder(repository: Repository) -> Callable[[str], bool]:
    """A function that tells whether a command is on the PATH that steps have: outside of the user's
    tree, shared with them, or made by their setup command.
    """
    source = environment.without_own_programs(os.environ, repository.places)
    outside = environment.outside(source.get("PATH", ""), repository.top)
    made = _programs_of_layers(repository)
    path = os.pathsep.join((*_shared_programs(repository), *(made or ()), *outside))
    return lambda name: made is None or environment.program(name, path) is not None


def _programs_of_layers(repository: Repository) -> tuple[str, ...] | None:
    """The directories with programs that the user's setup command made; None where it has made
    nothing yet, and nobody knows.
    """
    if settings.of_user(repository).setup is None:
        return ()
    every = layers.every(repository)
    if not every:
        return None
    places = [(layer.files, place) for layer in every for place in layer.places]
    made = [dependencies.of_layer(str(files), place) for files, place in places]
    return tuple(
        os.path.join(share.source, name)
        for share in made
        if share is not None
        for name in share.programs
    )


def _shared_programs(repository: Repository) -> tuple[str, ...]:
    return shares.of(repository, settings.of_user(repository)).programs


def findings_of(
    repository: Repository,
    status: Status,
    *,
    max_usd: float | None = None,
    only_errors: bool = False,
) -> list[Finding]:
    """The findings about a plan; `max_usd` is what it may cost in all (None and 0: no limit).

    `only_errors` leaves out the searches that can only warn.
    """
    problems = findings_of_plan(repository, status.plan, only_errors=only_errors)
    over = (
        cost.over_budget(status.estimate, max_usd)
        if status.estimate is not None and max_usd
        else None
    )
    problems += [] if over is None else [over]
    if only_errors:
        return [problem for problem in problems if problem.level == "error"]
    return [*problems, *_dates(status.log, time.time_ns() // 1_000_000)]


def findings_of_plan(
    repository: Repository, plan: Plan, *, only_errors: bool = False
) -> list[Finding]:
    """The findings about the plan itself, whatever became of it; `only_errors` leaves out the
    searches that can only warn.
    """
    problems = findings.check(plan, command_finder(repository))
    if only_errors:
        return problems
    shared = (*_shared_programs(repository), *(_programs_of_layers(repository) or ()))
    machine = surroundings.find_present(repository.common_dir, repository.top, shared)
    return [*problems, *command_policy.denials(plan, machine)]


def _dates(log: Log, now_ms: int) -> list[Finding]:
    """A finding about the events of a log that are dated more than a day ahead of the clock."""
    ahead = log.dated_ahead(now_ms)
    if not ahead:
        return []
    message = (
        f"{sentences.count(len(ahead), 'event')} of {len(log.events)} dated more than a day ahead of "
        "the clock: it was ahead when they were written, or is behind now"
    )
    fix = "set the clock if it is wrong; whatever it says, new events count after these"
    return [Finding("dated-ahead", "log", message, fix, "warning")]


def refuse_invalid(repository: Repository, status: Status) -> None:
    """Raises StepFailed, with all errors as details, when a plan with steps left is not fit to run."""
    if all(step.id in status.satisfied_steps() for step in status.plan.steps):
        return
    problems = findings_of(repository, status, only_errors=True)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        refused = errors.StepFailed(
            f"the plan cannot run: {problems[0].text()}{more}",
            f"git orch check {ids.short(status.id)}",
        )
        refused.details = tuple(f"{problem.text()}; {problem.fix}" for problem in problems[1:])
        raise refused


def mark_validated(plan: OpenPlan, *, max_usd: float | None = None) -> list[Finding]:
    """Make a CREATED plan without errors VALIDATED; gives all findings."""
    status = plan.status()
    problems = findings_of(plan.repository, status, max_usd=max_usd)
    fit = all(problem.level != "error" for problem in problems)
    if fit and life.can(status.recorded_state, PlanState.VALIDATED):
        plan.record((plan.home, plan.event("plan.validated")))
    return problems
