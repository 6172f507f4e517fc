"""What people change by hand in the checklist of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from git_orch import errors
from git_orch.flow.model import typed_text
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import one_line
from git_orch.plans.documents import checklist, task_groups
from git_orch.plans.documents.checklist import Item
from git_orch.plans.documents.task_groups import GROUPS, Group
from git_orch.plans.history.events import Event


def tick(plan: OpenPlan, items: Sequence[Item], who: str) -> None:
    """Tick items by hand; nothing is to do for one that a person has ticked."""
    missing = [item.id for item in items if not (item.ticked and item.by)]
    _record(plan, [plan.event("item.ticked", item=item, who=who) for item in missing])


def untick(plan: OpenPlan, items: Sequence[Item], who: str) -> None:
    """Take the ticks of items away, whatever they come from."""
    ticked = [item.id for item in items if item.ticked]
    _record(plan, [plan.event("item.unticked", item=item, who=who) for item in ticked])


def remove(plan: OpenPlan, items: Sequence[Item], who: str) -> None:
    """Take items off the list."""
    _record(plan, [plan.event("item.removed", item=item.id, who=who) for item in items])


def take(plan: OpenPlan, ticks: Mapping[str, bool], who: str) -> bool:
    """Tick and untick by hand what a file says, by the IDs of items or the titles of steps; False
    where the list has it already.
    """
    status = plan.status()
    ids = {step.title: step.id for step in status.plan.steps}
    asked = {ids.get(name, name): ticked for name, ticked in ticks.items()}
    items = [
        item
        for item in checklist.of(status)
        if not item.gone and item.ticked is not asked.get(item.id, item.ticked)
    ]
    tick(plan, [item for item in items if not item.ticked], who)
    untick(plan, items, who)
    return bool(items)


def add(plan: OpenPlan, text: str, group: str | None, who: str) -> str:
    """Add an item, redacted; gives its ID. Raises UsageError for an empty one, and for a group that
    is none.
    """
    hint = f'git orch scout {plan.name} --add "TEXT"'
    line = one_line.of(" ".join(typed_text.paragraphs([text], hint)))
    if not line:
        raise errors.UsageError("the item is empty", hint)
    item = checklist.text_id("added", line)
    plan.record(
        (
            plan.home,
            plan.event(
                "item.added", item=item, text=line, group=_group(group, line, hint), who=who
            ),
        )
    )
    return item


def restore(plan: OpenPlan, items: Sequence[Item], who: str) -> None:
    """Put items of the plan back that somebody took off the list."""
    _record(
        plan,
        [
            plan.event("item.added", item=item.id, text=item.text, group=item.group, who=who)
            for item in items
        ],
    )


def chosen(plan: OpenPlan, items: Sequence[Item], typed: str) -> Item:
    """The item that a person typed. Raises NotFound."""
    fitting = checklist.find(items, typed)
    listed = f"git orch scout {plan.name}"
    if not fitting:
        raise errors.NotFound(f"there is no item '{typed}' in the checklist", listed)
    if len(fitting) > 1:
        names = ", ".join(item.id for item in fitting[:5])
        raise errors.NotFound(f"'{typed}' may be any of {names}", listed)
    return fitting[0]


def _record(plan: OpenPlan, events: Sequence[Event]) -> None:
    """Write events, all of them at once: they are one change."""
    if not events:
        return
    first, *others = events
    parts = [event._replace(body={**event.body, "part_of": first.id}) for event in others]
    plan.record(*((plan.home, event) for event in (first, *parts)))


def _group(typed: str | None, text: str, hint: str) -> Group:
    if typed is None:
        return task_groups.of_text(text)
    group = task_groups.named(typed)
    if group is None:
        names = ", ".join(GROUPS)
        raise errors.UsageError(f"'{typed}' is none of {names}", f"{hint} --group {GROUPS[0]}")
    return group
