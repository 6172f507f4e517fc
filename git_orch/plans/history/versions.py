"""The versions of a plan's text: what the last edit, or a model, changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from git_orch.plans import document, plan_document
from git_orch.plans.document import BadDocument
from git_orch.plans.history import changes, replay
from git_orch.plans.history.changes import ChangeKind
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import StoredEstimate
from git_orch.plans.plan import Plan

_WITH_TEXT = frozenset({"plan.created", "plan.revised", "spec.written"})


class Version(NamedTuple):
    """A text of a plan, and its estimate."""

    plan: Plan
    estimate: StoredEstimate | None


class Edit(NamedTuple):
    """An edit: its event, the versions before and after it, and what a person asked a model to
    change.
    """

    event: str
    before: Version
    after: Version
    message: str = ""


def last_edit(events: Iterable[Event], branch: str) -> Edit | None:
    """The last edit of a plan that nobody took back, by hand or by a model; None where there is
    none that can be read. The plan's branch has that full name.
    """
    for change in reversed(changes.read(events, branch).stand):
        before, after = change.before, change.after
        if change.kind is ChangeKind.EDIT and before is not None and after is not None:
            try:
                message = document.optional_text(after.body, "message") or ""
                return Edit(after.id, _version(before.body), _version(after.body), message)
            except BadDocument:
                return None
    return None


def texts(events: Iterable[Event]) -> list[tuple[str, Version]]:
    """All texts that a plan has had, each with the ID of its event, the first one first."""
    listed: list[tuple[str, Version]] = []
    for event in events:
        if event.name in _WITH_TEXT:
            with contextlib.suppress(BadDocument):
                listed.append((event.id, _version(event.body)))
    return listed


def between(events: Iterable[Event], first: str, second: str | None) -> Edit:
    """The difference of two texts, by their numbers or the IDs of their events; of one and the last
    one where there is no second. Raises KeyError with the word that names none.
    """
    listed = texts(events)
    before = _named(listed, first)
    after = listed[-1] if second is None else _named(listed, second)
    return Edit(after[0], before[1], after[1])


def _named(listed: list[tuple[str, Version]], word: str) -> tuple[str, Version]:
    for number, text in enumerate(listed, start=1):
        if word in (str(number), text[0]):
            return text
    raise KeyError(word)


def _version(body: Mapping[str, object]) -> Version:
    plan = plan_document.from_document(body.get("plan"))
    return Version(plan, replay.stored_estimate(body.get("estimate")))
