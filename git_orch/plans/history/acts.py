"""The history of a plan as people tell it: what was done, one act after the other.

A run is one act, whatever it wrote to the log, and so is a move with the events around it. An event
that says nothing to people (a confirmation, a request to a model) is part of no act.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from git_orch.plans import document, plan_document, revision, sentences
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
    """Something that was done, at the time that the ID of its first event has; the `lines` say more
    of it.
    """

    id: str
    text: str
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    """What became of the steps of a run, by ID: the number, and the error of the last attempt."""

    act: Act
    landed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, tuple[int, str]] = field(default_factory=dict)
    skipped: list[int] = field(default_factory=list)
    usd: float = 0.0
    outcome: str = "not ended"

    def tell(self) -> None:
        """Put what is known into the act."""
        parts = []
        if self.landed:
            parts.append(f"ran {sentences.steps(self.landed.values())}")
        for step, (number, error) in self.failed.items():
            if step not in self.landed:
                parts.append(f"step {number} failed: {error.partition(chr(10))[0]}")
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
        self.acts.append(Act(event.id, text, list(lines)))

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
        self.add(event, text, *(task.splitlines() if task else ()))

    def revise(self, event: Event) -> None:
        before, after = self.plan, plan_document.from_document(event.body.get("plan"))
        self.plan = after
        if not self.turned(event, "edit") and before is not None:
            what = revision.differences(before, after) or "the same text"
            self.add(event, f"edited: {what}")

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
        act = Act(event.id, "")
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
        self.run.failed[step] = (number, error)
        self.run.act.lines += [f"step {number} failed: {line}" for line in error.splitlines()[:1]]
        self.run.tell()

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

    def accept(self, event: Event) -> None:
        number = self.number(document.text(event.body, "step"))
        commit = (document.optional_text(event.body, "commit") or "")[:_OID]
        if number is not None:
            self.add(event, f"adopted {commit} as step {number}")


def _branch(event: Event) -> str:
    return document.text(event.body, "ref").removeprefix("refs/heads/")


_READERS: Mapping[str, Callable[[_Teller, Event], None]] = {
    "plan.created": _Teller.create,
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
    "attempt.failed": _Teller.fail,
    "model.called": _Teller.call,
    "move.intended": _Teller.intend,
    "move.done": _Teller.finish,
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
