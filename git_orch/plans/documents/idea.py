"""The idea of a plan: a title, and a text in Markdown."""

from __future__ import annotations

from git_orch.plans import one_line
from git_orch.plans.documents import boxes


def title_in(body: str) -> str:
    """The first line that is not blank, without the marks of a heading; "" where there is none."""
    first = next((line for line in body.splitlines() if line.strip()), "")
    heading = boxes.heading(first)
    return one_line.of(first if heading is None else heading)


def milestones(body: str) -> list[str]:
    """The texts of the boxes under the heading Milestones; of all boxes where there is no such
    heading.
    """
    below = boxes.below(body, "Milestones")
    return [box.text for box in (boxes.read(body) if below is None else below)]
