"""The state of a plan: a pure function of its log and of the commits on its branch.

The log is the truth about the past, the branch the truth about now: a step is done when a commit on
the branch claims it and the log has the matching event. Whatever users do to the branch with a git
client is therefore not an error but a new state.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from git_orch.plans import reasons
from git_orch.plans.document import BadDocument
from git_orch.plans.history import taken_back
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
from git_orch.plans.trailers import Claim, Message

_NO_MESSAGE = Message()


def fold(plan_id: str, log: Log, branch: Branch | None) -> Status | None:
    """The status of a plan from its log and branch; None when the log holds no plan."""
    past = Past(f"refs/heads/orch/{plan_id}")
    damaged = log.damaged
    for event in taken_back.standing(log.events):
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
        known_tip=past.known_tip,
        estimate=past.estimate,
        open_run=past.open_run,
        run_seconds=past.run_seconds,
        interrupted=past.interrupted,
        damaged=damaged,
        step_ids=frozenset(past.step_ids),
        skipped=frozenset(past.skipped),
        landed=past.homes[-1] if past.homes else None,
        archived=past.archived,
        tip_checked=past.tip_checked,
        remarks=past.remarks,
        rewritten=past.rewritten,
        owner=past.owner,
        clashes=past.clashes,
        old_ids=past.old_ids,
        noted=tuple(past.noted),
        comments=tuple(past.comments.values()),
    )
    return on_branch(status, branch)


def on_branch(status: Status, branch: Branch | None) -> Status:
    """The status with these commits on the branch, from the same log. A commit has the claims of
    those that an amend or a rebase made it of, as the log says.
    """
    branch = _with_lost_claims(status, branch) if status.rewritten else branch
    steps = _steps(status, branch)
    fails = bool(tip_failures(branch, status.tip_checked))
    return status._replace(
        branch=branch,
        steps=steps,
        state=_state_on_branch(status.recorded_state, steps, fails=fails),
    )


def _with_lost_claims(status: Status, branch: Branch | None) -> Branch | None:
    if branch is None:
        return None
    lost: dict[str, list[Claim]] = {}
    for attempt in status.attempts:
        if attempt.outcome == "landed" and attempt.commit and attempt.commit in status.rewritten:
            claim = Claim(status.id, attempt.step, attempt.id)
            lost.setdefault(_last_form(attempt.commit, status.rewritten), []).append(claim)
    claims = [claim for commit in branch.commits for claim in commit.message.claims]
    there = {claim.step for claim in claims if claim.plan == status.id}
    commits = []
    for commit in branch.commits:
        again = tuple(claim for claim in lost.get(commit.oid, ()) if claim.step not in there)
        message = commit.message._replace(claims=commit.message.claims + again)
        commits.append(commit._replace(message=message))
    return branch._replace(commits=tuple(commits))


def _last_form(commit: str, rewritten: Mapping[str, str]) -> str:
    """The commit that is left of one after all rewrites."""
    for _ in rewritten:  # whoever wrote the log may have made a circle of them
        if commit not in rewritten:
            break
        commit = rewritten[commit]
    return commit


def _steps(status: Status, branch: Branch | None) -> tuple[StepStatus, ...]:
    claimed = _claims(status, branch)
    last = {attempt.step: attempt for attempt in status.attempts}
    by_id = {(attempt.step, attempt.id): attempt for attempt in status.attempts}
    upstream = branch.upstream if branch is not None else frozenset()
    statuses = []
    for number, step in enumerate(status.plan.steps, start=1):
        now = StepStatus(step, number, StepState.PENDING, attempt=last.get(step.id))
        claim = claimed.get(step.id)
        if claim is not None:
            now = now._replace(
                state=_state_of_claim(status, step.id, claim),
                commit=claim.commit,
                attempt=by_id.get((step.id, claim.attempt)),
            )
        elif branch is None and status.archived is not None and step.id in status.archived.done:
            # Its commits are not here: the log has its state at the time.
            now = now._replace(state=StepState.DONE)
        elif step.id in upstream:
            now = now._replace(state=StepState.UPSTREAM)
        elif now.attempt is not None and now.attempt.outcome == "failed":
            stopped = now.attempt.reason in reasons.STOPPED
            now = now._replace(state=StepState.STOPPED if stopped else StepState.FAILED)
        elif now.attempt is not None and now.attempt.outcome == "asked":
            asks = now.attempt.answer is None
            now = now._replace(state=StepState.ASKED if asks else StepState.PENDING)
        elif step.id in status.skipped:
            now = now._replace(state=StepState.SKIPPED)
        statuses.append(now)
    return tuple(statuses)


class _Claimed(NamedTuple):
    """The last commit on the branch that claims a step; `reverted` by a later commit or not."""

    commit: Commit
    attempt: str
    reverted: bool = False


def _state_of_claim(status: Status, step: str, claim: _Claimed) -> StepState:
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
    all_ids = (*(commit.oid for commit in branch.commits), *landed)
    undone = _Undone(landed, {commit.oid: commit.message for commit in branch.named}, all_ids)
    claimed: dict[str, _Claimed] = {}
    for commit in reversed(branch.commits):  # what reverts a commit stands above it
        reverted = undone.has(commit)
        for claim in reversed(commit.message.claims):
            if claim.plan == status.id and claim.step not in claimed:
                gone = reverted or (claim.step, claim.attempt) in undone.attempts
                claimed[claim.step] = _Claimed(commit, claim.attempt, gone)
        if not reverted:
            undone.note_reverts(commit)
    return claimed


@dataclass(slots=True)
class _Undone:
    """Reverted commits, by ID and by attempt, because an amend or a rebase changes IDs.

    `landed` gives step and attempt of a commit as it landed; `named` holds messages of commits that
    a revert names and that are not on the branch any more. A revert may name a commit by the first
    digits of one of the `ids`.
    """

    landed: Mapping[str, tuple[str, str]]
    named: Mapping[str, Message]
    ids: tuple[str, ...] = ()
    commits: set[str] = field(default_factory=set)
    attempts: set[tuple[str, str]] = field(default_factory=set)
    reverts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    in_order: list[str] = field(default_factory=list)  # the IDs

    def __post_init__(self) -> None:
        self.in_order = sorted(self.ids)

    def has(self, commit: Commit) -> bool:
        """Whether a commit above reverts this one. Forgets a revert of a revert once it matched."""
        if commit.oid in self.commits:
            return True
        if commit.message.reverts and self.reverts[commit.message.reverts] > 0:
            self.reverts[commit.message.reverts] -= 1  # a revert with another ID since a rebase
            return True
        return False

    def note_reverts(self, commit: Commit) -> None:
        """Note the commits that this commit reverts."""
        for name in commit.message.reverts:
            target = self._whole(name)
            self.commits.add(target)
            message = self.named.get(name, _NO_MESSAGE)
            self.attempts.update((claim.step, claim.attempt) for claim in message.claims)
            if target in self.landed:
                self.attempts.add(self.landed[target])
            if message.reverts:
                self.reverts[message.reverts] += 1

    def _whole(self, name: str) -> str:
        """The first of the IDs that begins with these digits."""
        place = bisect.bisect_left(self.in_order, name)
        begins = place < len(self.in_order) and self.in_order[place].startswith(name)
        return self.in_order[place] if begins else name


def standing_claims(
    plan_id: str, commits: Iterable[Commit]
) -> tuple[dict[str, str], frozenset[str]]:
    """Two results for commits, newest first: the newest standing claim of every step, as commit by
    step, and the commits that others among them revert.
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
        undone.note_reverts(commit)
    return steps, frozenset(undone.commits)


def _state_on_branch(state: PlanState, steps: tuple[StepStatus, ...], *, fails: bool) -> PlanState:
    """The recorded state after a look at the branch; `fails` says that a check fails on its tip."""
    satisfied = [status.state in SATISFIED for status in steps]
    if state is PlanState.COMPLETE and not all(satisfied):
        return PlanState.EXECUTING if any(satisfied) else PlanState.ROLLED_BACK
    if state is PlanState.ROLLED_BACK and any(satisfied):
        state = PlanState.EXECUTING
    if steps and all(satisfied) and state is not PlanState.REJECTED:
        return PlanState.FAILED if fails else PlanState.COMPLETE
    return state
