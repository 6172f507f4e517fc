"""What git-orch knows about a plan: frozen values, as `state.fold` makes them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from git_orch.plans import trailers
from git_orch.plans.events import Log
from git_orch.plans.plan import Plan, Step


class PlanState(enum.Enum):
    """The formal life of a plan."""

    DRAFT = "DRAFT"
    READY = "READY"
    CREATED = "CREATED"
    VALIDATED = "VALIDATED"
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    REJECTED = "REJECTED"


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


class StepState(enum.Enum):
    """Where a step stands now."""

    PENDING = "pending"
    FAILED = "failed"
    CLAIMED = "claimed"
    REVERTED = "reverted"
    UNVERIFIED = "unverified"
    UPSTREAM = "upstream"
    DONE = "done"


SATISFIED = frozenset({StepState.DONE, StepState.UNVERIFIED, StepState.UPSTREAM})


class Commit(NamedTuple):
    """A commit on a plan branch, with what its message claims."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    message: trailers.Message


class Branch(NamedTuple):
    """The commits of a plan branch from the earliest of this plan to the tip, oldest first.

    `base` is the commit below the earliest one (None: a root commit). `upstream` are steps found in the base. `named`
    are commits that a revert on the branch names and that are not on it.
    """

    tip: str
    commits: tuple[Commit, ...]
    base: str | None
    upstream: frozenset[str] = frozenset()
    named: tuple[Commit, ...] = ()


class Base(NamedTuple):
    """Where a plan starts: `commit` is None in an unborn repository, `ref` None for a detached HEAD.

    `snapshot` says that the commit was made from uncommitted files.
    """

    commit: str | None
    ref: str | None
    snapshot: bool = False


class Move(NamedTuple):
    """The intent to move a ref; `old` is None for a creation."""

    id: str
    clone: str
    ref: str
    old: str | None
    new: str
    why: str


class Estimated(NamedTuple):
    """What a plan was expected to use when it was written: tokens and USD."""

    tokens_in: int
    tokens_out: int
    usd: float


class CheckResult(NamedTuple):
    """How one check ended; `seconds` is its duration, `output` a redacted end of what it printed."""

    type: str
    command: str
    exit: int
    passed: bool
    seconds: float
    output: str
    reason: str = "exited"


class Call(NamedTuple):
    """One request to a model: the usage fields verbatim and the price in USD."""

    id: str
    purpose: str
    step: str | None
    attempt: str | None
    model: str
    usage: Mapping[str, object]
    usd: float
    seconds: float


class Attempt(NamedTuple):
    """One try at a step. `tree` is what was verified; a failed attempt has an `error` and maybe a kept `commit`."""

    id: str
    step: str
    event: str
    outcome: str
    seconds: float
    checks: tuple[CheckResult, ...] = ()
    summary: str = ""
    tree: str | None = None
    commit: str | None = None
    error: str | None = None
    changed: tuple[str, ...] = ()


class StepStatus(NamedTuple):
    """A step and where it stands; `commit` is the one that claims it now."""

    step: Step
    number: int
    state: StepState
    commit: Commit | None = None
    attempt: Attempt | None = None


class Status(NamedTuple):
    """Everything git-orch knows about a plan.

    `created` is the ID of its first event, `clone` the repository copy that wrote its text, `known_tip` where git-orch
    last saw the branch. `state` is `recorded_state` corrected by the branch. `accepted` holds (step, attempt) pairs
    that the log confirms, `verified` (step, tree) pairs whose checks passed. `incomplete` says that a part of the log
    could not be read, so that nothing should be concluded from what is missing; `interrupted` that a signal ended the
    last run; `merged` that the branch is gone, and its last known tip is part of the base branch. `first_base` is the
    commit that the plan was made on; `base` follows its branch.
    """

    id: str
    plan: Plan
    state: PlanState
    steps: tuple[StepStatus, ...]
    base: Base
    branch: Branch | None
    created: str
    origin: str
    log: Log
    clone: str
    recorded_state: PlanState
    attempts: tuple[Attempt, ...] = ()
    accepted: frozenset[tuple[str, str]] = frozenset()
    verified: frozenset[tuple[str, str]] = frozenset()
    calls: tuple[Call, ...] = ()
    pending_moves: tuple[Move, ...] = ()
    last_move: Move | None = None
    known_tip: str | None = None
    estimate: Estimated | None = None
    open_run: str | None = None
    run_seconds: float = 0.0
    damaged: int = 0
    incomplete: bool = False
    interrupted: bool = False
    merged: bool = False
    step_ids: frozenset[str] = frozenset()
    first_base: str | None = None

    def satisfied(self) -> frozenset[str]:
        """Steps that others may depend on."""
        return frozenset(status.step.id for status in self.steps if status.state in SATISFIED)

    def usd(self) -> float:
        """What all model calls of this plan have cost."""
        return sum(call.usd for call in self.calls)

    def is_open(self) -> bool:
        """Whether the plan is still worked on: the plan that is meant when no ID is given."""
        return self.state not in (PlanState.COMPLETE, PlanState.REJECTED)
