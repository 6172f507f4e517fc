"""Proving requirements again: their checks run on what is there now, and this machine remembers
where they passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.approval import approve, ground, required
from git_orch.flow.approval.grant import Grant
from git_orch.flow.attempt import verify
from git_orch.flow.attempt.verify import Terms
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import approval, requirements, trailers
from git_orch.plans.history.status import SATISFIED, CheckResult, Commit, Status
from git_orch.plans.plan import Check, Plan, Requirement
from git_orch.repo import tree_records
from git_orch.repo.local import proofs

ALL = "all"


class Proved(NamedTuple):
    """The results of a requirement's checks."""

    requirement: Requirement
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(result.passed for result in self.results)


class Proof(NamedTuple):
    """What the checks of requirements said of a tree."""

    tree: str
    proved: tuple[Proved, ...]


def prove(plan: OpenPlan, names: Sequence[str], terms: Terms) -> Proof:
    """Run the checks of these requirements (ALL: of each whose steps are done) where the work of the
    plan is now, and remember which passed.

    Raises NotFound for an unknown requirement and for one that is not done or has no check, Refused
    for a plan that is not approved.
    """
    status = plan.status()
    chosen = _chosen(plan, status, names)
    there = proofs.now(proofs.Sight(plan.repository, plan.objects), status)
    if there is None:
        raise errors.NotFound(f"'{plan.name}' has no branch", f"git orch show {plan.name}")
    commit = Commit(there.commit, there.tree, (), trailers.Message())
    grant = required.require_approval(plan, status)
    _require_ground(plan, status, grant, there.tree, ",".join(item.id for item in chosen))
    checks = {item.id: requirements.checks_of(status.plan, item) for item in chosen}
    asked = _in_order(status.plan, [check for named in checks.values() for check in named])
    with verify.places(plan, terms) as places:
        results = dict(zip(asked, places.results(asked, commit), strict=True))
    passed = [check for check, result in results.items() if result.passed]
    before = tree_records.read(plan.place).proofs
    new = [(approval.checks_digest((check,)), there.tree) for check in passed]
    tree_records.add(plan.place, proofs=[proof for proof in new if proof not in before])
    proved = [Proved(item, tuple(results[check] for check in checks[item.id])) for item in chosen]
    return Proof(there.tree, tuple(proved))


def _chosen(plan: OpenPlan, status: Status, names: Sequence[str]) -> list[Requirement]:
    every = {item.id: item for item in status.plan.requirements}
    if not every:
        raise errors.NotFound(f"'{plan.name}' has no requirements", f"git orch edit {plan.name}")
    done = {step.id for step in status.steps if step.state in SATISFIED}
    are_done = {
        name: all(step.id in done for step in requirements.steps_of(status.plan, item))
        for name, item in every.items()
    }
    if list(names) == [ALL] and ALL not in every:
        named = [name for name, is_done in are_done.items() if is_done]
        chosen = [every[name] for name in named if requirements.checks_of(status.plan, every[name])]
        if not chosen:
            raise errors.NotFound("no requirement is done yet", f"git orch exec {plan.name}")
        return chosen
    for name in names:
        if name not in every:
            raise errors.NotFound(f"there is no requirement '{name}'", f"git orch show {plan.name}")
        if not are_done[name]:
            raise errors.NotFound(f"the steps of {name} are not done", f"git orch exec {plan.name}")
        if not requirements.checks_of(status.plan, every[name]):
            raise errors.NotFound(f"no check proves {name}", f"git orch edit {plan.name}")
    return [every[name] for name in dict.fromkeys(names)]


def _require_ground(plan: OpenPlan, status: Status, grant: Grant, tree: str, names: str) -> None:
    """Raises Refused where checks would run beside a setup command, or without a sandbox, on a tree
    that nobody here approved. The branch that a plan of the user's own has landed on is the user's
    as well: in the sandbox a new plan would begin there without further ado.
    """
    if grant.ground.holds_on(tree) or not ground.reaches_checks(grant):
        return
    if grant.ground.unconfined:
        again = f"orch verify {plan.name} --requirement {names}"
        raise errors.Refused(
            f"'{plan.name}' gets no sandbox, and its approval does not cover what is there now",
            f"git -c orch.sandbox=auto {again}",
        )
    if status.landed is not None and approve.is_users_own(plan.place, status):
        grant.ground.extend(tree)
    ground.require_ground_for_checks(plan, status, grant, tree)


def _in_order(plan: Plan, chosen: Sequence[Check]) -> list[Check]:
    """The checks in the order of the steps, each after the command that makes what it needs."""
    asked: list[Check] = []
    for step in plan.steps:
        own = [check for check in step.checks if check in chosen and check not in asked]
        made = step.verification[: len(step.verification) - len(step.checks)] if own else ()
        asked += [*(check for check in made if check not in asked), *own]
    return asked
