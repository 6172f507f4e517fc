"""The graph of a plan as SVG, on its own or as a part of a page."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from git_orch.plans import graph, ids, sentences
from git_orch.plans.history.status import Status, StepStatus
from git_orch.views.pictures import layout, markup, tones
from git_orch.views.pictures.layout import BOX, Layout, Point

_COLUMNS = 24  # of a title on one line of a box
_CONFLICTS_DRAWN = 12  # pairs
_LINE = 17.0  # pixels
_NOTES = 22.0  # pixels between what stands below the steps


def picture(status: Status) -> str:
    """A whole SVG file, which follows the reader's choice of light or dark."""
    placed, name = layout.of_plan(status.plan), ids.short(status.id)
    described = f"{sentences.count(len(status.steps), 'step')}, each below those that it waits for"
    parts = [
        markup.element("title", {"id": "name"}, markup.text(f"{name}: {status.plan.title}")),
        markup.element("desc", {"id": "about"}, markup.text(described)),
        markup.element("style", {}, tones.style()),
        *_drawn(status, placed, links=False),
    ]
    about = {"role": "img", "aria-labelledby": "name about"}
    return _frame(placed, _notes(status, placed), parts, about)


def part(status: Status) -> str:
    """The same for a page, which has the style, and a place for each step with the ID `step-N`."""
    placed = layout.of_plan(status.plan)
    about = {"role": "group", "aria-label": "the graph of the steps"}
    parts = [*_drawn(status, placed, links=True)]
    return _frame(placed, _notes(status, placed), parts, about)


def _frame(placed: Layout, notes: list[str], parts: Iterable[str], about: Mapping[str, str]) -> str:
    longest = max(map(markup.width, notes), default=0)
    width = max(placed.width, longest * 7.5 + 24)
    height = placed.height + _NOTES * len(notes)
    below = [
        markup.element(
            "text",
            {"class": "note", "x": 12.0, "y": placed.height + _NOTES * number + 12},
            markup.text(note),
        )
        for number, note in enumerate(notes)
    ]
    size: dict[str, str | float] = {
        "xmlns": "http://www.w3.org/2000/svg", "class": "graph", "width": width, "height": height,
        "viewBox": f"0 0 {width:g} {height:g}",
    }  # fmt: skip
    return markup.element("svg", {**size, **about}, "\n".join(["", *parts, *below, ""]))


def _notes(status: Status, placed: Layout) -> list[str]:
    """What the lines in the picture mean."""
    notes = []
    longest = len(_longest(status))
    if longest > 1:
        notes.append(f"bold: the longest chain, {longest} of {len(status.steps)} steps")
    pairs = len(graph.conflicts(status.plan))
    if pairs:
        more = f"; {pairs - _CONFLICTS_DRAWN} more pairs" if pairs > _CONFLICTS_DRAWN else ""
        notes.append(f"dashed: these change the same path, so not at once{more}")
    if placed.left_out:
        notes.append(f"{sentences.count(placed.left_out, 'more arrow')} not drawn")
    return notes


def _longest(status: Status) -> list[str]:
    return [step.id for step in graph.critical_path(status.plan, lambda _: 1.0)]


def _drawn(status: Status, placed: Layout, *, links: bool) -> Iterator[str]:
    longest = _longest(status)
    chain = {*itertools.pairwise(longest)}
    yield _ARROWHEAD
    for one, other in graph.conflicts(status.plan)[:_CONFLICTS_DRAWN]:
        ends = _middle(placed.boxes[one.id]), _middle(placed.boxes[other.id])
        yield markup.element("path", {"class": "conflict", "d": _line(*ends)})
    for edge, way in placed.arrows:
        bold = " chain" if edge in chain else ""
        yield markup.element(
            "path", {"class": f"arrow{bold}", "d": _curve(way), "marker-end": "url(#head)"}
        )
    for step in status.steps:
        box = _box(step, placed.boxes[step.id], bold=step.id in longest and len(longest) > 1)
        about = f"step {step.number}: {step.title}, {step.word}"
        yield (
            markup.element("a", {"href": f"#step-{step.number}", "aria-label": about}, box)
            if links
            else box
        )


_ARROWHEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8"'
    ' markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
    '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>'
)


def _box(step: StepStatus, corner: Point, *, bold: bool) -> str:
    x, y = corner
    size: dict[str, str | float] = {
        "x": x, "y": y, "width": BOX[0], "height": BOX[1], "rx": 8.0
    }  # fmt: skip
    title = markup.wrapped(f"{step.number} {step.title}", _COLUMNS, 2)
    lines = [(line, "title") for line in title]
    lines.append((f"{step.word} · {step.kind}", "state"))
    top = y + (BOX[1] - _LINE * len(lines)) / 2 + 12.5
    texts = [
        markup.element(
            "text", {"class": kind, "x": x + 14, "y": top + _LINE * number}, markup.text(line)
        )
        for number, (line, kind) in enumerate(lines)
    ]
    whole = markup.element("title", {}, markup.text(f"{step.number} {step.title}: {step.word}"))
    chain = " chain" if bold else ""
    kinds = {"class": f"step {tones.of_step(step)}{chain}"}
    return markup.element("g", kinds, whole + markup.element("rect", size) + "".join(texts))


def _middle(corner: Point) -> Point:
    return corner[0] + BOX[0] / 2, corner[1] + BOX[1] / 2


def _line(one: Point, other: Point) -> str:
    return f"M{one[0]:g} {one[1]:g} {other[0]:g} {other[1]:g}"


def _curve(way: tuple[Point, ...]) -> str:
    """A line that leaves and reaches each point downwards."""
    drawn = [f"M{way[0][0]:g} {way[0][1]:g}"]
    for (x, y), (to_x, to_y) in itertools.pairwise(way):
        middle = (y + to_y) / 2
        drawn.append(
            f"V{to_y:g}"
            if x == to_x
            else f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
        )
    return "".join(drawn)
