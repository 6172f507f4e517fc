"""The life of a plan: which state may follow which, and the command that leads there. Nothing else
is a transition.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from git_orch.errors import Refused
from git_orch.plans.history.status import PlanState

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

# What is typed to get to a state, after `git orch` and before the plan's name, and what stands
# after the name.
_COMMANDS: Mapping[PlanState, tuple[str, str]] = MappingProxyType(
    {
        _S.DRAFT: ("edit", ""),
        _S.READY: ("edit", ""),
        _S.CREATED: ("edit", ""),
        _S.VALIDATED: ("check", " --record"),
        _S.APPROVED: ("approve", ""),
        _S.EXECUTING: ("exec", ""),
        _S.COMPLETE: ("exec", ""),
        _S.FAILED: ("exec", ""),
        _S.ROLLED_BACK: ("rollback", ""),
        _S.REJECTED: ("reject", " --why TEXT"),
    }
)
_BEFORE_A_RUN = frozenset({_S.CREATED, _S.VALIDATED, _S.APPROVED})


def can(old: PlanState, new: PlanState) -> bool:
    """Whether a plan in state `old` may become `new`. No state follows itself: staying is no
    transition.
    """
    return new in TRANSITIONS[old]


def possible(old: PlanState) -> list[PlanState]:
    """The states that may follow, in the order of a plan's life."""
    return [new for new in PlanState if can(old, new)]


def moved(old: PlanState, new: PlanState, name: str) -> PlanState:
    """`new`, when it may follow `old`; `name` is the plan's, for the hint.

    Raises Refused, which says what is possible instead.
    """
    if can(old, new):
        return new
    if old is new:
        raise Refused(f"'{name}' is {old.value} already", f"git orch state {name}")
    named = " or ".join(each.value for each in possible(old))
    raise Refused(
        f"'{name}' is {old.value}: it can become {named}, not {new.value}", command(old, new, name)
    )


def begun(old: PlanState, name: str) -> list[PlanState]:
    """The states a plan passes when a run of it begins, EXECUTING the last; none when it is
    EXECUTING already.

    Raises Refused for a plan that has to be edited before it can run.
    """
    if old is PlanState.EXECUTING:
        return []
    states = way(old, PlanState.EXECUTING)
    if PlanState.CREATED in states:
        moved(old, PlanState.EXECUTING, name)
    return states


def edited(recorded: PlanState, now: PlanState, name: str) -> list[PlanState]:
    """The states a plan passes when its text is changed, CREATED the last: what is EXECUTING counts
    as FAILED first.

    `recorded` is what the log says, `now` that corrected by the branch. Raises Refused for a plan
    that is COMPLETE.
    """
    old = now if recorded in (PlanState.EXECUTING, PlanState.COMPLETE) else recorded
    if old in (PlanState.CREATED, PlanState.DRAFT, PlanState.READY):
        return []
    stopped = [PlanState.FAILED] if old is PlanState.EXECUTING else []
    return [*stopped, moved(PlanState.FAILED if stopped else old, PlanState.CREATED, name)]


def command(old: PlanState, new: PlanState, name: str) -> str:
    """What to type to come from one state to another, or the first of several commands when one
    does not get there.
    """
    states = way(old, new)
    if not states:
        return f"git orch state {name}"
    target = states[0]
    if old in _BEFORE_A_RUN and PlanState.EXECUTING in states:
        target = PlanState.EXECUTING  # which validates and approves what was made here
    elif target is PlanState.VALIDATED and PlanState.APPROVED in states:
        target = PlanState.APPROVED  # which validates as well
    if old is PlanState.COMPLETE and target is PlanState.EXECUTING:
        return f"git orch rollback {name} --to-step N"
    verb, rest = _COMMANDS[target]
    return f"git orch {verb} {name}{rest}"


def way(old: PlanState, new: PlanState) -> list[PlanState]:
    """The fewest states that lead from one to another, the last being `new`; none where no way
    leads there.
    """
    found: dict[PlanState, list[PlanState]] = {old: []}
    asked = [old]
    for now in asked:
        for after in possible(now):
            if after not in found:
                found[after] = [*found[now], after]
                asked.append(after)
    return found.get(new, [])
