"""Places for the steps of a plan in a picture: level by level from the top, and arrows that pass no
step.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from git_orch.plans import graph
from git_orch.plans.plan import Plan

BOX = (220.0, 66.0)  # width and height
_GAP = (26.0, 46.0)
_MARGIN = 12.0
_BEND = 14.0  # the width of the place where an arrow passes a level
_SWEEPS = 6
# Beyond these a picture shows nothing any more, and takes a long time to draw.
MOST_ARROWS = 1_500
_MOST_BENDS = 3_000

Point = tuple[float, float]
_Node = str | tuple[str, str, int]  # a step, or the bend of an arrow at a level
_Rows = list[list[_Node]]


class Layout(NamedTuple):
    """The upper left corners of the boxes by step ID, the arrows from a step to one that waits for
    it, with the points on their ways; `left_out` arrows are not drawn.
    """

    boxes: Mapping[str, Point]
    arrows: tuple[tuple[tuple[str, str], tuple[Point, ...]], ...]
    width: float
    height: float
    left_out: int = 0


def of_plan(plan: Plan) -> Layout:
    """The layout of a plan. An arrow that follows from others is none: its steps are ordered anyhow.

    Raises graphlib.CycleError.
    """
    every = _needed(plan)
    edges = every[:MOST_ARROWS]
    rows: _Rows = [[step.id for step in level] for level in graph.levels(plan)]
    links = _linked(rows, edges)
    for sweep in range(_SWEEPS):
        _sort(rows, links, downwards=sweep % 2 == 0)
    centres = _placed(rows)
    _straighten(rows, links, centres)
    shift = _MARGIN - min((centres[row[0]] - _width(row[0]) / 2 for row in rows), default=0.0)
    tops = [_MARGIN + number * (BOX[1] + _GAP[1]) for number in range(len(rows))]
    right = max((centres[row[-1]] + _width(row[-1]) / 2 for row in rows), default=0.0)
    level = {node: number for number, row in enumerate(rows) for node in row}
    points = {
        node: (round(centres[node] + shift, 1), tops[number]) for node, number in level.items()
    }
    return Layout(
        {step.id: (points[step.id][0] - BOX[0] / 2, points[step.id][1]) for step in plan.steps},
        tuple((edge, _way(edge, level, points)) for edge in edges),
        round(right + shift + _MARGIN, 1),
        (tops[-1] + BOX[1] if tops else 0.0) + _MARGIN,
        len(every) - len(edges),
    )


def _needed(plan: Plan) -> list[tuple[str, str]]:
    """The dependencies that do not follow from others."""
    below: dict[str, set[str]] = {}
    steps = {step.id: step for step in plan.steps}
    for step_id in graph.order(plan):
        needs = steps[step_id].depends_on
        below[step_id] = {*needs}.union(*(below[need] for need in needs))
    edges = []
    for step in plan.steps:
        implied: set[str] = set().union(*(below[need] for need in step.depends_on))
        edges += [(need, step.id) for need in dict.fromkeys(step.depends_on) if need not in implied]
    return edges


def _linked(rows: _Rows, edges: Iterable[tuple[str, str]]) -> list[tuple[_Node, _Node]]:
    """The links between neighbouring levels; bends are put into the levels that an arrow passes."""
    level = {node: number for number, row in enumerate(rows) for node in row}
    links: list[tuple[_Node, _Node]] = []
    bends = 0
    for need, step in edges:
        way: list[_Node] = [need]
        bends += level[step] - level[need] - 1
        if bends <= _MOST_BENDS:
            for number in range(level[need] + 1, level[step]):
                way.append((need, step, number))
                rows[number].append(way[-1])
        way.append(step)
        links += itertools.pairwise(way)
    return links


def _sort(rows: _Rows, links: list[tuple[_Node, _Node]], *, downwards: bool) -> None:
    """Put each node of a level near the middle of those that it is linked to in the last one."""
    near: dict[_Node, list[_Node]] = {}
    for upper, lower in links:
        one, other = (lower, upper) if downwards else (upper, lower)
        near.setdefault(one, []).append(other)
    place = {node: _share(number, row) for row in rows for number, node in enumerate(row)}
    for row in rows if downwards else reversed(rows):
        wished = {node: _mean([place[other] for other in near.get(node, [node])]) for node in row}
        row.sort(key=wished.__getitem__)
        place.update({node: _share(number, row) for number, node in enumerate(row)})


def _share(number: int, row: list[_Node]) -> float:
    return (number + 0.5) / len(row)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _width(node: _Node) -> float:
    return BOX[0] if isinstance(node, str) else _BEND


def _placed(rows: _Rows) -> dict[_Node, float]:
    """The middle of each node, with the levels centred."""
    centres: dict[_Node, float] = {}
    for row in rows:
        left = -(sum(map(_width, row)) + _GAP[0] * (len(row) - 1)) / 2
        for node in row:
            centres[node] = left + _width(node) / 2
            left += _width(node) + _GAP[0]
    return centres


def _straighten(rows: _Rows, links: list[tuple[_Node, _Node]], centres: dict[_Node, float]) -> None:
    """Move the nodes of levels with room below the middle of those that they wait for, and none
    over its neighbour.
    """
    above: dict[_Node, list[_Node]] = {}
    for upper, lower in links:
        above.setdefault(lower, []).append(upper)
    for row in rows[1:]:
        wished = [_mean([centres[other] for other in above.get(node, [node])]) for node in row]
        _set_apart(row, wished, centres)


def _set_apart(row: list[_Node], wished: list[float], centres: dict[_Node, float]) -> None:
    """Give nodes places near the wished ones that keep their order and the gaps: groups of nodes
    that touch stand around the mean of their wishes.
    """
    groups: list[tuple[float, float, int]] = []  # sum of left wishes, width, nodes
    for node, wish in zip(row, wished, strict=True):
        room = _width(node) + _GAP[0]
        groups.append((wish - room / 2, room, 1))
        while len(groups) > 1 and _left(groups[-2]) + groups[-2][1] > _left(groups[-1]):
            wishes, wide, count = groups.pop()
            before, wide_before, count_before = groups.pop()
            moved = before + wishes - wide_before * count
            groups.append((moved, wide_before + wide, count_before + count))
    nodes = iter(row)
    for group in groups:
        left = _left(group)
        for _ in range(group[2]):
            node = next(nodes)
            centres[node] = left + (_width(node) + _GAP[0]) / 2
            left += _width(node) + _GAP[0]


def _left(group: tuple[float, float, int]) -> float:
    return group[0] / group[2]


def _way(
    edge: tuple[str, str], level: Mapping[_Node, int], points: Mapping[_Node, Point]
) -> tuple[Point, ...]:
    """From the lower edge of one box to the upper edge of the other, down through the bends."""
    need, step = edge
    way = [(points[need][0], points[need][1] + BOX[1])]
    for number in range(level[need] + 1, level[step]):
        bend = points.get((need, step, number))
        if bend is not None:
            way += [bend, (bend[0], bend[1] + BOX[1])]
    return (*way, points[step])
