"""The changes of a plan that its user may want to hear of: a person's turn, an end, a landing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from git_orch.plans.history.events import Event
from git_orch.plans.history.persons_turn import persons_turn
from git_orch.plans.history.status import Status

Change = Literal["waiting", "question", "budget", "failed", "complete", "landed"]
_OUTCOMES: dict[object, Change] = {
    "complete": "complete",
    "failed": "failed",
    "waiting": "waiting",
    "review": "waiting",
}


class Bell(NamedTuple):
    """A change, the ID of the event that made it, and what there is to say about it."""

    event: str
    change: Change
    text: str


def bells(events: Sequence[Event], clone: str, after: str, status: Status) -> list[Bell]:
    """The changes that this clone made with events after the one with the ID `after`. A change that
    only repeats the one before it is left out, and so is the end of a run whose reason has been
    told.
    """
    result: list[Bell] = []
    before: Change | None = None
    for event, change in _changes(events, clone):
        told = before in ("question", "budget") and change in ("waiting", "failed")
        repeated = change == before == "waiting"
        if change is not None and not told and not repeated and event.id > after:
            text = _text(event, change, status)
            result += [Bell(event.id, change, text)] if text is not None else []
        before = change if not told else before
    return result


def _changes(events: Sequence[Event], clone: str) -> Iterator[tuple[Event, Change | None]]:
    """The changes by these events of a clone; None is progress, after which nothing repeats."""
    for event in events:
        if event.clone != clone:
            continue
        match event.name:
            case "step.asked":
                yield event, "question"
            case "attempt.failed" if event.body.get("reason") == "budget":
                yield event, "budget"
            case "run.ended" if event.body.get("outcome") in _OUTCOMES:
                yield event, _OUTCOMES[event.body["outcome"]]
            case "plan.landed":
                yield event, "landed"
            case "step.landed" | "step.answered" | "plan.revised":
                yield event, None


def _text(event: Event, change: Change, status: Status) -> str | None:
    """The sentence about a change; None where it is none: a person need not act, or a landing did
    not come about.
    """
    title = status.plan.title
    steps = {step.id: step for step in status.steps}
    step = steps.get(str(event.body.get("step")))
    number = f"step {step.number}" if step is not None else "a step"
    match change:
        case "question":
            return f"{number} asks: {event.body.get('question')}"
        case "budget":
            return f"the budget ended {number} of: {title}"
        case "failed":
            return f"failed: {title}"
        case "complete":
            return f"complete: {title}"
        case "landed":
            branch = str(event.body.get("ref")).removeprefix("refs/heads/")
            return f"landed on {branch}: {title}" if status.landed is not None else None
    if event.body.get("outcome") == "review":
        return f"a step needs your review: {title}"
    waiting = persons_turn(status)
    return f"step {waiting[0].number} waits for you: {waiting[0].title}" if waiting else None
