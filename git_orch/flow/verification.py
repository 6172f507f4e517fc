"""Running the checks of landed steps again, and accepting commits that claim a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from git_orch import errors
from git_orch.flow import approval, checks, sites
from git_orch.flow.attempt import Site
from git_orch.flow.openplan import OpenPlan
from git_orch.plans import ids
from git_orch.plans.status import CheckResult, Status, StepState, StepStatus
from git_orch.repo import worktrees


@dataclass(frozen=True, slots=True)
class Verified:
    """The results of one step's checks on the tree its commit has now."""

    number: int
    title: str
    tree: str
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(result.passed for result in self.results)


def verify(plan: OpenPlan, steps: Sequence[int], check: int | None = None, *, record: bool = False) -> list[Verified]:
    """Run the checks of `steps` (none: of every step with a commit), or only check number `check` of each.

    The plan does not change unless `record` is set; then trees that pass count as verified.
    """
    status = plan.status()
    chosen = [_step(status, number) for number in steps] or [each for each in status.steps if each.commit is not None]
    if check is not None:
        chosen = [each for each in chosen if len(each.step.checks) >= check] or _without(check, plan)
    if not chosen:
        return []
    approval.required(plan, status)
    found = []
    with sites.for_checks(plan, status.branch.tip if status.branch is not None else "") as site:
        for each in chosen:
            found.append(_verified(plan, each, site, check))
            if record and found[-1].passed and check is None and each.commit is not None:
                tree = each.commit.tree
                plan.record((each.commit.oid, plan.event("step.verified", step=each.step.id, tree=tree)))
    return found


def _without(check: int, plan: OpenPlan) -> NoReturn:
    raise errors.NotFound(f"no step has a check {check}", f"git orch show {ids.short(plan.id)}")


def _verified(plan: OpenPlan, each: StepStatus, site: Site, check: int | None) -> Verified:
    if each.commit is None:
        raise errors.NotFound(f"step {each.number} has no commit yet", f"git orch exec {ids.short(plan.id)}")
    worktrees.point(site.worktree, each.commit.oid)
    results = []
    for number, one in enumerate(each.step.checks, start=1):
        if check in (None, number):
            path = site.output_path(plan.new_id(), f"check-{number}")
            results.append(checks.run(one, site, path, each.commit.tree))
    return Verified(each.number, each.step.title, each.commit.tree, tuple(results))


def accept(plan: OpenPlan, number: int) -> None:
    """Take a commit that claims a step as that step's; it stays unverified. Raises Refused when there is none."""
    each = _step(plan.status(), number)
    if each.state is not StepState.CLAIMED or each.commit is None:
        raise errors.Refused(
            f"no commit claims step {number} without the log knowing it: it is {each.state.value}",
            f"git orch show {ids.short(plan.id)}",
        )
    attempt = next(
        claim.attempt
        for claim in reversed(each.commit.message.claims)
        if claim.plan == plan.id and claim.step == each.step.id
    )
    plan.record(
        (each.commit.oid, plan.event("step.accepted", step=each.step.id, attempt=attempt, commit=each.commit.oid))
    )


def _step(status: Status, number: int) -> StepStatus:
    if not 1 <= number <= len(status.steps):
        raise errors.NotFound(
            f"there is no step {number}: the plan has {len(status.steps)}", f"git orch show {ids.short(status.id)}"
        )
    return status.steps[number - 1]
