"""The state of a plan: a pure function of its log and of the commits on its branch.

The log is the truth about the past, the branch the truth about now: a step is done when a commit on
the branch claims it and the log has the matching event. What a user does to the branch with any git
client is therefore never wrong, only a new state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from git_orch.plans.document import BadDocument
from git_orch.plans.history.events import Log
from git_orch.plans.history.replay import Past
from git_orch.plans.history.status import (
    SATISFIED,
    Branch,
    Commit,
    PlanState,
    Status,
    StepState,
    StepStatus,
    tip_failures,
)
from git_orch.plans.trailers import Message

_NO_MESSAGE = Message()


def fold(plan_id: str, log: Log, branch: Branch | None) -> Status | None:
    """The plan's status; None when the log holds no plan."""
    past = Past(f"refs/heads/orch/{plan_id}")
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
        first_base=past.first_base,
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
        interrupted=past.interrupted,
        damaged=damaged,
        step_ids=frozenset(past.step_ids),
        landed=past.landed,
        archived=past.archived,
        tip_checked=past.tip_checked,
    )
    return on_branch(status, branch)


def on_branch(status: Status, branch: Branch | None) -> Status:
    """The same past seen with other commits on the branch."""
    steps = _steps(status, branch)
    fails = bool(tip_failures(branch, status.tip_checked))
    return status._replace(
        branch=branch, steps=steps, state=_reconciled(status.recorded_state, steps, fails=fails)
    )


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
            now = now._replace(
                state=_claimed_state(status, step.id, claim), commit=claim.commit, attempt=known
            )
        elif branch is None and status.archived is not None and step.id in status.archived.done:
            now = now._replace(
                state=StepState.DONE
            )  # its commits are not here: the log says what it was
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
    known = (*(commit.oid for commit in branch.commits), *landed)
    undone = _Undone(landed, {commit.oid: commit.message for commit in branch.named}, known)
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
    """What the commits above say is reverted: by ID and, since an amend or a rebase changes IDs, by
    what it was.

    `landed` gives step and attempt of a commit as it landed; `named` holds messages of commits that
    a revert names and that are not on the branch any more. A revert may name a commit by the first
    digits of one of the `known` IDs.
    """

    landed: Mapping[str, tuple[str, str]]
    named: Mapping[str, Message]
    known: tuple[str, ...] = ()
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
        for name in commit.message.reverts:
            target = next((oid for oid in self.known if oid.startswith(name)), name)
            self.commits.add(target)
            message = self.named.get(name, _NO_MESSAGE)
            self.attempts.update((claim.step, claim.attempt) for claim in message.claims)
            if target in self.landed:
                self.attempts.add(self.landed[target])
            if message.reverts:
                self.reverts.append(message.reverts)


def standing(plan_id: str, commits: Iterable[Commit]) -> tuple[dict[str, str], frozenset[str]]:
    """Of commits, newest first: the steps that they claim and did not revert, each with the newest
    commit that claims it, and the commits that they reverted.
    """
    listed = tuple(commits)
    undone = _Undone({}, {}, tuple(commit.oid for commit in listed))
    steps: dict[str, str] = {}
    for commit in listed:
        if undone.has(commit):
            continue
        for claim in commit.message.claims:
            if claim.plan == plan_id:
                steps.setdefault(claim.step, commit.oid)
        undone.by(commit)
    return steps, frozenset(undone.commits)


def _reconciled(state: PlanState, steps: tuple[StepStatus, ...], *, fails: bool) -> PlanState:
    """The recorded state, corrected by what the branch says now; `fails` says that a check fails on
    its tip.
    """
    satisfied = [status.state in SATISFIED for status in steps]
    if state is PlanState.COMPLETE and not all(satisfied):
        return PlanState.EXECUTING if any(satisfied) else PlanState.ROLLED_BACK
    if state is PlanState.ROLLED_BACK and any(satisfied):
        state = PlanState.EXECUTING
    if steps and all(satisfied) and state is not PlanState.REJECTED:
        return PlanState.FAILED if fails else PlanState.COMPLETE
    return state
