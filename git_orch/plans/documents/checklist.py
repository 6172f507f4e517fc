"""The checklist of a plan: an item for each step, each criterion and each box of its idea, and
those that people added.

An item ticks itself when its step is done and verified, or when the checks that it names between
backquotes have passed. A person's tick outweighs that, and holds whatever becomes of the text.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from git_orch.plans import document, plan_document
from git_orch.plans.document import BadDocument
from git_orch.plans.documents import boxes, task_groups
from git_orch.plans.documents.task_groups import GROUPS, Group
from git_orch.plans.history import taken_back
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Status, StepState
from git_orch.plans.plan import Plan

Source = Literal["step", "criterion", "idea", "added"]

_TEXTS = frozenset({"plan.created", "plan.revised", "spec.written"})  # with a text of the plan
_QUOTED = re.compile(r"`([^`]+)`")
_DIGITS = 8


class Item(NamedTuple):
    """A task. `step` is the number of its step, `by` the person who ticked or unticked it; one that
    is `gone` is no part of the plan any more.
    """

    id: str
    text: str
    group: Group
    source: Source
    ticked: bool = False
    step: int | None = None
    by: str = ""
    gone: bool = False


class Tally(NamedTuple):
    """The items of a group, and how many of them are ticked."""

    group: Group
    items: int
    ticked: int


def of(status: Status) -> list[Item]:
    """The items of a plan in the order of the groups; those that are gone come last."""
    hand = _read(status.log.events)
    present = [*_of_plan(status.plan), *hand.added.values()]
    former = [*_former(status.log.events)]
    present_names = {item.id for item in present} | {_plain(item.text) for item in present}
    became = {_plain(item.text) for item in former if item.source != "idea"}  # of boxes
    gone = [
        item._replace(gone=True, step=None)
        for item in former
        if present_names.isdisjoint((item.id, _plain(item.text)))
        and not (item.source == "idea" and _plain(item.text) in became)
    ]
    seen: set[str] = set()
    items: list[Item] = []
    for item in [*present, *gone]:
        if item.id in seen or item.id in hand.removed:
            continue
        seen.add(item.id)
        items.append(_with_tick(status, item, hand))
    return sorted(items, key=lambda item: (item.gone, GROUPS.index(item.group)))


def ticked(status: Status) -> frozenset[str]:
    """The IDs of the steps and criteria that are ticked."""
    hand = _read(status.log.events)
    items = (_with_tick(status, item, hand) for item in _of_plan(status.plan))
    return frozenset(item.id for item in items if item.ticked)


def taken_off(status: Status) -> list[Item]:
    """The items of the plan that a person took off the list."""
    removed = _read(status.log.events).removed
    return [item for item in _of_plan(status.plan) if item.id in removed]


def tallies(items: Iterable[Item]) -> list[Tally]:
    """The groups that have items, in order."""
    counted = {group: [item for item in items if item.group == group] for group in GROUPS}
    return [
        Tally(group, len(listed), sum(item.ticked for item in listed))
        for group, listed in counted.items()
        if listed
    ]


def find(items: Iterable[Item], typed: str) -> list[Item]:
    """The items that a person means by an ID, the beginning of one, or a number of a list that
    begins at 1; several where it is not clear.
    """
    listed = [*items]
    exact = [item for item in listed if item.id == typed]
    if exact:
        return exact
    present = [item for item in listed if not item.gone]
    if typed.isascii() and typed.isdecimal() and len(typed) < 6:
        place = int(typed) - 1
        return present[place : place + 1] if place >= 0 else []
    return [item for item in listed if typed and item.id.startswith(typed.lower())]


def text_id(kind: str, text: str) -> str:
    """The ID of an item that is nothing but its text: it stays while the words do."""
    digest = hashlib.sha256(_plain(text).encode("utf-8", "replace")).hexdigest()
    return f"{kind}-{digest[:_DIGITS]}"


# -- the plan --------------------------------------------------------------------------------------


def _of_plan(plan: Plan) -> Iterator[Item]:
    titles: set[str] = set()
    for number, step in enumerate(plan.steps, start=1):
        titles.add(_plain(step.title))
        yield Item(step.id, step.title, task_groups.of_step(step), "step", step=number)
    for text in plan.spec.criteria if plan.spec is not None else ():
        titles.add(_plain(text))
        yield Item(text_id("criterion", text), text, "Validation", "criterion")
    for box in boxes.read(plan.body or ""):
        if _plain(box.text) not in titles:
            titles.add(_plain(box.text))
            group = task_groups.of_text(box.text, box.headings)
            yield Item(text_id("box", box.text), box.text, group, "idea", box.ticked)


def _former(events: Iterable[Event]) -> Iterator[Item]:
    """The items of all texts that the plan has had, the last one first."""
    for event in reversed([*events]):
        if event.name in _TEXTS:
            with contextlib.suppress(BadDocument):
                yield from _of_plan(plan_document.from_document(event.body.get("plan")))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_done(status: Status, item: Item) -> bool:
    if item.source == "step":
        return any(
            step.id == item.id and step.state in (StepState.DONE, StepState.UPSTREAM)
            for step in status.steps
        )
    commands = _commands(status) if item.source == "criterion" else {}
    named = [text for text in _QUOTED.findall(item.text) if text in commands]
    return bool(named) and all(commands[text] for text in named)


def _commands(status: Status) -> dict[str, bool]:
    """The commands of all checks, each with whether it has passed wherever it stands."""
    failed = {failure.command for failure in status.tip_failures()}
    passed: dict[str, bool] = {}
    for step in status.steps:
        for check in step.step.checks:
            text = check.command.text()
            done = step.state is StepState.DONE and text not in failed
            passed[text] = passed.get(text, True) and done
    return passed


# -- what people changed ---------------------------------------------------------------------------


class _Mark(NamedTuple):
    ticked: bool
    who: str


@dataclass(slots=True)
class _Hand:
    marks: dict[str, _Mark] = field(default_factory=dict)
    added: dict[str, Item] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


def _with_tick(status: Status, item: Item, hand: _Hand) -> Item:
    mark = hand.marks.get(item.id) or hand.marks.get(text_id("box", item.text))
    if mark is not None:
        return item._replace(ticked=mark.ticked, by=mark.who or "somebody")
    return item._replace(ticked=item.ticked or (not item.gone and _is_done(status, item)))


def _read(events: Sequence[Event]) -> _Hand:
    hand = _Hand()
    for event in taken_back.standing(events):
        if event.name.startswith("item."):
            with contextlib.suppress(BadDocument):
                _take(hand, event)
    return hand


def _take(hand: _Hand, event: Event) -> None:
    item = document.text(event.body, "item")
    who = document.optional_text(event.body, "who") or ""
    if event.name in ("item.ticked", "item.unticked"):
        hand.marks[item] = _Mark(event.name == "item.ticked", who)
    elif event.name == "item.added":
        text = document.text(event.body, "text")
        group = task_groups.named(document.optional_text(event.body, "group") or "")
        hand.added[item] = Item(item, text, group or task_groups.of_text(text), "added")
        hand.removed.discard(item)
    elif event.name == "item.removed":
        hand.removed.add(item)
