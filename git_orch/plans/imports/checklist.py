"""A plain checklist in Markdown: every open box without boxes below it is a task."""

from __future__ import annotations

from git_orch.plans.imports import outline, task
from git_orch.plans.imports.outline import Item, Outline
from git_orch.plans.imports.task import Files, Reading, Task

TOOL = "a checklist"


def read(files: Files, text: Outline) -> Reading:
    """The tasks of a checklist."""
    name = outline.first_heading(files.text[outline.body_start(files.text) :]) or files.stem
    reading = Reading(TOOL, name, notes=odd_marks(text))
    for item in text.items:
        reading.tasks.append(
            Task(
                id=f"line {item.line}",
                title=item.text,
                text=text_of(item),
                parent=f"line {text.items[item.parent].line}" if item.parent >= 0 else "",
                done=item.ticked,
                parts=item.headings,
            )
        )
    return reading


def text_of(item: Item) -> str:
    """The text of a task, with the lines below its box and the headings above it."""
    above = " > ".join(item.headings)
    below = task.clean("\n".join(item.more))
    return task.paragraphs(item.text, below, f"It stands below: {above}" if above else "")


def odd_marks(text: Outline) -> list[str]:
    """A line for each box with a mark that says neither done nor open."""
    return [
        f"line {item.line}: the box '[{item.mark}]' counts as open"
        for item in text.items
        if item.mark not in outline.DONE | outline.OPEN
    ]
