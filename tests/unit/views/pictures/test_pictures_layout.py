"""Places for steps: none on another, and no arrow through one."""

from __future__ import annotations

import itertools

import pictured
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.plan import Plan
from git_orch.views.pictures import layout


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 14))
    steps = [
        pictured.step(number, sorted(draw(st.sets(st.integers(1, number - 1), max_size=4))))
        if number > 1
        else pictured.step(number)
        for number in range(1, count + 1)
    ]
    return Plan("t", "t", tuple(steps))


@given(plans())
def test_no_box_is_on_another_one_or_outside(plan: Plan) -> None:
    placed = layout.of_plan(plan)
    width, height = layout.BOX
    for (left, top), (other, below) in itertools.combinations(placed.boxes.values(), 2):
        assert abs(left - other) >= width or abs(top - below) >= height
    for left, top in placed.boxes.values():
        assert 0 <= left <= placed.width - width
        assert 0 <= top <= placed.height - height


@given(plans())
def test_no_arrow_passes_through_a_box(plan: Plan) -> None:
    placed = layout.of_plan(plan)
    for (need, step), way in placed.arrows:
        for (x, y), (_, down) in itertools.pairwise(way):
            for name, (left, top) in placed.boxes.items():
                beside = x <= left or x >= left + layout.BOX[0]
                assert beside or top + layout.BOX[1] <= y or down <= top or name in (need, step)


@given(plans())
def test_every_dependency_follows_from_the_arrows(plan: Plan) -> None:
    below: dict[str, set[str]] = {}
    for need, step in (edge for edge, _ in layout.of_plan(plan).arrows):
        below.setdefault(step, set()).add(need)
    for waiting in plan.steps:  # each stands after those that it waits for
        direct = below.get(waiting.id, set())
        below[waiting.id] = direct.union(*(below[need] for need in direct))
        assert below[waiting.id] >= set(waiting.depends_on)
