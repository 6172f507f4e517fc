"""The order of steps."""

from __future__ import annotations

import itertools
from graphlib import CycleError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import graph, paths
from git_orch.plans.plan import FileContent, Plan, Step


def plan(**needs: str) -> Plan:
    """A plan of steps by ID, each with the IDs it depends on: plan(s1="", s2="s1")."""
    steps = (
        Step(name, name, "agent", prompt="x", depends_on=tuple(of.split()))
        for name, of in needs.items()
    )
    return Plan("t", "t", tuple(steps))


@st.composite
def acyclic(draw: st.DrawFn) -> Plan:
    """Steps in any order of position, which depend only on steps of a lower number."""
    count = draw(st.integers(1, 12))
    needs = {
        f"s{n}": " ".join(f"s{m}" for m in draw(st.sets(st.integers(1, max(n - 1, 1)))) if m < n)
        for n in range(1, count + 1)
    }
    return plan(**{name: needs[name] for name in draw(st.permutations(list(needs)))})


def test_steps_that_wait_for_nothing_run_in_the_order_of_the_file() -> None:
    assert graph.order(plan(s3="", s1="", s2="")) == ["s3", "s1", "s2"]


def test_a_step_that_waits_is_passed_by_and_runs_as_soon_as_its_turn_can_come() -> None:
    assert graph.order(plan(s1="s3", s2="", s3="", s4="")) == ["s2", "s3", "s1", "s4"]


@given(acyclic())
def test_an_order_has_each_step_once_after_all_it_depends_on(drawn: Plan) -> None:
    order = graph.order(drawn)

    assert sorted(order) == sorted(step.id for step in drawn.steps)
    assert all(
        order.index(need) < order.index(step.id) for step in drawn.steps for need in step.depends_on
    )


@given(acyclic())
def test_the_first_ready_step_is_always_the_next_of_the_order(drawn: Plan) -> None:
    order = graph.order(drawn)

    assert [graph.ready_steps(drawn, set(order[:n]))[0].id for n in range(len(order))] == order


def test_ready_steps_are_not_done_and_wait_for_nothing() -> None:
    steps = graph.ready_steps(plan(s1="", s2="s1", s3="s2", s4=""), {"s1"})

    assert [step.id for step in steps] == ["s2", "s4"]


@st.composite
def with_people(draw: st.DrawFn) -> Plan:
    """Some steps of such a plan are manual, and some without needs say so."""
    drawn = draw(acyclic())
    return drawn._replace(
        steps=tuple(
            step._replace(
                kind=draw(st.sampled_from(["agent", "manual"])), independent=draw(st.booleans())
            )
            for step in drawn.steps
        )
    )


@given(with_people())
def test_steps_that_wait_for_their_place_have_an_order(drawn: Plan) -> None:
    order, done = graph.order(drawn), set[str]()
    for step_id in order:
        assert graph.ready_steps(drawn, done)[0].id == step_id
        done.add(step_id)


@given(with_people())
def test_a_step_that_declares_what_it_needs_waits_for_nothing_else(drawn: Plan) -> None:
    waits = graph.waits(drawn)
    for step in drawn.steps:
        if step.depends_on or step.independent:
            assert waits[step.id] == set(step.depends_on)


@given(with_people())
def test_a_person_divides_the_steps_that_declare_nothing(drawn: Plan) -> None:
    order, waits = graph.order(drawn), graph.waits(drawn)
    loose = [
        step
        for step in sorted(drawn.steps, key=lambda step: order.index(step.id))
        if not step.depends_on and not step.independent
    ]
    for before, after in itertools.combinations(loose, 2):
        assert (before.id in waits[after.id]) == ("manual" in (before.kind, after.kind))


def test_a_step_keeps_no_place_behind_one_that_is_left_out() -> None:
    drawn = plan(s1="", s2="")
    steps = tuple(step._replace(kind="manual") for step in drawn.steps)
    ready = graph.ready_steps(drawn._replace(steps=steps), set(), {"s1"})
    assert [step.id for step in ready] == ["s1", "s2"]


def test_what_needs_a_step_that_is_left_out_is_known_through_others() -> None:
    assert graph.needing(plan(s1="", s2="s1", s3="s2", s4=""), {"s1"}, set()) == {"s2", "s3"}
    assert graph.needing(plan(s1="", s2="s1", s3="s2", s4=""), {"s1"}, {"s2"}) == set()


def test_a_cycle_begins_with_the_first_name_and_each_waits_for_the_next() -> None:
    assert graph.cycle({"a": ["c"], "b": [], "c": ["d"], "d": ["a", "b"]}) == ["a", "c", "d", "a"]


def test_a_step_that_waits_for_itself_is_a_cycle() -> None:
    assert graph.cycle({"a": ["a"]}) == ["a", "a"]


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef")), max_size=6))
def test_a_cycle_that_is_given_exists_and_no_cycle_is_missed(edges: dict[str, list[str]]) -> None:
    ring = graph.cycle(edges)

    if ring is None:
        left = dict(edges)
        while gone := [
            name for name, needs in left.items() if not any(need in left for need in needs)
        ]:
            left = {name: needs for name, needs in left.items() if name not in gone}
        assert left == {}
    else:
        assert all(after in edges[before] for before, after in itertools.pairwise(ring))
        assert ring[0] == ring[-1]
        assert ring[0] == min(ring, key=list(edges).index)


def test_a_plan_with_a_cycle_has_no_order() -> None:
    with pytest.raises(CycleError):
        graph.order(plan(s1="s2", s2="s1"))


def test_a_thousand_steps_in_one_chain_have_an_order() -> None:
    chain = plan(**{f"s{n}": f"s{n + 1}" for n in range(1, 1000)}, s1000="")

    assert graph.order(chain) == [f"s{n}" for n in range(1000, 0, -1)]


# -- levels, chains, conflicts ---------------------------------------------------------------------


def names(steps: list[Step]) -> str:
    """The IDs of steps."""
    return " ".join(step.id for step in steps)


def test_a_step_is_one_level_above_the_highest_it_waits_for() -> None:
    """S1-235."""
    found = graph.levels(plan(s4="s1 s3", s1="", s2="", s3="s2"))

    assert [names(level) for level in found] == ["s1 s2", "s3", "s4"]


@given(acyclic())
def test_levels_hold_each_step_once_and_none_that_waits_for_its_own_level(drawn: Plan) -> None:
    height = {step.id: number for number, level in enumerate(graph.levels(drawn)) for step in level}

    assert height.keys() == {step.id for step in drawn.steps}
    for step in drawn.steps:
        assert height[step.id] == max((height[need] + 1 for need in step.depends_on), default=0)


@given(acyclic(), st.lists(st.integers(0, 9), min_size=12, max_size=12))
def test_the_critical_path_is_the_heaviest_of_all_ways(drawn: Plan, heavy: list[int]) -> None:
    weight = {step.id: float(heavy[int(step.id[1:]) - 1]) for step in drawn.steps}
    needs = {step.id: step.depends_on for step in drawn.steps}

    def below(step: str) -> float:
        return weight[step] + max((below(need) for need in needs[step]), default=0.0)

    path = graph.critical_path(drawn, lambda step: weight[step.id])
    weights = graph.critical_weights(drawn, lambda step: weight[step.id])

    assert sum(weight[step.id] for step in path) == max(map(below, needs)) == max(weights.values())
    assert all(before.id in after.depends_on for before, after in itertools.pairwise(path))
    for step in drawn.steps:
        after = [weights[other.id] for other in drawn.steps if step.id in other.depends_on]
        assert weights[step.id] == weight[step.id] + max(after, default=0.0)


TREE = st.sampled_from(["a", "a/b", "a/b/c", "./a//b/", "ab", "b", ".", "a/c"])


@given(acyclic(), st.lists(st.lists(TREE, max_size=2), min_size=12, max_size=12))
def test_conflicts_are_the_pairs_that_share_a_path_and_have_no_order(
    drawn: Plan, declared: list[list[str]]
) -> None:
    named = tuple(
        step._replace(paths=tuple(some))
        for step, some in zip(drawn.steps, declared[: len(drawn.steps)], strict=True)
    )
    needs = {step.id: step.depends_on for step in named}

    def waits(step: str, other: str) -> bool:
        return any(need == other or waits(need, other) for need in needs[step])

    assert graph.conflicts(drawn._replace(steps=named)) == [
        (one, other)
        for one, other in itertools.combinations(named, 2)
        if any(paths.are_related(mine, theirs) for mine in one.paths for theirs in other.paths)
        and not waits(one.id, other.id)
        and not waits(other.id, one.id)
    ]


def test_the_files_of_a_files_step_are_declared() -> None:
    writes = Step("s1", "x", "files", files={"src/x": FileContent("x"), "y": None})
    others = (
        Step("s2", "x", "agent", paths=("src",)),
        Step("s3", "x", "agent", paths=("y",)),
        Step("s4", "x", "agent"),
    )

    assert graph.conflicts(Plan("t", "t", (writes, *others))) == [
        (writes, others[0]),
        (writes, others[1]),
    ]


def test_a_plan_without_steps_has_no_levels_and_no_path() -> None:
    assert (graph.levels(plan()), graph.critical_path(plan(), lambda _: 1.0)) == ([], [])
