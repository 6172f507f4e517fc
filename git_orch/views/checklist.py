"""The checklist of a plan, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from git_orch.plans import ids, sentences
from git_orch.plans.document import Document
from git_orch.plans.documents import checklist, words
from git_orch.plans.documents.checklist import Item
from git_orch.plans.history.status import Status
from git_orch.views import requirements
from git_orch.views.console import Part, Styled

if TYPE_CHECKING:
    from git_orch.plans.drift import Verdict

_LONGEST = 20  # lines of items and requirements that are shown in one go


def lines(
    status: Status,
    items: Sequence[Item],
    report: str | None = None,
    verdicts: Sequence[Verdict] = (),
    *,
    whole: bool,
) -> Iterator[tuple[Part, ...]]:
    """The lines of a checklist, and of the plan's requirements; without `whole` a long one is cut,
    with what is not done first. `report` is its exported file.
    """
    present = [item for item in items if not item.gone]
    tallies = checklist.tallies(present)
    yield (Styled(f"Scouting: {words.spec_id(status) or status.id}", "bold"),)
    if report is not None:
        yield (f"Report: {report}",)
    yield (f"Found {sentences.count(len(present), 'implementation task')}",)
    categories = f"{len(tallies)} {sentences.verb(len(tallies), 'category', 'categories')}"
    yield (f"Summary: {sentences.count(len(present), 'task')} across {categories}",)
    for tally in tallies:
        yield (f"  {tally.group:<15}{tally.ticked}/{tally.items} done",)
    numbers = {item.id: number for number, item in enumerate(present, start=1)}
    below = [*requirements.state_lines(verdicts, whole=whole)]
    shown = _shown(items, len(items) if whole else _LONGEST - len(below))
    group = None
    for item in (one for one in shown if not one.gone):
        if item.group != group:
            group = item.group
            yield ("",)
            yield (Styled(group, "bold"),)
        yield _line(item, f"{numbers[item.id]:>3}")
    gone = [item for item in shown if item.gone]
    if gone:
        yield ("",)
        yield (Styled("No longer in the plan", "bold"),)
        yield from (_line(item, "  -") for item in gone)
    yield from below
    left = len(items) - len(shown)
    if left:
        yield (f"... {left} more: git orch scout {ids.short(status.id)} --all",)


def _shown(items: Sequence[Item], most: int) -> list[Item]:
    if len(items) <= most:
        return [*items]
    order = sorted(items, key=lambda item: (item.gone, item.ticked))[:most]
    first = {item.id for item in order}
    return [item for item in items if item.id in first]


def _line(item: Item, number: str) -> tuple[Part, ...]:
    box = Styled("[x]", "green") if item.ticked else "[ ]"
    by = f"  by {item.by}" if item.by else ""
    return ("  ", box, f" {number}  {item.text}", Styled(f"  ({item.id}){by}", "dim"))


def document(status: Status, items: Sequence[Item], verdicts: Sequence[Verdict]) -> Document:
    """The checklist and the requirements as JSON-ready values."""
    tallies = checklist.tallies(item for item in items if not item.gone)
    return {
        "plan": status.id,
        "spec_id": words.spec_id(status),
        "tasks": sum(tally.items for tally in tallies),
        "done": sum(tally.ticked for tally in tallies),
        "groups": [tally._asdict() for tally in tallies],
        "items": [{**item._asdict(), "by": item.by or None} for item in items],
        "requirements": requirements.documents(status, verdicts),
    }
