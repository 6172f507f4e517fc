"""What people wrote beside the steps, without what an undo took back: that counts as never written.

It is a pure function of the log, so that an undo adds one event, and its own undo another.
"""

from __future__ import annotations

from collections.abc import Sequence

from git_orch.plans.history.events import Event

# Events that change nothing but what they say. An undo of a change leaves all others standing.
SMALL = frozenset(
    {
        "plan.readied", "plan.drafted", "plan.owned", "comment.made", "comment.closed",
        "item.ticked", "item.unticked", "item.added", "item.removed", "plan.noted",
    }
)  # fmt: skip


def standing(events: Sequence[Event]) -> Sequence[Event]:
    """The events without the small ones of changes that are taken back now."""
    taken: set[str] = set()
    for event in events:
        if "undoes" in event.body:
            taken.add(str(event.body["undoes"]))
        elif "redoes" in event.body:
            taken.discard(str(event.body["redoes"]))
    if not taken:
        return events
    return [
        event
        for event in events
        if event.name not in SMALL or taken.isdisjoint((event.id, str(event.body.get("part_of"))))
    ]
