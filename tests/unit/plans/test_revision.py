"""Which steps of a file are steps of the plan, and what differs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import revision
from git_orch.plans.file import planfile
from git_orch.plans.plan import Plan

# Titles and commands come twice often enough for equal steps.
STEPS = st.fixed_dictionaries(
    {"title": st.sampled_from("ABC"), "run": st.sampled_from(["true", "make", "ls"])}
)
FILES = st.lists(STEPS, min_size=1, max_size=8)


def read(steps: Sequence[Mapping[str, object]], old: Plan | None = None) -> Plan:
    text = json.dumps({"title": "T", "steps": steps})
    used = [step.id for step in old.steps] if old is not None else []
    return planfile.read(text, "file", used, old)


@st.composite
def chained(draw: st.DrawFn) -> list[dict[str, object]]:
    """Steps some of which need earlier ones."""
    steps: list[dict[str, object]] = [dict(step) for step in draw(FILES)]
    for number, step in enumerate(steps[1:], start=1):
        needs = draw(st.lists(st.integers(1, number), max_size=2, unique=True))
        step.update({"depends_on": needs} if needs else {})
    return steps


@given(chained())
def test_the_file_that_a_plan_was_made_of_is_the_plan(steps: list[dict[str, object]]) -> None:
    plan = read(steps)
    assert read(steps, plan) == plan


@given(chained(), FILES)
def test_steps_added_at_the_end_change_no_other(
    steps: list[dict[str, object]], more: list[dict[str, object]]
) -> None:
    plan = read(steps)
    longer = read([*steps, *more], plan)
    assert longer.steps[: len(steps)] == plan.steps
    assert len({step.id for step in longer.steps}) == len(longer.steps)


@given(st.lists(STEPS, min_size=2, max_size=6, unique_by=lambda step: step["title"]), st.data())
def test_steps_in_another_order_keep_their_ids(
    steps: list[dict[str, object]], data: st.DataObject
) -> None:
    plan = read(steps)
    ids = {step.title: step.id for step in plan.steps}
    other = read(data.draw(st.permutations(steps)), plan)
    assert {step.title: step.id for step in other.steps} == ids


def test_a_step_whose_title_stayed_is_the_step_that_changed() -> None:
    plan = read([{"title": "A", "run": "true"}, {"title": "B", "run": "true"}])
    new = read([{"title": "New", "run": "ls"}, {"title": "B", "run": "make"}], plan)
    assert [step.id for step in new.steps] == ["s3", "s2"]


def test_an_id_in_the_file_outranks_an_equal_step() -> None:
    plan = read([{"title": "A", "run": "true"}, {"title": "B", "run": "ls"}])
    new = read([{"title": "A", "run": "true"}, {"id": "s1", "title": "B", "run": "ls"}], plan)
    assert [step.id for step in new.steps] == ["s3", "s1"]


def test_differences_name_steps_by_the_numbers_that_people_see() -> None:
    one, two, three = ({"title": title, "run": "true"} for title in "ABC")
    plan = read([one, two, three])
    new = read([three, {**one, "run": "ls"}, {"title": "D", "run": "true"}], plan)
    assert revision.differences(plan, new) == (
        "step 2 changed, step 3 added, step 2 removed, steps reordered"
    )
    assert revision.differences(plan, plan) == ""
