"""The state of a plan: a pure function of its log and of the commits on its branch.

The log is the truth about the past, the branch the truth about now: a step is done when a commit on the branch claims
it and the log has the matching event. What a user does to the branch with any git client is therefore never wrong,
only a new state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from git_orch.plans import plan as plans
from git_orch.plans.events import Event, Log
from git_orch.plans.plan import BadDocument, Plan
from git_orch.plans.status import (
    SATISFIED,
    TRANSITIONS,
    Attempt,
    Base,
    Branch,
    Call,
    CheckResult,
    Commit,
    Estimated,
    Move,
    PlanState,
    Status,
    StepState,
    StepStatus,
)
from git_orch.plans.trailers import Message

_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NO_MESSAGE = Message()
_LARGEST = 1e15  # seconds or USD; beyond it a number in a log is damage


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
    status = Status(
        id=plan_id,
        plan=past.plan,
        state=past.state,
        steps=(),
        base=past.base,
        branch=None,
        created=past.created.id,
        origin=past.origin,
        log=log,
        clone=past.written_by,
        recorded_state=past.state,
        attempts=tuple(past.attempts),
        accepted=frozenset(past.accepted),
        verified=frozenset(past.verified),
        calls=tuple(past.calls),
        pending_moves=tuple(past.moves.values()),
        last_move=past.last_move,
        known_tip=past.known_tip,
        estimate=past.estimate,
        open_run=past.open_run,
        run_seconds=past.run_seconds,
        damaged=damaged,
        step_ids=frozenset(past.step_ids),
    )
    return on_branch(status, branch)


def on_branch(status: Status, branch: Branch | None) -> Status:
    """The same past seen with other commits on the branch."""
    steps = _steps(status, branch)
    return status._replace(branch=branch, steps=steps, state=_reconciled(status.recorded_state, steps))


@dataclass(slots=True)
class _Past:
    """What the events say, taken one by one; the only mutable value here, and nobody else sees it."""

    plan: Plan | None = None
    created: Event | None = None
    written_by: str = ""
    origin: str = ""
    base: Base = field(default_factory=lambda: Base(None, None))
    state: PlanState = PlanState.CREATED
    attempts: list[Attempt] = field(default_factory=list)
    accepted: set[tuple[str, str]] = field(default_factory=set)
    verified: set[tuple[str, str]] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    moves: dict[str, Move] = field(default_factory=dict)
    last_move: Move | None = None
    known_tip: str | None = None
    estimate: Estimated | None = None
    open_run: str | None = None
    run_seconds: float = 0.0
    step_ids: set[str] = field(default_factory=set)

    def take(self, event: Event) -> None:
        """Raises BadDocument for an event whose fields do not have the documented form."""
        taker = _TAKERS.get(event.name)
        if taker is not None:  # an event of a later version that asks for nothing is not for us
            taker(self, event)

    def created_by(self, event: Event) -> None:
        if self.created is None:
            origin, base = plans.optional_text(event.body, "origin") or "", _base(event.body.get("base"))
            self._described_by(event)
            self.created, self.origin, self.base = event, origin, base

    def revised_by(self, event: Event) -> None:
        self._described_by(event)
        self.state = PlanState.CREATED

    def _described_by(self, event: Event) -> None:
        """All of the event's text or, where one part of it is damaged, none."""
        described, estimate = plans.from_document(event.body.get("plan")), _estimated(event.body.get("estimate"))
        self.plan, self.estimate, self.written_by = described, estimate, event.clone
        self.step_ids.update(step.id for step in described.steps)

    def rebased_by(self, event: Event) -> None:
        self.base = _base(event.body.get("base"))

    def state_set(self, event: Event) -> None:
        wanted = _STATE_EVENTS[event.name]
        if wanted in TRANSITIONS[self.state]:  # another clone may have approved what is executed already
            self.state = wanted

    def run_started(self, event: Event) -> None:
        self.open_run = plans.text(event.body, "run")
        self.state = PlanState.EXECUTING

    def run_ended(self, event: Event) -> None:
        run, outcome = plans.text(event.body, "run"), plans.text(event.body, "outcome")
        self.run_seconds += _number(event.body, "seconds")
        if run == self.open_run:
            self.open_run = None
        self.state = {"complete": PlanState.COMPLETE, "failed": PlanState.FAILED}.get(outcome, PlanState.EXECUTING)

    def restored(self, _event: Event) -> None:
        self.state = PlanState.EXECUTING

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

    def step_accepted(self, event: Event) -> None:
        self.accepted.add((plans.text(event.body, "step"), plans.text(event.body, "attempt")))

    def step_verified(self, event: Event) -> None:
        self.verified.add((plans.text(event.body, "step"), _oid(event.body, "tree")))

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
            old=_optional_oid(event.body, "from"),
            new=_oid(event.body, "to"),
            why=plans.text(event.body, "why"),
        )
        self.moves[move.id] = move

    def move_done(self, event: Event) -> None:
        move = self.moves.pop(plans.text(event.body, "move"), None)
        if move is not None:
            self.last_move = move
            self.known_tip = move.new

    def move_abandoned(self, event: Event) -> None:
        self.moves.pop(plans.text(event.body, "move"), None)

    def branch_noticed(self, event: Event) -> None:
        self.known_tip = _oid(event.body, "now")


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
    "plan.restored": _Past.restored,
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


def _steps(status: Status, branch: Branch | None) -> tuple[StepStatus, ...]:
    claimed = _claims(status, branch)
    last = {attempt.step: attempt for attempt in status.attempts}
    by_id = {(attempt.step, attempt.id): attempt for attempt in status.attempts}
    upstream = branch.upstream if branch is not None else frozenset()
    found = []
    for number, step in enumerate(status.plan.steps, start=1):
        now = StepStatus(step, number, StepState.PENDING, attempt=last.get(step.id))
        claim = claimed.get(step.id)
        if claim is not None:
            known = by_id.get((step.id, claim.attempt))
            now = now._replace(state=_claimed_state(status, step.id, claim), commit=claim.commit, attempt=known)
        elif step.id in upstream:
            now = now._replace(state=StepState.UPSTREAM)
        elif now.attempt is not None and now.attempt.outcome == "failed":
            now = now._replace(state=StepState.FAILED)
        found.append(now)
    return tuple(found)


class _Claimed(NamedTuple):
    """The last commit on the branch that claims a step, and whether it was reverted since."""

    commit: Commit
    attempt: str
    reverted: bool = False


def _claimed_state(status: Status, step: str, claim: _Claimed) -> StepState:
    if claim.reverted:
        return StepState.REVERTED
    if (step, claim.attempt) not in status.accepted:
        return StepState.CLAIMED
    return StepState.DONE if (step, claim.commit.tree) in status.verified else StepState.UNVERIFIED


def _claims(status: Status, branch: Branch | None) -> dict[str, _Claimed]:
    if branch is None:
        return {}
    landed = {
        attempt.commit: (attempt.step, attempt.id)
        for attempt in status.attempts
        if attempt.outcome == "landed" and attempt.commit is not None
    }
    undone = _Undone(landed, {commit.oid: commit.message for commit in branch.named})
    claimed: dict[str, _Claimed] = {}
    for commit in reversed(branch.commits):  # what reverts a commit stands above it
        reverted = undone.has(commit)
        for claim in reversed(commit.message.claims):
            if claim.plan == status.id and claim.step not in claimed:
                gone = reverted or (claim.step, claim.attempt) in undone.attempts
                claimed[claim.step] = _Claimed(commit, claim.attempt, gone)
        if not reverted:
            undone.by(commit)
    return claimed


@dataclass(slots=True)
class _Undone:
    """What the commits above say is reverted: by ID and, since an amend or a rebase changes IDs, by what it was.

    `landed` gives step and attempt of a commit as it landed; `named` holds messages of commits that a revert names and
    that are not on the branch any more.
    """

    landed: Mapping[str, tuple[str, str]]
    named: Mapping[str, Message]
    commits: set[str] = field(default_factory=set)
    attempts: set[tuple[str, str]] = field(default_factory=set)
    reverts: list[tuple[str, ...]] = field(default_factory=list)

    def has(self, commit: Commit) -> bool:
        if commit.oid in self.commits:
            return True
        if commit.message.reverts and commit.message.reverts in self.reverts:
            self.reverts.remove(commit.message.reverts)  # a revert with another ID since a rebase
            return True
        return False

    def by(self, commit: Commit) -> None:
        for target in commit.message.reverts:
            self.commits.add(target)
            message = self.named.get(target, _NO_MESSAGE)
            self.attempts.update((claim.step, claim.attempt) for claim in message.claims)
            if target in self.landed:
                self.attempts.add(self.landed[target])
            if message.reverts:
                self.reverts.append(message.reverts)


def standing(plan_id: str, commits: Iterable[Commit]) -> tuple[frozenset[str], frozenset[str]]:
    """Of commits, newest first: the steps that they claim and did not revert, and the commits that they reverted."""
    undone = _Undone({}, {})
    steps: set[str] = set()
    for commit in commits:
        if undone.has(commit):
            continue
        steps.update(claim.step for claim in commit.message.claims if claim.plan == plan_id)
        undone.by(commit)
    return frozenset(steps), frozenset(undone.commits)


def _reconciled(state: PlanState, steps: tuple[StepStatus, ...]) -> PlanState:
    """The recorded state, corrected by what the branch says now."""
    satisfied = [status.state in SATISFIED for status in steps]
    if state is PlanState.COMPLETE and not all(satisfied):
        return PlanState.EXECUTING if any(satisfied) else PlanState.ROLLED_BACK
    if state is PlanState.ROLLED_BACK and any(satisfied):
        state = PlanState.EXECUTING
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
        tree=_optional_oid(body, "tree"),
        commit=_optional_oid(body, "commit"),
        error=plans.optional_text(body, "error"),
        changed=plans.texts(body, "changed"),
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
        commit=_optional_oid(fields, "commit"),
        ref=plans.optional_text(fields, "ref"),
        snapshot=fields.get("snapshot") is True,
    )


def _estimated(value: object) -> Estimated | None:
    if value is None:
        return None
    fields = plans.mapping(value, "estimate")
    return Estimated(
        plans.optional_number(fields, "tokens_in") or 0,
        plans.optional_number(fields, "tokens_out") or 0,
        _number(fields, "usd"),
    )


def _number(fields: Mapping[str, object], name: str) -> float:
    value = fields.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadDocument(f"{name}: expected a number")
    if not -_LARGEST < value < _LARGEST:  # also what JSON calls NaN and Infinity, and integers no float can hold
        raise BadDocument(f"{name}: the number is out of range")
    return float(value)


def _oid(fields: Mapping[str, object], name: str) -> str:
    """An object ID: what is handed to git must not be an option or two lines."""
    value = plans.text(fields, name)
    if not _OID.fullmatch(value):
        raise BadDocument(f"{name}: expected an object ID")
    return value


def _optional_oid(fields: Mapping[str, object], name: str) -> str | None:
    return None if fields.get(name) is None else _oid(fields, name)
