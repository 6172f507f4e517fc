"""The life of a plan: its states, the only transitions between them, and the commands for these."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from git_orch.errors import NotFound, Refused
from git_orch.plans import ids
from git_orch.plans.history.status import PlanState, Status, StepStatus

_S = PlanState
TRANSITIONS: Mapping[PlanState, frozenset[PlanState]] = MappingProxyType(
    {
        _S.DRAFT: frozenset({_S.READY, _S.CREATED, _S.REJECTED}),
        _S.READY: frozenset({_S.CREATED, _S.DRAFT, _S.REJECTED}),
        _S.CREATED: frozenset({_S.VALIDATED, _S.REJECTED}),
        _S.VALIDATED: frozenset({_S.APPROVED, _S.CREATED, _S.REJECTED}),
        _S.APPROVED: frozenset({_S.EXECUTING, _S.CREATED, _S.REJECTED}),
        _S.EXECUTING: frozenset({_S.COMPLETE, _S.FAILED, _S.ROLLED_BACK}),
        _S.FAILED: frozenset({_S.EXECUTING, _S.CREATED, _S.ROLLED_BACK}),
        _S.COMPLETE: frozenset({_S.EXECUTING, _S.ROLLED_BACK}),
        _S.ROLLED_BACK: frozenset({_S.EXECUTING, _S.CREATED, _S.REJECTED}),
        _S.REJECTED: frozenset({_S.CREATED}),
    }
)

# The command line, after `git orch`, that leads to a state; {} is the plan's name.
_COMMANDS: Mapping[PlanState, str] = MappingProxyType(
    {
        _S.DRAFT: "ready {} --undo",
        _S.READY: "ready {}",
        _S.CREATED: "edit {}",
        _S.VALIDATED: "check {} --record",
        _S.APPROVED: "approve {}",
        _S.EXECUTING: "exec {}",
        _S.COMPLETE: "exec {}",
        _S.FAILED: "exec {}",
        _S.ROLLED_BACK: "rollback {}",
        _S.REJECTED: "archive {} --why TEXT",
    }
)
IDEAS = frozenset({_S.DRAFT, _S.READY})  # without steps and without a branch
BEFORE_A_RUN = frozenset({_S.CREATED, _S.VALIDATED, _S.APPROVED})


def require_steps(status: Status) -> None:
    """Raises Refused for a plan that is only an idea."""
    if status.is_idea:
        name = ids.short(status.id)
        raise Refused(f"'{name}' has no steps yet", f"git orch spec {name}")


def numbered_step(status: Status, number: int) -> StepStatus:
    """The step with this number. Raises NotFound."""
    if not 1 <= number <= len(status.steps):
        raise NotFound(
            f"there is no step {number}: the plan has {len(status.steps)}",
            f"git orch show {ids.short(status.id)}",
        )
    return status.steps[number - 1]


def can(old: PlanState, new: PlanState) -> bool:
    """Whether a plan in state `old` may become `new`. No state follows itself."""
    return new in TRANSITIONS[old]


def next_states(old: PlanState) -> list[PlanState]:
    """The states that may follow `old`, in the order of a plan's life."""
    return [new for new in PlanState if can(old, new)]


def transition(old: PlanState, new: PlanState, name: str) -> PlanState:
    """`new`, when it may follow `old`; `name` is the plan's, for the hint.

    Raises Refused, which names the states that may follow.
    """
    if can(old, new):
        return new
    if old is new:
        raise Refused(f"'{name}' is {old.value} already", f"git orch state {name}")
    choice = " or ".join(state.value for state in next_states(old))
    raise Refused(
        f"'{name}' is {old.value}: it cannot become {new.value}, only {choice}",
        command(old, new, name),
    )


def states_to_run(old: PlanState, name: str) -> list[PlanState]:
    """The states that a plan passes when a run of it begins, EXECUTING the last; none when it is
    EXECUTING already.

    Raises Refused for a plan that its user has to edit before it can run.
    """
    if old is PlanState.EXECUTING:
        return []
    states = way(old, PlanState.EXECUTING)
    if PlanState.CREATED in states:
        transition(old, PlanState.EXECUTING, name)
    return states


def states_to_edit(recorded: PlanState, now: PlanState, name: str) -> list[PlanState]:
    """The states that a plan passes when its text changes: CREATED the last, but EXECUTING for one
    that is COMPLETE. An EXECUTING plan becomes FAILED first.

    `recorded` is the state in the log, `now` the state after a look at the branch.
    """
    old = now if recorded in (PlanState.EXECUTING, PlanState.COMPLETE) else recorded
    if old in (PlanState.CREATED, PlanState.DRAFT, PlanState.READY):
        return []
    if old is PlanState.COMPLETE:
        return [PlanState.EXECUTING]
    states: list[PlanState] = []
    if old is PlanState.EXECUTING:
        old = PlanState.FAILED
        states.append(old)
    return [*states, transition(old, PlanState.CREATED, name)]


def command(old: PlanState, new: PlanState, name: str) -> str:
    """The command that leads from one state to another, or the first of several such commands."""
    states = way(old, new)
    if not states:
        return f"git orch state {name}"
    if old in IDEAS and PlanState.CREATED in states:
        return f"git orch spec {name}"
    target = states[0]
    if old in BEFORE_A_RUN and PlanState.EXECUTING in states:
        target = PlanState.EXECUTING  # which validates and approves what was made here
    elif target is PlanState.VALIDATED and PlanState.APPROVED in states:
        target = PlanState.APPROVED  # which validates as well
    if old is PlanState.COMPLETE and target is PlanState.EXECUTING:
        return f"git orch edit {name}"
    return f"git orch {_COMMANDS[target].format(name)}"


def way(old: PlanState, new: PlanState) -> list[PlanState]:
    """The shortest way from one state to another: the states after `old`, `new` the last; none
    where no way leads there.
    """
    ways: dict[PlanState, list[PlanState]] = {old: []}
    queue = [old]
    for now in queue:
        for after in next_states(now):
            if after not in ways:
                ways[after] = [*ways[now], after]
                queue.append(after)
    return ways.get(new, [])
