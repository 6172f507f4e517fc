"""The past of a plan, replayed event by event. An event without the documented form is damage,
never an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_orch.plans import document, plan_document
from git_orch.plans.document import BadDocument
from git_orch.plans.history import life
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import (
    Archiving,
    Attempt,
    Base,
    Call,
    CheckResult,
    Comment,
    Landing,
    Move,
    MoveKind,
    Noted,
    PlanState,
    StoredEstimate,
    TipCheck,
    TipFailure,
)
from git_orch.plans.plan import Plan

if TYPE_CHECKING:
    from git_orch.plans.plan_merge import Clash

OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(slots=True)
class Past:
    """The past of a plan up to an event. It is mutable, so that only `fold` holds it."""

    branch: str = ""  # the plan branch, full name: moves of other refs do not change the plan
    plan: Plan | None = None
    created: Event | None = None
    written_by: str = ""
    origin: str = ""
    base: Base = field(default_factory=lambda: Base(None, None))
    first_base: str | None = None
    state: PlanState = PlanState.CREATED
    attempts: list[Attempt] = field(default_factory=list)
    landed_at: dict[str, list[int]] = field(default_factory=dict)  # attempts by their commits
    accepted: set[tuple[str, str]] = field(default_factory=set)
    verified: set[tuple[str, str]] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    moves: dict[str, Move] = field(default_factory=dict)
    arrivals: Counter[tuple[str, str]] = field(default_factory=Counter)  # of a ref at a commit
    known_tip: str | None = None
    estimate: StoredEstimate | None = None
    open_run: str | None = None
    run_seconds: float = 0.0
    interrupted: bool = False
    step_ids: set[str] = field(default_factory=set)
    skipped: tuple[str, ...] = ()
    tip_checked: TipCheck | None = None
    homes: list[Landing] = field(default_factory=list)  # where the plan has landed, oldest first
    archived: Archiving | None = None
    taken_back: set[str] = field(default_factory=set)  # archivings that do not count any more
    remarks: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by step
    heard: dict[str, tuple[str, ...]] = field(default_factory=dict)  # remarks, by attempt
    rewritten: dict[str, str] = field(default_factory=dict)  # new commits, by the old ones
    continued: dict[str, str] = field(default_factory=dict)  # earlier attempts, by attempt
    owner: str = ""
    idea: tuple[Plan, PlanState] | None = None  # of a plan that has a spec
    old_ids: tuple[str, ...] = ()
    noted: list[Noted] = field(default_factory=list)
    texts: dict[str, Plan] = field(default_factory=dict)  # by their digests
    clashes: tuple[Clash, ...] = ()  # of two edits that nobody has looked at
    _undigested: list[Plan] = field(default_factory=list)
    comments: dict[str, Comment] = field(default_factory=dict)
    # Landings by the move that they wait for; None takes the last one back.
    landings: dict[str, Landing | None] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Replay one event. Raises BadDocument where its fields do not have the documented form."""
        replay = REPLAYS.get(event.name)
        if replay is not None:  # a later version may add events that this one need not read
            replay(self, event)

    def create(self, event: Event) -> None:
        if self.created is None:
            origin = document.optional_text(event.body, "origin") or ""
            base = _base(event.body.get("base"))
            state = _FIRST_STATES.get(document.optional_text(event.body, "state"))
            if state is None:
                raise BadDocument("state: no plan begins in it")
            imported = document.mapping(event.body.get("imported", {}), "imported")
            old_ids = document.texts(imported, "ids")
            self._take_text(event)
            self.created, self.origin, self.base, self.first_base = event, origin, base, base.commit
            self.state = state
            self.owner = document.optional_text(event.body, "owner") or ""
            self.old_ids = old_ids

    def write_spec(self, event: Event) -> None:
        """Take the steps of a plan that was an idea; a second spec of another clone does not count,
        nor does one without steps.
        """
        if self.state not in life.IDEAS:
            return
        base = _base(event.body.get("base"))
        if not plan_document.from_document(event.body.get("plan")).steps:
            raise BadDocument("plan: a spec has steps")
        idea = (self.plan, self.state) if self.plan is not None else None
        self._take_text(event)
        self.idea = idea
        self.base, self.first_base = base, base.commit
        self.state = PlanState.CREATED
        self.owner = document.optional_text(event.body, "owner") or self.owner

    def withdraw_spec(self, _event: Event) -> None:
        """Make an idea of the plan again, where nothing of it has run."""
        if self.idea is None or self.attempts or self.state not in life.BEFORE_A_RUN:
            return
        self.plan, self.state = self.idea
        self.idea = self.estimate = self.known_tip = self.first_base = None
        self.base = Base(None, None)

    def own(self, event: Event) -> None:
        self.owner = document.text(event.body, "owner")

    def note(self, event: Event) -> None:
        kind = document.text(event.body, "kind")
        text = document.text(event.body, "text")
        step = document.optional_text(event.body, "step")
        who = document.optional_text(event.body, "who") or ""
        self.noted.append(Noted(event.id, kind, text, step, who))

    def comment(self, event: Event) -> None:
        name, on, digest, text = (
            document.text(event.body, field) for field in ("comment", "on", "digest", "text")
        )
        who = document.optional_text(event.body, "who") or ""
        self.comments.setdefault(name, Comment(name, on, digest, text, who))

    def close_comment(self, event: Event) -> None:
        comment = self.comments.get(document.text(event.body, "comment"))
        how = document.optional_text(event.body, "how") or "closed"
        if comment is not None:
            self.comments[comment.id] = comment._replace(closed=how)

    def revise(self, event: Event) -> None:
        before, base = self.plan, self._edited_text(event)
        self._take_text(event)
        if base is None or before is None or self.plan is None:
            self.clashes = ()
        else:
            from git_orch.plans import plan_merge  # for those whom two people edit

            both = plan_merge.merged(base, before, self.plan, self.step_ids)
            self.plan = both.plan
            latest = {clash.place: clash for clash in (*self.clashes, *both.clashes)}
            self.clashes = tuple(latest.values())
            self._undigested.append(both.plan)
            self.step_ids.update(step.id for step in both.plan.steps)
        goes_on = event.body.get("state") == PlanState.EXECUTING.value
        if self.plan is not None and not self.plan.steps:  # still an idea
            if self.state is PlanState.REJECTED:
                self.state = PlanState.DRAFT
            return
        if not goes_on or self.state not in (PlanState.COMPLETE, PlanState.EXECUTING):
            self.state = PlanState.CREATED
        elif self.state is PlanState.COMPLETE:
            self.state = PlanState.EXECUTING
        self.tip_checked = None

    def _take_text(self, event: Event) -> None:
        """Take plan and estimate of an event, or neither where one of them is damaged."""
        plan = plan_document.from_document(event.body.get("plan"))
        estimate = stored_estimate(event.body.get("estimate"))
        self._withdraw_questions(plan)
        self.plan, self.estimate, self.written_by = plan, estimate, event.clone
        self.step_ids.update(step.id for step in plan.steps)
        self._undigested.append(plan)

    def _edited_text(self, event: Event) -> Plan | None:
        """The text that an edit changed, where that is not the present one any more: somebody else has
        edited it meanwhile. None where it is, and where no such text is known: an edit of a text that
        came of several edits brings it along.
        """
        of = document.optional_text(event.body, "of")
        if of is None or self.plan is None:
            return None
        from git_orch.plans import plan_merge

        for text in self._undigested:
            self.texts[plan_merge.digest(text)] = text
        self._undigested.clear()
        base = self.texts.get(of)
        if base is None and event.body.get("was") is not None:
            base = plan_document.from_document(event.body["was"])
        return None if base is None or base == self.plan else base

    def _withdraw_questions(self, plan: Plan) -> None:
        """A step that somebody has written anew need not wait for an answer."""
        for place, attempt in enumerate(self.attempts):
            if attempt.question is None or attempt.answer is not None or self.plan is None:
                continue
            if plan.step(attempt.step) != self.plan.step(attempt.step):
                self.attempts[place] = attempt._replace(answer="")

    def rebase(self, event: Event) -> None:
        self.base = _base(event.body.get("base"))

    def set_state(self, event: Event) -> None:
        self._become(_STATE_EVENTS[event.name])

    def _become(self, state: PlanState) -> None:
        """Take a state that may follow; another clone may have approved a plan that runs here."""
        if life.can(self.state, state):
            self.state = state

    def _take_run_state(self, state: PlanState) -> None:
        """Take the state of a run, which is a fact; only an edit brings a rejected plan back."""
        if self.state is not PlanState.REJECTED:
            self.state = state

    def start_run(self, event: Event) -> None:
        self.open_run = document.text(event.body, "run")
        self.skipped = document.texts(event.body, "skipped")
        self._take_run_state(PlanState.EXECUTING)

    def end_run(self, event: Event) -> None:
        run, outcome = document.text(event.body, "run"), document.text(event.body, "outcome")
        self.run_seconds += _number(event.body, "seconds")
        if run == self.open_run:
            self.open_run = None
        self._take_run_state(_STATE_AFTER_RUN.get(outcome, PlanState.EXECUTING))
        self.interrupted = outcome == "interrupted"

    def restore(self, event: Event) -> None:
        full = event.body.get("full") is True
        self._become(PlanState.ROLLED_BACK if full else PlanState.EXECUTING)

    def stop(self, _event: Event) -> None:
        self.open_run, self.interrupted = None, False
        self._become(PlanState.FAILED)

    def roll_back(self, event: Event) -> None:
        full = event.body.get("full") is True
        self._become(PlanState.ROLLED_BACK if full else PlanState.EXECUTING)

    def start_attempt(self, event: Event) -> None:
        step, attempt = document.text(event.body, "step"), document.text(event.body, "attempt")
        self.remarks[step] = self.heard[attempt] = document.texts(event.body, "remarks")
        before = document.optional_text(event.body, "continues")
        if before is not None:
            self.continued[attempt] = before

    def _heard_attempt(self, event: Event, outcome: str) -> Attempt:
        attempt = _attempt(event, outcome)
        return attempt._replace(
            remarks=self.heard.get(attempt.id, ()), continues=self.continued.get(attempt.id)
        )

    def fail_attempt(self, event: Event) -> None:
        self.attempts.append(self._heard_attempt(event, "failed"))

    def ask(self, event: Event) -> None:
        document.text(event.body, "question")
        self.attempts.append(self._heard_attempt(event, "asked"))

    def answer(self, event: Event) -> None:
        step, asked = document.text(event.body, "step"), document.text(event.body, "attempt")
        answer = document.text(event.body, "answer")
        for place, attempt in enumerate(self.attempts):
            if (attempt.step, attempt.id) == (step, asked) and attempt.question is not None:
                self.attempts[place] = attempt._replace(answer=answer)

    def land_step(self, event: Event) -> None:
        attempt = self._heard_attempt(event, "landed")
        step = self.plan.step(attempt.step) if self.plan is not None else None
        attempt = attempt._replace(prompt=step.prompt if step is not None else None)
        if attempt.commit is not None:
            self.landed_at.setdefault(attempt.commit, []).append(len(self.attempts))
        self.attempts.append(attempt)
        self.accepted.add((attempt.step, attempt.id))
        if attempt.tree is not None:
            self.verified.add((attempt.step, attempt.tree))

    def accept_step(self, event: Event) -> None:
        self.accepted.add((document.text(event.body, "step"), document.text(event.body, "attempt")))

    def verify_step(self, event: Event) -> None:
        self.verified.add((document.text(event.body, "step"), _oid(event.body, "tree")))

    def check_tip(self, event: Event) -> None:
        failures: list[TipFailure] = []
        for item in document.sequence(event.body, "failed"):
            fields = document.mapping(item, "failed")
            failures.append(
                TipFailure(document.text(fields, "step"), document.text(fields, "command"))
            )
        self.tip_checked = TipCheck(_oid(event.body, "tree"), tuple(failures))

    def add_call(self, event: Event) -> None:
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
                reported_by=document.optional_text(event.body, "reported_by"),
            )
        )

    def intend_move(self, event: Event) -> None:
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
            checkout=event.body.get("checkout") is True,
        )
        self.moves[move.id] = move

    def finish_move(self, event: Event) -> None:
        move = self.moves.pop(document.text(event.body, "move"), None)
        if move is None:
            return
        self.arrivals[move.ref, move.new] += 1
        if move.id in self.landings:
            self._come_home(self.landings.pop(move.id))
        if move.ref != self.branch:
            return
        self.known_tip = move.new

    def abandon_move(self, event: Event) -> None:
        move = self.moves.pop(document.text(event.body, "move"), None)
        if move is None:
            return
        self.landings.pop(move.id, None)
        if move.ref != self.branch:
            return
        for place in self.landed_at.pop(move.new, ()):
            self.attempts[place] = self.attempts[place]._replace(
                outcome="failed", error="the branch moved before it landed"
            )

    def archive(self, event: Event) -> None:
        if self.branch != f"refs/heads/orch/{document.text(event.body, 'plan')}":
            raise BadDocument("plan: not the plan of the log")
        if event.id in self.taken_back:
            return
        self.archived = Archiving(
            clone=event.clone,
            tip=_optional_oid(event.body, "tip"),
            done=frozenset(document.texts(event.body, "done")),
            why=document.optional_text(event.body, "why") or "",
        )

    def unarchive(self, event: Event) -> None:
        """Take back the archivings that the event names: the clock of one may be far ahead."""
        self.taken_back.update(document.texts(event.body, "archived"))
        self.archived = None

    def land_plan(self, event: Event) -> None:
        """Take a landing; one that belongs to a move counts when that move is done."""
        move, landing = document.optional_text(event.body, "move"), _landing(event)
        if move is None:
            self._come_home(landing)
        else:
            self.landings[move] = landing

    def unland(self, event: Event) -> None:
        """Take the last landing back, when the move that does it is done."""
        self.landings[document.text(event.body, "move")] = None

    def _come_home(self, landing: Landing | None) -> None:
        if landing is not None:
            self.homes.append(landing)
        elif self.homes:
            self.homes.pop()

    def rewrite(self, event: Event) -> None:
        """Take where an amend or a rebase of a person took commits."""
        commits = document.mapping(event.body.get("commits", {}), "commits")
        self.rewritten.update({old: _oid(commits, old) for old in commits if OID.fullmatch(old)})

    def notice_branch(self, event: Event) -> None:
        self.known_tip = _oid(event.body, "now")
        self.arrivals[self.branch, self.known_tip] += 1


_STATE_AFTER_RUN = {"complete": PlanState.COMPLETE, "failed": PlanState.FAILED}

# By the field `state` of the event that a log begins with.
_FIRST_STATES = {
    None: PlanState.CREATED,
    "DRAFT": PlanState.DRAFT,
    "READY": PlanState.READY,
}
_STATE_EVENTS = {
    "plan.readied": PlanState.READY,
    "plan.drafted": PlanState.DRAFT,
    "plan.validated": PlanState.VALIDATED,
    "plan.approved": PlanState.APPROVED,
    "plan.rejected": PlanState.REJECTED,
}

# Event name, as in git-orch-log(5), to the method that replays the event.
REPLAYS = {
    "plan.created": Past.create,
    "spec.written": Past.write_spec,
    "spec.withdrawn": Past.withdraw_spec,
    "plan.owned": Past.own,
    "plan.noted": Past.note,
    "comment.made": Past.comment,
    "comment.closed": Past.close_comment,
    "plan.revised": Past.revise,
    "plan.rebased": Past.rebase,
    **dict.fromkeys(_STATE_EVENTS, Past.set_state),
    "plan.rolled-back": Past.roll_back,
    "plan.restored": Past.restore,
    "plan.stopped": Past.stop,
    "run.started": Past.start_run,
    "run.ended": Past.end_run,
    "attempt.started": Past.start_attempt,
    "attempt.failed": Past.fail_attempt,
    "step.asked": Past.ask,
    "step.answered": Past.answer,
    "step.landed": Past.land_step,
    "step.accepted": Past.accept_step,
    "step.verified": Past.verify_step,
    "tip.checked": Past.check_tip,
    "model.called": Past.add_call,
    "move.intended": Past.intend_move,
    "move.done": Past.finish_move,
    "move.abandoned": Past.abandon_move,
    "plan.landed": Past.land_plan,
    "plan.unlanded": Past.unland,
    "plan.archived": Past.archive,
    "plan.unarchived": Past.unarchive,
    "branch.rewritten": Past.rewrite,
    "branch.noticed": Past.notice_branch,
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
        reason=document.optional_text(body, "reason"),
        question=document.optional_text(body, "question") if outcome == "asked" else None,
    )


def _kind(body: Mapping[str, object]) -> MoveKind:
    """The kind of a move; in older events, which have no such field, the first word of `why`."""
    word = document.optional_text(body, "kind") or document.text(body, "why").partition(" ")[0]
    try:
        return MoveKind(word)
    except ValueError:
        return MoveKind.OTHER


def _landing(event: Event) -> Landing:
    commits = document.mapping(event.body.get("commits", {}), "commits")
    return Landing(
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
        exit=document.optional_integer(fields, "exit") or 0,
        passed=fields.get("passed") is True,
        seconds=_number(fields, "seconds"),
        output=document.optional_text(fields, "output") or "",
        reason=document.optional_text(fields, "reason") or "exited",
        note=document.optional_text(fields, "note") or "",
        model=document.optional_text(fields, "model"),
        usd=_number(fields, "usd"),
    )


def _base(value: object) -> Base:
    fields = document.mapping(value, "base")
    return Base(
        commit=_optional_oid(fields, "commit"),
        ref=document.optional_text(fields, "ref"),
        snapshot=fields.get("snapshot") is True,
    )


def stored_estimate(value: object) -> StoredEstimate | None:
    if value is None:
        return None
    fields = document.mapping(value, "estimate")
    return StoredEstimate(
        document.optional_integer(fields, "tokens_in") or 0,
        document.optional_integer(fields, "tokens_out") or 0,
        _number(fields, "usd"),
        document.optional_number(fields, "p50"),
        document.optional_number(fields, "p90"),
        document.optional_integer(fields, "samples") or 0,
    )


def _number(fields: Mapping[str, object], name: str) -> float:
    return document.optional_number(fields, name) or 0.0


def _oid(fields: Mapping[str, object], name: str) -> str:
    """The object ID under `name`: text for git must not be an option or two lines. Raises
    BadDocument.
    """
    value = document.text(fields, name)
    if not OID.fullmatch(value):
        raise BadDocument(f"{name}: expected an object ID")
    return value


def _optional_oid(fields: Mapping[str, object], name: str) -> str | None:
    return None if fields.get(name) is None else _oid(fields, name)
