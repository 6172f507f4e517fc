"""The grant of an approval."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from git_orch import errors
from git_orch.plans import ids, sentences
from git_orch.plans.approval import Approved, Setup
from git_orch.plans.history.status import PlanState, Status
from git_orch.plans.hosts import Network
from git_orch.plans.plan import Plan, Step


class Trees(Protocol):
    """The trees on which grants hold, see `ground.Ground`; `unconfined` says that no sandbox is
    between a step and the machine.
    """

    unconfined: bool

    def holds_on(self, tree: str) -> bool:
        """Whether the grants hold where a step starts from this tree."""
        ...

    def extend(self, tree: str, *made_of: str) -> None:
        """Let the grants hold on a tree that approved steps made of others."""
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """The approved content, the trees that its grants hold on, and the USD that it may cost (0: no
    limit). `setup` is the user's setup command, approved with the plan or for the repository.
    """

    what: Approved
    ground: Trees = field(compare=False)
    max_usd: float = 0.0
    setup: Setup | None = None

    def of(self, step: Step) -> Network:
        """The network that the step gets: what it asks for, if the approval grants it."""
        return step.network if step.id in self.what.grants.network else False


def extent(plan: Plan) -> str:
    """The size of a plan in words: 3 steps (1 command), 4 checks, 1 review."""
    commands = sum(1 for step in plan.steps if step.command is not None)
    checks = sum(len(step.checks) for step in plan.steps)
    within = f" ({sentences.count(commands, 'command')})" if commands else ""
    sizes = [
        f"{sentences.count(len(plan.steps), 'step')}{within}",
        sentences.count(checks, "check"),
    ]
    reviews = sum(len(step.reviews) for step in plan.steps)
    return ", ".join([*sizes, *([sentences.count(reviews, "review")] if reviews else [])])


def refuse_rejected(status: Status) -> None:
    """Raises Refused for a plan that somebody rejected; says why, if they did."""
    if status.recorded_state is not PlanState.REJECTED:
        return
    last = next(
        (event for event in reversed(status.log.events) if event.name == "plan.rejected"), None
    )
    why = last.body.get("why") if last is not None else None
    reason = f": {why}" if isinstance(why, str) and why else ""
    name = ids.short(status.id)
    raise errors.Refused(f"'{name}' was rejected{reason}", f"git orch edit {name} --from FILE")
