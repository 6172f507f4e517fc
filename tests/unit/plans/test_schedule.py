"""The books of a run: whatever the order in which steps end, each is landed, failed or blocked at
the end.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.plan import Plan, Step
from git_orch.plans.schedule import Phase, Schedule

UNDER_WAY = (Phase.WAITING, Phase.RUNNING, Phase.FINISHED)


def plan(*steps: Step) -> Plan:
    return Plan("A plan", "An objective", steps)


def step(number: int, *needs: int, paths: tuple[str, ...] = ()) -> Step:
    return Step(
        f"s{number}",
        f"Step {number}",
        "run",
        depends_on=tuple(f"s{need}" for need in needs),
        paths=paths,
    )


def names(steps: list[Step]) -> list[str]:
    return [each.id for each in steps]


def everything(found: Plan) -> list[str]:
    return [each.id for each in found.steps]


def test_a_step_starts_when_all_it_needs_has_landed() -> None:
    found = plan(step(1), step(2, 1))
    books = Schedule(found, set(), everything(found))
    assert names(books.startable_steps(8)) == ["s1"]
    books.start("s1")
    books.finish("s1")
    assert names(books.startable_steps(8)) == []
    books.land("s1")
    assert names(books.startable_steps(8)) == ["s2"]


def test_steps_that_declare_a_path_in_common_do_not_run_at_the_same_time() -> None:
    found = plan(step(1, paths=("src/a.py",)), step(2, paths=("src",)), step(3, paths=("doc",)))
    assert names(Schedule(found, set(), everything(found)).startable_steps(8)) == ["s1", "s3"]


def test_the_longest_way_to_the_end_starts_first() -> None:
    found = plan(step(1), step(2), step(3, 2))
    books = Schedule(found, set(), everything(found), weights={"s1": 1, "s2": 2, "s3": 1})
    assert names(books.startable_steps(1)) == ["s2"]


def test_a_result_waits_for_an_earlier_step() -> None:
    found = plan(step(1), step(2))
    books = Schedule(found, set(), everything(found))
    books.start("s1")
    books.start("s2")
    books.finish("s2")
    assert books.next_landing() is None
    books.finish("s1")
    assert books.next_landing() == "s1"


def test_a_result_that_holds_up_another_step_waits_for_nobody() -> None:
    found = plan(step(1), step(2), step(3, 2))
    books = Schedule(found, set(), everything(found))
    books.start("s1")
    books.start("s2")
    books.finish("s2")
    assert books.next_landing() == "s2"


def test_a_result_that_is_not_all_a_step_waits_for_keeps_to_the_order() -> None:
    found = plan(step(1), step(2), step(3), step(4, 2, 3))
    books = Schedule(found, set(), everything(found))
    for each in ("s1", "s2", "s3"):
        books.start(each)
    books.finish("s2")
    assert books.next_landing() is None
    books.finish("s3")
    assert books.next_landing() == "s2"


def test_a_step_whose_need_is_not_part_of_the_run_is_blocked() -> None:
    found = plan(step(1), step(2, 1), step(3))
    books = Schedule(found, set(), ["s2", "s3"])
    assert books.in_phase(Phase.BLOCKED) == ["s2"]
    assert names(books.startable_steps(8)) == ["s3"]


def test_a_failure_stops_what_has_not_begun() -> None:
    found = plan(step(1), step(2))
    books = Schedule(found, set(), everything(found))
    books.start("s1")
    books.fail("s1")
    assert books.in_phase(Phase.BLOCKED) == ["s2"]
    assert books.in_phase(*UNDER_WAY) == []


def test_with_keep_going_only_what_needs_the_failed_step_is_blocked() -> None:
    found = plan(step(1), step(2), step(3, 1), step(4, 3))
    books = Schedule(found, set(), everything(found), keep_going=True)
    books.start("s1")
    books.fail("s1")
    assert names(books.startable_steps(8)) == ["s2"]
    assert books.in_phase(Phase.BLOCKED) == ["s3", "s4"]


@pytest.mark.parametrize(("keep_going", "startable"), [(True, ["s3"]), (False, [])])
def test_a_question_holds_up_what_needs_it_and_with_keep_going_nothing_else(
    *, keep_going: bool, startable: list[str]
) -> None:
    found = plan(step(1), step(2, 1), step(3))
    books = Schedule(found, set(), everything(found), keep_going=keep_going)
    books.start("s1")
    books.ask("s1")
    assert names(books.startable_steps(8)) == startable
    assert "s2" in books.in_phase(Phase.BLOCKED)


def test_a_step_placed_before_what_it_needs_is_blocked_with_it() -> None:
    found = plan(step(1, 2), step(2, 3), step(3), step(4))
    books = Schedule(found, set(), everything(found), keep_going=True)
    books.start("s3")
    books.fail("s3")
    assert books.in_phase(Phase.BLOCKED) == ["s1", "s2"]
    assert names(books.startable_steps(8)) == ["s4"]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 8))
    order = draw(st.permutations(range(1, count + 1)))  # what a step needs may stand after it
    steps = {}
    for place, number in enumerate(order):
        needs = draw(st.sets(st.sampled_from(order[:place]), max_size=3)) if place else set()
        paths = draw(st.sets(st.sampled_from(["a", "a/b", "c"]), max_size=2))
        steps[number] = step(number, *sorted(needs), paths=tuple(sorted(paths)))
    return plan(*(steps[number] for number in range(1, count + 1)))


@given(found=plans(), most=st.integers(1, 4), keep_going=st.booleans(), data=st.data())
def test_every_interleaving_ends_with_each_step_landed_failed_or_blocked(
    *, found: Plan, most: int, keep_going: bool, data: st.DataObject
) -> None:
    books = Schedule(found, set(), everything(found), keep_going=keep_going)
    landed: list[str] = []
    moves = 0
    while books.in_phase(*UNDER_WAY):
        moves += 1
        assert moves < 100
        running = books.in_phase(Phase.RUNNING)
        for each in books.startable_steps(most - len(running)):
            assert set(each.depends_on) <= set(landed)
            books.start(each.id)
        running = books.in_phase(Phase.RUNNING)
        assert len(running) <= most
        if running:
            ended = data.draw(st.sampled_from(running))
            if data.draw(st.integers(0, 4)):
                books.finish(ended)
            else:
                books.fail(ended)
        while (able := books.next_landing()) is not None:
            landed.append(able)
            books.land(able)
    assert set(landed) == set(books.in_phase(Phase.LANDED))
    failed = set(books.in_phase(Phase.FAILED))
    assert failed or set(landed) == set(everything(found))
