"""The history of a plan as people tell it: what was done, one act after the other.

A run is one act, whatever it wrote to the log, and so is a move with the events around it. An event
that says nothing to people (a confirmation, a request to a model) is part of no act.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from git_orch.plans import document, plan_document, reasons, revision, sentences
from git_orch.plans.document import BadDocument
from git_orch.plans.history.events import Event
from git_orch.plans.plan import Plan

_ORIGINS = {"file": "from a file", "template": "from a template", "model": "by a model"}
# The first word of why a branch moved, as something that was done.
_DONE = {
    "rollback": "rolled back",
    "drop": "dropped",
    "reorder": "reordered the steps",
    "rebase": "rebased",
    "redo": "redid",
    "adopt": "adopted",
    "land": "landed",
    "pick": "picked",
    "checkpoint": "committed what was uncommitted",
}
_OF_A_RUN = frozenset({"land", "checkpoint"})  # moves of the plan's branch
_BRANCHES = "refs/heads/orch/"
_OID = 10  # digits that are shown


@dataclass(slots=True)
class Act:
    """Something that was done, at the time that the ID of its first event has, by the `actor`; the
    `lines` say more of it.
    """

    id: str
    text: str
    lines: list[str] = field(default_factory=list)
    actor: str = ""


@dataclass(slots=True)
class _Run:
    """What became of the steps of a run, by ID: the number, and how the last attempt ended."""

    act: Act
    landed: dict[str, int] = field(default_factory=dict)
    ended: dict[str, tuple[int, str]] = field(default_factory=dict)
    skipped: list[int] = field(default_factory=list)
    usd: float = 0.0
    outcome: str = "not ended"

    def tell(self) -> None:
        """Put what is known into the act."""
        parts = []
        if self.landed:
            parts.append(f"ran {sentences.steps(self.landed.values())}")
        for step, (number, end) in self.ended.items():
            if step not in self.landed:
                parts.append(f"step {number} {end}")
        if self.outcome in ("interrupted", "not ended"):
            parts.append(self.outcome)
        if self.skipped:
            parts.append(f"left out {sentences.steps(self.skipped)}")
        cost = f" ({sentences.usd(self.usd)})" if self.usd else ""
        begin = "" if self.landed else "exec: "
        self.act.text = f"{begin}{'; '.join(parts)}{cost}" if parts else ""


@dataclass(slots=True)
class _Teller:
    acts: list[Act] = field(default_factory=list)
    plan: Plan | None = None
    run: _Run | None = None
    intents: dict[str, Event] = field(default_factory=dict)
    outcomes: dict[str, Event] = field(default_factory=dict)

    def add(self, event: Event, text: str, *lines: str) -> None:
        self.acts.append(Act(event.id, text, list(lines), _actor(event)))

    def number(self, step: str) -> int | None:
        """The number of a step in the present text."""
        steps = self.plan.steps if self.plan is not None else ()
        return next((number for number, one in enumerate(steps, 1) if one.id == step), None)

    def turned(self, event: Event, why: str) -> bool:
        """Whether an event takes a change back or brings it again, or is a part of that; then it is
        told once.
        """
        body = event.body
        if "undoes" in body:
            self.add(event, f"took back '{why}'")
        elif "redoes" in body:
            self.add(event, f"did '{why}' again")
        return any(name in body for name in ("undoes", "redoes", "part_of"))

    # -- the text ----------------------------------------------------------------------------------

    def create(self, event: Event) -> None:
        plan = plan_document.from_document(event.body.get("plan"))
        self.plan = plan
        origin = _ORIGINS.get(document.optional_text(event.body, "origin") or "", "")
        task = document.optional_text(event.body, "task")
        text = f"planned {sentences.count(len(plan.steps), 'step')} {origin}".rstrip()
        state = document.optional_text(event.body, "state")
        if state is not None:
            text = f"wrote down the idea, {state.lower()}"
        lines = task.splitlines() if task else []
        imported = document.mapping(event.body.get("imported", {}), "imported")
        old = document.texts(imported, "ids")
        if old:
            file = document.optional_text(imported, "file") or "a file"
            lines.append(f"imported from {file}, where it was {' and '.join(old)}")
        self.add(event, text, *lines)

    def write_spec(self, event: Event) -> None:
        if self.plan is not None and self.plan.steps:
            return  # another clone had written one
        self.plan = plan_document.from_document(event.body.get("plan"))
        origin = _ORIGINS.get(document.optional_text(event.body, "origin") or "", "")
        count = sentences.count(len(self.plan.steps), "step")
        if not self.turned(event, "spec"):
            self.add(event, f"wrote the spec: {count} {origin}".rstrip())

    def withdraw_spec(self, event: Event) -> None:
        if self.plan is not None:
            self.plan = self.plan._replace(steps=())
        self.turned(event, "spec")

    def ready(self, event: Event) -> None:
        self.add(event, "marked it ready")

    def unready(self, event: Event) -> None:
        self.add(event, "made it a draft again")

    def own(self, event: Event) -> None:
        self.add(event, f"gave it to {document.text(event.body, 'owner')}")

    def note(self, event: Event) -> None:
        kind, text = document.text(event.body, "kind"), document.text(event.body, "text")
        number = self.number(document.optional_text(event.body, "step") or "")
        of = f" on step {number}" if number is not None else ""
        first, *rest = text.splitlines() or [""]
        self.add(event, f"{kind}{of}: {first}", *rest)

    def turn(self, event: Event) -> None:
        self.turned(event, document.optional_text(event.body, "why") or "change")

    def comment(self, event: Event) -> None:
        first, *rest = document.text(event.body, "text").splitlines() or [""]
        step, _, name = document.text(event.body, "on").partition(":")
        number = self.number(step)
        where = f"step {number}" if number is not None else step
        self.add(event, f"comment on {where}{f': {name}' if name else ''}: {first}", *rest)

    def revise(self, event: Event) -> None:
        before, after = self.plan, plan_document.from_document(event.body.get("plan"))
        self.plan = after
        if not self.turned(event, "edit") and before is not None:
            what = revision.differences(before, after) or "the same text"
            message = document.optional_text(event.body, "message") or ""
            verb = "revised" if message else "edited"
            self.add(event, f"{verb}: {what}", *message.splitlines())

    def approve(self, event: Event) -> None:
        if event.body.get("by") == "approve":
            self.add(event, "approved")

    def reject(self, event: Event) -> None:
        why = document.optional_text(event.body, "why")
        if not self.turned(event, "reject"):
            self.add(event, "rejected" + (f": {why}" if why else ""))

    def archive(self, event: Event) -> None:
        why = document.optional_text(event.body, "why") or ""
        word = why.removeprefix("undo ") if "undoes" in event.body else "archive"
        if not self.turned(event, word) and why not in ("landed", "rejected"):
            self.add(event, "archived" + (f": {why}" if why not in ("", "archived") else ""))

    def unarchive(self, event: Event) -> None:
        word = "archive" if "undoes" in event.body else "unarchive"
        if not self.turned(event, word):
            self.add(event, "brought back from the archive")

    # -- runs --------------------------------------------------------------------------------------

    def start(self, event: Event) -> None:
        act = Act(event.id, "", actor=_actor(event))
        self.acts.append(act)
        numbers = map(self.number, document.texts(event.body, "skipped"))
        self.run = _Run(act, skipped=[number for number in numbers if number is not None])
        self.run.tell()

    def end(self, event: Event) -> None:
        if self.run is not None:
            self.run.outcome = document.optional_text(event.body, "outcome") or ""
            self.run.tell()
            if not self.run.act.text:  # a redo, whose result a move brings, or nothing was to do
                self.acts.remove(self.run.act)
            self.run = None

    def land(self, event: Event) -> None:
        step = document.text(event.body, "step")
        number = self.number(step)
        if self.run is None or number is None:
            return
        commit = (document.optional_text(event.body, "commit") or "")[:_OID]
        self.run.landed[step] = number
        self.run.act.lines.append(f"step {number} {commit} {self._title(step)}".rstrip())
        self.run.tell()

    def fail(self, event: Event) -> None:
        step = document.text(event.body, "step")
        number = self.number(step)
        if self.run is None or number is None:
            return
        error = document.optional_text(event.body, "error") or ""
        reason = document.optional_text(event.body, "reason")
        word = "stopped" if reason in reasons.STOPPED else "failed"
        self.run.ended[step] = (number, f"{word}: {_first_line(error)}")
        self.run.act.lines += [f"step {number} {word}: {line}" for line in error.splitlines()[:1]]
        self.run.tell()

    def ask(self, event: Event) -> None:
        step, question = (document.text(event.body, name) for name in ("step", "question"))
        number = self.number(step)
        if self.run is None or number is None:
            return
        self.run.ended[step] = (number, f"asks: {_first_line(question)}")
        self.run.act.lines.append(f"step {number} asks: {question}")
        self.run.tell()

    def answer(self, event: Event) -> None:
        step, answer = (document.text(event.body, name) for name in ("step", "answer"))
        number = self.number(step)
        if number is not None and answer:
            self.add(event, f"answered step {number}: {_first_line(answer)}", answer)

    def call(self, event: Event) -> None:
        if self.run is not None:
            self.run.usd += document.optional_number(event.body, "usd") or 0.0
            self.run.tell()

    def _title(self, step: str) -> str:
        one = self.plan.step(step) if self.plan is not None else None
        return one.title if one is not None else ""

    # -- moves -------------------------------------------------------------------------------------

    def intend(self, event: Event) -> None:
        self.intents[event.id] = event

    def note_outcome(self, event: Event) -> None:
        move = document.optional_text(event.body, "move")
        if move is not None:
            self.outcomes[move] = event
        elif event.body.get("mode") == "found":
            self.add(event, f"found on {_branch(event)}, merged by somebody")

    def finish(self, event: Event) -> None:
        intent = self.intents.pop(document.text(event.body, "move"), None)
        if intent is None:
            return
        why = document.text(intent.body, "why")
        kind = document.optional_text(intent.body, "kind") or why.partition(" ")[0]
        if kind == "undo":
            of = why.partition(" ")[2] if why.partition(" ")[0] in ("undo", "redo") else why
            if not self.turned(intent, of):  # of an older version
                self.add(intent, f"took back '{of}'")
            return
        on_plan = document.text(intent.body, "ref").startswith(_BRANCHES)
        if kind not in _DONE or (on_plan and kind in _OF_A_RUN):
            return
        rest = why.partition(" ")[2]
        new = (document.optional_text(intent.body, "to") or "")[:_OID]
        old = (document.optional_text(intent.body, "from") or "")[:_OID]
        as_what = ""
        if not on_plan:
            outcome = self.outcomes.get(intent.id)
            mode = document.optional_text(outcome.body, "mode") if outcome is not None else None
            as_what = f" as {new}" + (f" ({mode})" if mode else "")
        lines = [f"{_branch(intent)} {old or 'nothing'} -> {new}"]
        self.add(intent, f"{_DONE[kind]} {rest}".rstrip() + as_what, *lines)

    def notice(self, event: Event) -> None:
        was, now = (document.optional_text(event.body, name) or "" for name in ("was", "now"))
        self.add(event, f"somebody moved the branch from {was[:_OID]} to {now[:_OID]}")

    def rewrite(self, event: Event) -> None:
        count = len(document.mapping(event.body.get("commits", {}), "commits"))
        by = document.optional_text(event.body, "by") or "rewrite"
        self.add(event, f"git {by} wrote {sentences.count(count, 'commit')} anew")

    def accept(self, event: Event) -> None:
        number = self.number(document.text(event.body, "step"))
        commit = (document.optional_text(event.body, "commit") or "")[:_OID]
        if number is not None:
            self.add(event, f"adopted {commit} as step {number}")


def _actor(event: Event) -> str:
    """The name of who did something, without the address; "" where nobody wrote it down."""
    body = event.body
    name = document.optional_text(body, "actor") or document.optional_text(body, "who") or ""
    return name.partition(" <")[0]


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _branch(event: Event) -> str:
    return document.text(event.body, "ref").removeprefix("refs/heads/")


_READERS: Mapping[str, Callable[[_Teller, Event], None]] = {
    "plan.created": _Teller.create,
    "spec.written": _Teller.write_spec,
    "spec.withdrawn": _Teller.withdraw_spec,
    "plan.readied": _Teller.ready,
    "plan.drafted": _Teller.unready,
    "plan.owned": _Teller.own,
    "plan.noted": _Teller.note,
    "comment.made": _Teller.comment,
    "change.undone": _Teller.turn,
    "change.redone": _Teller.turn,
    "plan.revised": _Teller.revise,
    "plan.approved": _Teller.approve,
    "plan.rejected": _Teller.reject,
    "plan.archived": _Teller.archive,
    "plan.unarchived": _Teller.unarchive,
    "plan.landed": _Teller.note_outcome,
    "steps.picked": _Teller.note_outcome,
    "run.started": _Teller.start,
    "run.ended": _Teller.end,
    "step.landed": _Teller.land,
    "step.accepted": _Teller.accept,
    "step.asked": _Teller.ask,
    "step.answered": _Teller.answer,
    "attempt.failed": _Teller.fail,
    "model.called": _Teller.call,
    "move.intended": _Teller.intend,
    "move.done": _Teller.finish,
    "branch.rewritten": _Teller.rewrite,
    "branch.noticed": _Teller.notice,
}


def history(events: Iterable[Event]) -> list[Act]:
    """The acts that the events of a log tell, oldest first; what is damaged tells nothing."""
    teller = _Teller()
    for event in events:
        tell = _READERS.get(event.name)
        if tell is not None:
            with contextlib.suppress(BadDocument):
                tell(teller, event)
    return teller.acts
