"""The state of a plan: a pure function of its log and of the commits on its branch.

The log is the truth about the past, the branch the truth about now: a step is done when a commit on the branch claims
it and the log has the matching event. What a user does to the branch with any git client is therefore never wrong,
only a new state.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from git_orch.plans import plan as plans
from git_orch.plans import trailers
from git_orch.plans.events import Event, Log
from git_orch.plans.plan import BadDocument, Plan, Step


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


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit on a plan branch, with what its message claims."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    message: trailers.Message


@dataclass(frozen=True, slots=True)
class Branch:
    """The commits of a plan branch from the earliest of this plan to the tip, oldest first.

    `base` is the commit below the earliest one (None: a root commit). `upstream` are steps found in the base.
    """

    tip: str
    commits: tuple[Commit, ...]
    base: str | None
    upstream: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Base:
    """Where a plan starts: `commit` is None in an unborn repository, `ref` None for a detached HEAD.

    `snapshot` says that the commit was made from uncommitted files.
    """

    commit: str | None
    ref: str | None
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """The intent to move a ref; `old` is None for a creation."""

    id: str
    clone: str
    ref: str
    old: str | None
    new: str
    why: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check ended; `seconds` is its duration, `output` a redacted end of what it printed."""

    type: str
    command: str
    exit: int
    passed: bool
    seconds: float
    output: str
    reason: str = "exited"


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a model: the usage fields verbatim and the price in USD."""

    id: str
    purpose: str
    step: str | None
    attempt: str | None
    model: str
    usage: Mapping[str, object]
    usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Attempt:
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


@dataclass(frozen=True, slots=True)
class StepStatus:
    """A step and where it stands; `commit` is the one that claims it now."""

    step: Step
    number: int
    state: StepState
    commit: Commit | None = None
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything git-orch knows about a plan."""

    id: str
    plan: Plan
    state: PlanState
    steps: tuple[StepStatus, ...]
    base: Base
    branch: Branch | None
    created: str
    origin: str
    log: Log
    attempts: tuple[Attempt, ...] = ()
    calls: tuple[Call, ...] = ()
    pending_moves: tuple[Move, ...] = ()
    last_move: Move | None = None
    known_tip: str | None = None
    open_run: str | None = None
    run_seconds: float = 0.0
    damaged: int = 0
    step_ids: frozenset[str] = frozenset()

    def satisfied(self) -> frozenset[str]:
        """Steps that others may depend on."""
        return frozenset(status.step.id for status in self.steps if status.state in SATISFIED)

    def usd(self) -> float:
        """What all model calls of this plan have cost."""
        return sum(call.usd for call in self.calls)

    def is_open(self) -> bool:
        """Whether the plan is still worked on: the plan that is meant when no ID is given."""
        return self.state not in (PlanState.COMPLETE, PlanState.REJECTED)


def fold(plan_id: str, log: Log, branch: Branch | None) -> Status | None:
    """The plan's status; None when the log holds no plan."""
    past = _Past()
    damaged = log.damaged
    for event in log.events:
        try:
            past.take(event)
        except BadDocument:
            damaged += 1
    if past.plan is None or past.created is None:
        return None
    steps = _steps(plan_id, past.plan, past, branch)
    return Status(
        id=plan_id,
        plan=past.plan,
        state=_reconciled(past.state, steps),
        steps=steps,
        base=past.base,
        branch=branch,
        created=past.created.id,
        origin=past.origin,
        log=log,
        attempts=tuple(past.attempts),
        calls=tuple(past.calls),
        pending_moves=tuple(past.moves.values()),
        last_move=past.last_move,
        known_tip=past.known_tip,
        open_run=past.open_run,
        run_seconds=past.run_seconds,
        damaged=damaged,
        step_ids=frozenset(past.step_ids),
    )


@dataclass(slots=True)
class _Past:
    """What the events say, taken one by one; the only mutable value here, and nobody else sees it."""

    plan: Plan | None = None
    created: Event | None = None
    origin: str = ""
    base: Base = field(default_factory=lambda: Base(None, None))
    state: PlanState = PlanState.CREATED
    attempts: list[Attempt] = field(default_factory=list)
    accepted: set[tuple[str, str]] = field(default_factory=set)
    verified: set[tuple[str, str]] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    moves: dict[str, Move] = field(default_factory=dict)
    intents: dict[str, Move] = field(default_factory=dict)
    last_move: Move | None = None
    known_tip: str | None = None
    open_run: str | None = None
    run_seconds: float = 0.0
    step_ids: set[str] = field(default_factory=set)
    landed_commits: dict[str, set[str]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Raises BadDocument for an event whose fields do not have the documented form."""
        taker = _TAKERS.get(event.name)
        if taker is not None:  # an event of a later version that asks for nothing is not for us
            taker(self, event)

    def created_by(self, event: Event) -> None:
        if self.created is None:
            self.plan = plans.from_document(event.body.get("plan"))
            self.created = event
            self.origin = plans.optional_text(event.body, "origin") or ""
            self.base = _base(event.body.get("base"))
            self.step_ids.update(step.id for step in self.plan.steps)

    def revised_by(self, event: Event) -> None:
        self.plan = plans.from_document(event.body.get("plan"))
        self.step_ids.update(step.id for step in self.plan.steps)
        self.state = PlanState.CREATED

    def rebased_by(self, event: Event) -> None:
        self.base = _base(event.body.get("base"))

    def state_set(self, event: Event) -> None:
        self.state = _STATE_EVENTS[event.name]

    def run_started(self, event: Event) -> None:
        self.open_run = plans.text(event.body, "run")
        self.state = PlanState.EXECUTING

    def run_ended(self, event: Event) -> None:
        self.run_seconds += _number(event.body, "seconds")
        if plans.text(event.body, "run") == self.open_run:
            self.open_run = None
        outcome = plans.text(event.body, "outcome")
        self.state = {"complete": PlanState.COMPLETE, "failed": PlanState.FAILED}.get(outcome, PlanState.EXECUTING)

    def rolled_back(self, event: Event) -> None:
        full = event.body.get("full") is True
        self.state = PlanState.ROLLED_BACK if full else PlanState.EXECUTING

    def attempt_failed(self, event: Event) -> None:
        self.attempts.append(_attempt(event, "failed"))

    def step_landed(self, event: Event) -> None:
        attempt = _attempt(event, "landed")
        self.attempts.append(attempt)
        self.accepted.add((attempt.step, attempt.id))
        if attempt.tree is not None:
            self.verified.add((attempt.step, attempt.tree))
        if attempt.commit is not None:
            self.landed_commits.setdefault(attempt.commit, set()).add(attempt.step)

    def step_accepted(self, event: Event) -> None:
        self.accepted.add((plans.text(event.body, "step"), plans.text(event.body, "attempt")))

    def step_verified(self, event: Event) -> None:
        self.verified.add((plans.text(event.body, "step"), plans.text(event.body, "tree")))

    def called(self, event: Event) -> None:
        usage = plans.mapping(event.body.get("usage", {}), "usage")
        self.calls.append(
            Call(
                id=event.id,
                purpose=plans.text(event.body, "purpose"),
                step=plans.optional_text(event.body, "step"),
                attempt=plans.optional_text(event.body, "attempt"),
                model=plans.text(event.body, "model"),
                usage=usage,
                usd=_number(event.body, "usd"),
                seconds=_number(event.body, "seconds"),
            )
        )

    def move_intended(self, event: Event) -> None:
        move = Move(
            id=event.id,
            clone=event.clone,
            ref=plans.text(event.body, "ref"),
            old=plans.optional_text(event.body, "from"),
            new=plans.text(event.body, "to"),
            why=plans.text(event.body, "why"),
        )
        self.moves[move.id] = move
        self.intents[move.id] = move

    def move_done(self, event: Event) -> None:
        move = self.moves.pop(plans.text(event.body, "move"), None)
        if move is not None:
            self.last_move = move
            self.known_tip = move.new

    def move_abandoned(self, event: Event) -> None:
        self.moves.pop(plans.text(event.body, "move"), None)

    def branch_noticed(self, event: Event) -> None:
        self.known_tip = plans.text(event.body, "now")


_STATE_EVENTS = {
    "plan.validated": PlanState.VALIDATED,
    "plan.approved": PlanState.APPROVED,
    "plan.rejected": PlanState.REJECTED,
}

_TAKERS = {
    "plan.created": _Past.created_by,
    "plan.revised": _Past.revised_by,
    "plan.rebased": _Past.rebased_by,
    **dict.fromkeys(_STATE_EVENTS, _Past.state_set),
    "plan.rolled-back": _Past.rolled_back,
    "run.started": _Past.run_started,
    "run.ended": _Past.run_ended,
    "attempt.failed": _Past.attempt_failed,
    "step.landed": _Past.step_landed,
    "step.accepted": _Past.step_accepted,
    "step.verified": _Past.step_verified,
    "model.called": _Past.called,
    "move.intended": _Past.move_intended,
    "move.done": _Past.move_done,
    "move.abandoned": _Past.move_abandoned,
    "branch.noticed": _Past.branch_noticed,
}


def _steps(plan_id: str, plan: Plan, past: _Past, branch: Branch | None) -> tuple[StepStatus, ...]:
    claimed = _claims(plan_id, past, branch)
    last = {attempt.step: attempt for attempt in past.attempts}
    by_id = {(attempt.step, attempt.id): attempt for attempt in past.attempts}
    upstream = branch.upstream if branch is not None else frozenset()
    found = []
    for number, step in enumerate(plan.steps, start=1):
        status = StepStatus(step, number, StepState.PENDING, attempt=last.get(step.id))
        claim = claimed.get(step.id)
        if claim is not None:
            commit, attempt_id, reverted = claim
            state = _claimed_state(step.id, commit, attempt_id, past)
            status = replace(
                status,
                state=StepState.REVERTED if reverted else state,
                commit=commit,
                attempt=by_id.get((step.id, attempt_id)),
            )
        elif step.id in upstream:
            status = replace(status, state=StepState.UPSTREAM)
        elif status.attempt is not None and status.attempt.outcome == "failed":
            status = replace(status, state=StepState.FAILED)
        found.append(status)
    return tuple(found)


def _claimed_state(step: str, commit: Commit, attempt: str, past: _Past) -> StepState:
    if (step, attempt) not in past.accepted:
        return StepState.CLAIMED
    return StepState.DONE if (step, commit.tree) in past.verified else StepState.UNVERIFIED


def _claims(plan_id: str, past: _Past, branch: Branch | None) -> dict[str, tuple[Commit, str, bool]]:
    """Step ID to the last commit that claims it, the attempt it names, and whether it was reverted since."""
    claimed: dict[str, tuple[Commit, str, bool]] = {}
    steps_of = {oid: set(steps) for oid, steps in past.landed_commits.items()}
    reverted_by: dict[str, set[str]] = {}
    for commit in branch.commits if branch is not None else ():
        for claim in commit.message.claims:
            if claim.plan == plan_id:
                claimed[claim.step] = (commit, claim.attempt, False)
                steps_of.setdefault(commit.oid, set()).add(claim.step)
        for target in commit.message.reverts:
            restored = reverted_by.get(target)
            steps = restored if restored is not None else steps_of.get(target, set())
            for step in steps & claimed.keys():
                claimed[step] = (*claimed[step][:2], restored is None)
            if restored is None:
                reverted_by[commit.oid] = set(steps)
            else:
                steps_of[commit.oid] = set(steps)
    return claimed


def _reconciled(state: PlanState, steps: tuple[StepStatus, ...]) -> PlanState:
    """The recorded state, corrected by what the branch says now."""
    satisfied = [status.state in SATISFIED for status in steps]
    if state is PlanState.COMPLETE and not all(satisfied):
        return PlanState.EXECUTING if any(satisfied) else PlanState.ROLLED_BACK
    worked_on = state in (PlanState.EXECUTING, PlanState.FAILED, PlanState.ROLLED_BACK)
    if worked_on and steps and all(satisfied):
        return PlanState.COMPLETE
    return state


def _attempt(event: Event, outcome: str) -> Attempt:
    body = event.body
    return Attempt(
        id=plans.text(body, "attempt"),
        step=plans.text(body, "step"),
        event=event.id,
        outcome=outcome,
        seconds=_number(body, "seconds"),
        checks=tuple(_check_result(item) for item in plans.sequence(body, "checks")),
        summary=plans.optional_text(body, "summary") or "",
        tree=plans.optional_text(body, "tree"),
        commit=plans.optional_text(body, "commit"),
        error=plans.optional_text(body, "error"),
    )


def _check_result(item: object) -> CheckResult:
    fields = plans.mapping(item, "checks")
    return CheckResult(
        type=plans.text(fields, "type"),
        command=plans.text(fields, "command"),
        exit=plans.optional_number(fields, "exit") or 0,
        passed=fields.get("passed") is True,
        seconds=_number(fields, "seconds"),
        output=plans.optional_text(fields, "output") or "",
        reason=plans.optional_text(fields, "reason") or "exited",
    )


def _base(value: object) -> Base:
    fields = plans.mapping(value, "base")
    return Base(
        commit=plans.optional_text(fields, "commit"),
        ref=plans.optional_text(fields, "ref"),
        snapshot=fields.get("snapshot") is True,
    )


def _number(fields: Mapping[str, object], name: str) -> float:
    value = fields.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadDocument(f"{name}: expected a number")
    return float(value)
