"""What the events of a log say, taken one by one; what does not have the documented form is damage,
never an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from git_orch.plans import document, plan_document
from git_orch.plans.document import BadDocument
from git_orch.plans.history import life
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import (
    Archived,
    Attempt,
    Base,
    Call,
    CheckResult,
    Estimated,
    Landed,
    Move,
    MoveKind,
    PlanState,
    TipChecked,
    TipFailure,
)
from git_orch.plans.plan import Plan

_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LARGEST = 1e15  # seconds or USD; beyond it a number in a log is damage


@dataclass(slots=True)
class Past:
    """What the events say, taken one by one; the only mutable value here, and nobody else sees it."""

    branch: str = ""  # the plan branch, full name: moves of other refs say nothing about the plan
    plan: Plan | None = None
    created: Event | None = None
    written_by: str = ""
    origin: str = ""
    base: Base = field(default_factory=lambda: Base(None, None))
    first_base: str | None = None
    state: PlanState = PlanState.CREATED
    attempts: list[Attempt] = field(default_factory=list)
    accepted: set[tuple[str, str]] = field(default_factory=set)
    verified: set[tuple[str, str]] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    moves: dict[str, Move] = field(default_factory=dict)
    arrivals: Counter[tuple[str, str]] = field(default_factory=Counter)  # of a ref at a commit
    last_move: Move | None = None
    known_tip: str | None = None
    estimate: Estimated | None = None
    open_run: str | None = None
    run_seconds: float = 0.0
    interrupted: bool = False
    step_ids: set[str] = field(default_factory=set)
    tip_checked: TipChecked | None = None
    landed: Landed | None = None
    archived: Archived | None = None
    taken_back: set[str] = field(
        default_factory=set
    )  # events that put the plan away, and do not count any more
    landings: dict[str, Landed] = field(default_factory=dict)  # by the move that they wait for

    def take(self, event: Event) -> None:
        """Raises BadDocument for an event whose fields do not have the documented form."""
        taker = TAKERS.get(event.name)
        if taker is not None:  # an event of a later version that asks for nothing is not for us
            taker(self, event)

    def created_by(self, event: Event) -> None:
        if self.created is None:
            origin, base = (
                document.optional_text(event.body, "origin") or "",
                _base(event.body.get("base")),
            )
            self._described_by(event)
            self.created, self.origin, self.base, self.first_base = event, origin, base, base.commit

    def revised_by(self, event: Event) -> None:
        self._described_by(event)
        self.state, self.tip_checked = PlanState.CREATED, None

    def _described_by(self, event: Event) -> None:
        """All of the event's text or, where one part of it is damaged, none."""
        described, estimate = (
            plan_document.from_document(event.body.get("plan")),
            _estimated(event.body.get("estimate")),
        )
        self.plan, self.estimate, self.written_by = described, estimate, event.clone
        self.step_ids.update(step.id for step in described.steps)

    def rebased_by(self, event: Event) -> None:
        self.base = _base(event.body.get("base"))

    def state_set(self, event: Event) -> None:
        self._become(_STATE_EVENTS[event.name])

    def _become(self, wanted: PlanState) -> None:
        """Take a state that may follow; another clone may have approved what is executed already."""
        if life.can(self.state, wanted):
            self.state = wanted

    def _ran(self, wanted: PlanState) -> None:
        """Take a state of a run, which is a fact; but only an edit brings back what was rejected."""
        if self.state is not PlanState.REJECTED:
            self.state = wanted

    def run_started(self, event: Event) -> None:
        self.open_run = document.text(event.body, "run")
        self._ran(PlanState.EXECUTING)

    def run_ended(self, event: Event) -> None:
        run, outcome = document.text(event.body, "run"), document.text(event.body, "outcome")
        self.run_seconds += _number(event.body, "seconds")
        if run == self.open_run:
            self.open_run = None
        self._ran(
            {"complete": PlanState.COMPLETE, "failed": PlanState.FAILED}.get(
                outcome, PlanState.EXECUTING
            )
        )
        self.interrupted = outcome == "interrupted"

    def restored(self, _event: Event) -> None:
        self._become(PlanState.EXECUTING)

    def stopped(self, _event: Event) -> None:
        self.open_run, self.interrupted = None, False
        self._become(PlanState.FAILED)

    def rolled_back(self, event: Event) -> None:
        full = event.body.get("full") is True
        self._become(PlanState.ROLLED_BACK if full else PlanState.EXECUTING)

    def attempt_failed(self, event: Event) -> None:
        self.attempts.append(_attempt(event, "failed"))

    def step_landed(self, event: Event) -> None:
        attempt = _attempt(event, "landed")
        self.attempts.append(attempt)
        self.accepted.add((attempt.step, attempt.id))
        if attempt.tree is not None:
            self.verified.add((attempt.step, attempt.tree))

    def step_accepted(self, event: Event) -> None:
        self.accepted.add((document.text(event.body, "step"), document.text(event.body, "attempt")))

    def step_verified(self, event: Event) -> None:
        self.verified.add((document.text(event.body, "step"), _oid(event.body, "tree")))

    def tip_checked_by(self, event: Event) -> None:
        failed = [
            document.mapping(item, "failed") for item in document.sequence(event.body, "failed")
        ]
        failures = tuple(
            TipFailure(document.text(each, "step"), document.text(each, "command"))
            for each in failed
        )
        self.tip_checked = TipChecked(_oid(event.body, "tree"), failures)

    def called(self, event: Event) -> None:
        usage = document.mapping(event.body.get("usage", {}), "usage")
        self.calls.append(
            Call(
                id=event.id,
                purpose=document.text(event.body, "purpose"),
                step=document.optional_text(event.body, "step"),
                attempt=document.optional_text(event.body, "attempt"),
                model=document.text(event.body, "model"),
                usage=usage,
                usd=_number(event.body, "usd"),
                seconds=_number(event.body, "seconds"),
            )
        )

    def move_intended(self, event: Event) -> None:
        ref, new = document.text(event.body, "ref"), _oid(event.body, "to")
        move = Move(
            id=event.id,
            clone=event.clone,
            ref=ref,
            old=_optional_oid(event.body, "from"),
            new=new,
            why=document.text(event.body, "why"),
            kind=_kind(event.body),
            seen_before=self.arrivals[ref, new],
        )
        self.moves[move.id] = move

    def move_done(self, event: Event) -> None:
        move = self.moves.pop(document.text(event.body, "move"), None)
        if move is None:
            return
        self.arrivals[move.ref, move.new] += 1
        self.landed = self.landings.pop(move.id, self.landed)
        if move.ref == self.branch:
            self.last_move = move
            self.known_tip = move.new

    def move_abandoned(self, event: Event) -> None:
        move = self.moves.pop(document.text(event.body, "move"), None)
        if move is None:
            return
        self.landings.pop(move.id, None)
        if move.ref != self.branch:
            return
        for place, attempt in enumerate(self.attempts):
            if attempt.outcome == "landed" and attempt.commit == move.new:
                self.attempts[place] = attempt._replace(
                    outcome="failed", error="the branch was moved before it landed"
                )

    def put_away(self, event: Event) -> None:
        if self.branch != f"refs/heads/orch/{document.text(event.body, 'plan')}":
            raise BadDocument("plan: another one than the log is about")
        if event.id in self.taken_back:
            return
        self.archived = Archived(
            clone=event.clone,
            tip=_optional_oid(event.body, "tip"),
            done=frozenset(document.texts(event.body, "done")),
            why=document.optional_text(event.body, "why") or "",
        )

    def brought_back(self, event: Event) -> None:
        """It names what it takes back: the ID of that may come from a clock that is far ahead."""
        self.taken_back.update(document.texts(event.body, "archived"))
        self.archived = None

    def plan_landed(self, event: Event) -> None:
        """A landing that a move belongs to counts when that is done."""
        move, landing = document.optional_text(event.body, "move"), _landed(event)
        if move is None:
            self.landed = landing
        else:
            self.landings[move] = landing

    def branch_noticed(self, event: Event) -> None:
        self.known_tip = _oid(event.body, "now")
        self.arrivals[self.branch, self.known_tip] += 1


_STATE_EVENTS = {
    "plan.validated": PlanState.VALIDATED,
    "plan.approved": PlanState.APPROVED,
    "plan.rejected": PlanState.REJECTED,
}

# Event name to what it changes; the names are those of git-orch-log(5).
TAKERS = {
    "plan.created": Past.created_by,
    "plan.revised": Past.revised_by,
    "plan.rebased": Past.rebased_by,
    **dict.fromkeys(_STATE_EVENTS, Past.state_set),
    "plan.rolled-back": Past.rolled_back,
    "plan.restored": Past.restored,
    "plan.stopped": Past.stopped,
    "run.started": Past.run_started,
    "run.ended": Past.run_ended,
    "attempt.failed": Past.attempt_failed,
    "step.landed": Past.step_landed,
    "step.accepted": Past.step_accepted,
    "step.verified": Past.step_verified,
    "tip.checked": Past.tip_checked_by,
    "model.called": Past.called,
    "move.intended": Past.move_intended,
    "move.done": Past.move_done,
    "move.abandoned": Past.move_abandoned,
    "plan.landed": Past.plan_landed,
    "plan.archived": Past.put_away,
    "plan.unarchived": Past.brought_back,
    "branch.noticed": Past.branch_noticed,
}


def _attempt(event: Event, outcome: str) -> Attempt:
    body = event.body
    return Attempt(
        id=document.text(body, "attempt"),
        step=document.text(body, "step"),
        event=event.id,
        outcome=outcome,
        seconds=_number(body, "seconds"),
        checks=tuple(_check_result(item) for item in document.sequence(body, "checks")),
        summary=document.optional_text(body, "summary") or "",
        tree=_optional_oid(body, "tree"),
        commit=_optional_oid(body, "commit"),
        error=document.optional_text(body, "error"),
        changed=document.texts(body, "changed"),
        review=document.texts(body, "review"),
    )


def _kind(body: Mapping[str, object]) -> MoveKind:
    """What a move is for. Until there was a field for it, the first word of the reason said so."""
    word = document.optional_text(body, "kind") or document.text(body, "why").partition(" ")[0]
    try:
        return MoveKind(word)
    except ValueError:
        return MoveKind.OTHER


def _landed(event: Event) -> Landed:
    commits = document.mapping(event.body.get("commits", {}), "commits")
    return Landed(
        mode=document.text(event.body, "mode"),
        ref=document.text(event.body, "ref"),
        new=_oid(event.body, "to"),
        tip=_optional_oid(event.body, "tip"),
        commits={step: _oid(commits, step) for step in commits},
    )


def _check_result(item: object) -> CheckResult:
    fields = document.mapping(item, "checks")
    return CheckResult(
        type=document.text(fields, "type"),
        command=document.text(fields, "command"),
        exit=document.optional_number(fields, "exit") or 0,
        passed=fields.get("passed") is True,
        seconds=_number(fields, "seconds"),
        output=document.optional_text(fields, "output") or "",
        reason=document.optional_text(fields, "reason") or "exited",
    )


def _base(value: object) -> Base:
    fields = document.mapping(value, "base")
    return Base(
        commit=_optional_oid(fields, "commit"),
        ref=document.optional_text(fields, "ref"),
        snapshot=fields.get("snapshot") is True,
    )


def _estimated(value: object) -> Estimated | None:
    if value is None:
        return None
    fields = document.mapping(value, "estimate")
    return Estimated(
        document.optional_number(fields, "tokens_in") or 0,
        document.optional_number(fields, "tokens_out") or 0,
        _number(fields, "usd"),
        _number(fields, "p50") if fields.get("p50") is not None else None,
        _number(fields, "p90") if fields.get("p90") is not None else None,
        document.optional_number(fields, "samples") or 0,
    )


def _number(fields: Mapping[str, object], name: str) -> float:
    value = fields.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadDocument(f"{name}: expected a number")
    if (
        not -_LARGEST < value < _LARGEST
    ):  # also what JSON calls NaN and Infinity, and integers no float can hold
        raise BadDocument(f"{name}: the number is out of range")
    return float(value)


def _oid(fields: Mapping[str, object], name: str) -> str:
    """An object ID: what is handed to git must not be an option or two lines."""
    value = document.text(fields, name)
    if not _OID.fullmatch(value):
        raise BadDocument(f"{name}: expected an object ID")
    return value


def _optional_oid(fields: Mapping[str, object], name: str) -> str | None:
    return None if fields.get(name) is None else _oid(fields, name)
