"""The ground of an approval: the trees on which its grants hold.

Somebody who can push to a plan branch changes what its commands run, without a change of the plan's
text. So what reaches out of the sandbox holds on the tree that was approved, and on what approved
steps made of that on this machine. The records of this machine say which trees those are: a log
says what it likes.
"""

from __future__ import annotations

from collections.abc import Collection

from git_orch import errors
from git_orch.flow.approval.grant import Grant
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import agents, approval, ids, sentences
from git_orch.plans.approval import Approved, Grants
from git_orch.plans.history.status import Status
from git_orch.plans.plan import Step
from git_orch.repo import ask, settings, tree_records
from git_orch.repo.plan_place import PlanPlace

_SHOWN = 20  # changed files in a refusal


class Ground:
    """The trees on which the grants of an approval hold."""

    def __init__(
        self, place: PlanPlace, what: Approved, *, unconfined: bool, with_setup: bool
    ) -> None:
        self.unconfined = unconfined
        self._matters = unconfined or with_setup or what.grants.reach_out()
        self._place = place
        self._digest = approval.digest(what.document())
        records = tree_records.read(place)
        self._trees = {tree for digest, tree in records.granted if digest == self._digest}
        if what.tree is not None:
            self._trees.add(what.tree)

    def holds_on(self, tree: str) -> bool:
        """Whether the grants hold where a step starts from this tree."""
        return not self._matters or tree in self._trees

    def extend(self, tree: str, *made_of: str) -> None:
        """Let the grants hold on a tree that approved steps made of others, if they hold on all of
        those; also where nothing is granted yet, because a setup may be later. Raises NotOurs,
        UnfitRepository.
        """
        if tree not in self._trees and self._trees.issuperset(made_of):
            tree_records.add(self._place, granted=[(self._digest, tree)])
            self._trees.add(tree)


def of_approved(plan: OpenPlan, what: Approved) -> Ground:
    """The ground of an approval of this plan, by what this machine knows."""
    chosen = settings.of_user(plan.repository)
    unconfined = chosen.sandbox == "none"
    return Ground(plan.place, what, unconfined=unconfined, with_setup=chosen.setup is not None)


def reaching_steps(grant: Grant, steps: Collection[Step], *, in_place: bool) -> list[Step]:
    """Those of the steps that get something which the sandbox does not give by itself."""
    everywhere = reaches_checks(grant) or in_place
    by_agents = bool(grant.what.grants.agents)
    return [
        step
        for step in steps
        if everywhere or grant.of(step) or (by_agents and step.kind == "agent")
    ]


def require_ground(
    plan: OpenPlan,
    status: Status,
    grant: Grant,
    tree: str,
    steps: Collection[Step],
    *,
    in_place: bool = False,
) -> None:
    """Raises Refused, which shows what has changed, where one of these steps gets more than the
    sandbox gives, and would start from a tree that nobody here approved.
    """
    if not grant.ground.holds_on(tree):
        reaching = reaching_steps(grant, steps, in_place=in_place)
        if reaching:
            raise refusal(plan, status, grant, tree, reaching)


def require_ground_for_checks(plan: OpenPlan, status: Status, grant: Grant, tree: str) -> None:
    """Raises Refused where checks would run beside a setup command, or without a sandbox, on a tree
    that nobody here approved.
    """
    if not grant.ground.holds_on(tree) and reaches_checks(grant):
        raise refusal(plan, status, grant, tree, ())


def reaches_checks(grant: Grant) -> bool:
    """Whether something that the sandbox does not give runs where checks do."""
    return grant.ground.unconfined or grant.setup is not None


def refusal(
    plan: OpenPlan, status: Status, grant: Grant, tree: str, steps: Collection[Step]
) -> errors.Refused:
    """The refusal of a tree that the grants do not hold on, with what has changed."""
    name, approved = ids.short(status.id), grant.what.tree
    again = approve_again(status, grant)
    numbers = [status.plan.position(step.id) for step in steps]
    whose = sentences.steps(numbers) if numbers else f"'{name}'"
    gets = f"{whose} {sentences.verb(max(len(numbers), 1), 'gets', 'get')} {_rights(grant)}"
    if approved is None:
        return errors.Refused(
            f"{gets}, and the approval names no tree that this holds on: a run in the sandbox or an "
            "earlier version gave it",
            f"git orch show --tasks {name}; then, if it is good: {again}",
        )
    if approved not in ask.stored(plan.repository.git, [approved]):
        return errors.Refused(
            f"{gets}, and would start from another tree than the approved one, which is not here",
            f"git diff {_short(plan.repository.empty_tree)} {_short(tree)}; then, if it is good: {again}",
        )
    changed = ask.changed_lines(plan.repository.git, approved, tree)
    shown = sentences.quoted_names([file.path for file in changed], 3)
    refused = errors.Refused(
        f"{gets}, and would start from another tree than the approved one: {shown} changed since",
        f"git diff {_short(approved)} {_short(tree)}; then, if it is good: {again}",
    )
    more = [f"and {len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else []
    refused.details = (*(file.text() for file in changed[:_SHOWN]), *more)
    return refused


def approve_again(status: Status, grant: Grant) -> str:
    """The command that gives the same again, on the tree that there is now."""
    return f"git orch approve {ids.short(status.id)}{_options(status, grant.what.grants)}"


def _short(oid: str) -> str:
    return oid[:12]


def _rights(grant: Grant) -> str:
    """What is granted, in words."""
    grants = grant.what.grants
    rights = ["the network"] if grants.network else []
    rights += [f"orch.setup ('{grant.setup.command}')"] if grant.setup is not None else []
    rights += [f"'{said}'" for said in grants.agents]
    rights += ["your own checkout"] if grants.in_place else []
    rights += ["no sandbox"] if grant.ground.unconfined else []
    return " and ".join(rights)


def _options(status: Status, grants: Grants) -> str:
    """The options of `git orch approve` that give the same again."""
    numbers = ",".join(str(status.plan.position(step)) for step in grants.network)
    options = f" --network {numbers}" if numbers else ""
    if grants.setup is not None:
        options += " --setup-network" if grants.setup.network else " --setup"
    options += "".join(f" {option}" for option in agents.options(grants.agents, status.plan.steps))
    return options + (" --in-place" if grants.in_place else "")
