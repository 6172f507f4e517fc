"""What git-orch knows about a plan: frozen values, as `state.fold` makes them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple

from git_orch.plans import trailers
from git_orch.plans.history.events import Log
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

    `base` is the commit below the earliest one (None: a root commit). `upstream` are steps found in
    the base. `named` are commits that a revert on the branch names and that are not on it.
    """

    tip: str
    commits: tuple[Commit, ...]
    base: str | None
    upstream: frozenset[str] = frozenset()
    named: tuple[Commit, ...] = ()


class Base(NamedTuple):
    """Where a plan starts: `commit` is None in an unborn repository, `ref` None for a detached
    HEAD.

    `snapshot` says that the commit was made from uncommitted files.
    """

    commit: str | None
    ref: str | None
    snapshot: bool = False


class MoveKind(enum.Enum):
    """What a move of a ref is for, as its intent in the log says."""

    CREATE = "create"  # a plan's branch, with its cover commit
    EDIT = "edit"  # another cover commit
    LAND = "land"  # a step onto the plan's branch, or a plan onto a branch of the user's
    CHECKPOINT = "checkpoint"  # what was uncommitted in a checkout that steps work in
    ROLLBACK = "rollback"
    DROP = "drop"
    REORDER = "reorder"
    REBASE = "rebase"
    REDO = "redo"
    UNDO = "undo"  # of one of the five above
    UNARCHIVE = "unarchive"
    PICK = "pick"  # steps onto a branch of the user's
    OTHER = "other"  # of a later version


class Move(NamedTuple):
    """The intent to move a ref; `old` is None for a creation.

    `seen_before` is how often the log had seen the ref come to `new` when this was intended.
    """

    id: str
    clone: str
    ref: str
    old: str | None
    new: str
    why: str
    kind: MoveKind = MoveKind.OTHER
    seen_before: int = 0


class Landed(NamedTuple):
    """Where a plan went: `mode` is merge, rebase, squash or ff-only, or `found` for what somebody
    else merged.

    `ref` is the branch, `new` where it stood then, `tip` the tip of the plan branch that it has
    now, `commits` the commit that each step became.
    """

    mode: str
    ref: str
    new: str
    tip: str | None
    commits: Mapping[str, str]

    def branch(self) -> str:
        """The branch's name as people type it."""
        return self.ref.removeprefix("refs/heads/")


class Estimated(NamedTuple):
    """What a plan was expected to use when it was written: tokens and USD, see `cost.estimate` and
    `cost.expected`.
    """

    tokens_in: int
    tokens_out: int
    usd: float
    p50: float | None = None
    p90: float | None = None
    samples: int = 0

    def likely(self) -> float:
        """USD that people are told: what half of such plans cost less than, where that is known."""
        return self.usd if self.p50 is None else self.p50


class CheckResult(NamedTuple):
    """How one check ended; `seconds` is its duration, `output` a redacted end of what it printed.

    `since` is the time (UTC) of a receipt of this machine that stands for running it again.
    """

    type: str
    command: str
    exit: int
    passed: bool
    seconds: float
    output: str
    reason: str = "exited"
    since: str | None = None

    @property
    def cached(self) -> bool:
        """Whether it was not run, because it had passed on the same tree before."""
        return self.since is not None


class TipFailure(NamedTuple):
    """A check that fails on the tip of a plan: the step that asks for it (its ID), and its command."""

    step: str
    command: str


class TipChecked(NamedTuple):
    """The last time that all checks of a plan ran on its tip, which had this tree then."""

    tree: str
    failed: tuple[TipFailure, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return not self.failed


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
    """One try at a step. `tree` is what was verified; a failed attempt has an `error` and maybe a
    kept `commit`.
    """

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
    review: tuple[str, ...] = ()


class StepStatus(NamedTuple):
    """A step and where it stands; `commit` is the one that claims it now."""

    step: Step
    number: int
    state: StepState
    commit: Commit | None = None
    attempt: Attempt | None = None


class Archived(NamedTuple):
    """A plan that was put away by `clone`: where its branch was, and the steps that were done then."""

    clone: str
    tip: str | None
    done: frozenset[str]
    why: str = ""


class Status(NamedTuple):
    """Everything git-orch knows about a plan.

    `created` is the ID of its first event, `clone` the repository copy that wrote its text,
    `known_tip` where git-orch last saw the branch. `state` is `recorded_state` corrected by the
    branch. `accepted` holds (step, attempt) pairs that the log confirms, `verified` (step, tree)
    pairs whose checks passed. `incomplete` says that a part of the log could not be read, so that
    nothing should be concluded from what is missing; `interrupted` that a signal ended the last
    run; `merged` that the branch is gone, and its last known tip is part of the base branch.
    `first_base` is the commit that the plan was made on; `base` follows its branch.
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
    landed: Landed | None = None
    archived: Archived | None = None
    tip_checked: TipChecked | None = None

    def satisfied(self) -> frozenset[str]:
        """Steps that others may depend on."""
        return frozenset(status.step.id for status in self.steps if status.state in SATISFIED)

    def tip_failures(self) -> tuple[TipFailure, ...]:
        """The checks that are known to fail on the tip that the branch has now."""
        return tip_failures(self.branch, self.tip_checked)

    def failed_on_earlier_tip(self) -> bool:
        """Whether checks failed on a tip before this one, and did not run on what the branch has
        now.
        """
        return (
            self.tip_checked is not None and not self.tip_checked.passed and not self.tip_failures()
        )

    def usd(self) -> float:
        """What all model calls of this plan have cost."""
        return sum(call.usd for call in self.calls)

    def is_open(self) -> bool:
        """Whether the plan is still worked on: the plan that is meant when no ID is given."""
        return self.archived is None and self.state not in (PlanState.COMPLETE, PlanState.REJECTED)


def tip_failures(branch: Branch | None, checked: TipChecked | None) -> tuple[TipFailure, ...]:
    """The checks that failed on the tree that the tip of the branch has; what failed on another one
    is past.
    """
    if (
        branch is None
        or checked is None
        or not branch.commits
        or branch.commits[-1].tree != checked.tree
    ):
        return ()
    return checked.failed
