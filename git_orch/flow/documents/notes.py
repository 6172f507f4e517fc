"""What people note about a plan: decisions, blockers, progress."""

from __future__ import annotations

from typing import NamedTuple

from git_orch import errors
from git_orch.flow.model import typed_text
from git_orch.flow.open_plan import OpenPlan


class NewNote(NamedTuple):
    """A note to be written. `number` is the step that it is about, `run` the one that it belongs to
    where that is not the last.
    """

    kind: str
    text: str
    number: int | None = None
    run: str | None = None


def add(plan: OpenPlan, note: NewNote, who: str) -> None:
    """Write a note into the log, redacted. Raises UsageError for one that is empty or too long, or
    about a step that is not there.
    """
    hint = f'git orch note {plan.name} "TEXT"'
    text = "\n\n".join(typed_text.paragraphs([note.text], hint))
    if not text:
        raise errors.UsageError("the note is empty", hint)
    steps = plan.status().steps
    about: dict[str, str] = {}
    if note.number is not None:
        if not 1 <= note.number <= len(steps):
            raise errors.UsageError(f"there is no step {note.number}", f"git orch show {plan.name}")
        about["step"] = steps[note.number - 1].id
    if note.run is not None:
        about["run"] = note.run
    event = plan.event("plan.noted", kind=note.kind, text=text, who=who, **about)
    plan.record((plan.home, event))
