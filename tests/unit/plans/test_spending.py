"""Sums of costs: no cent is lost or counted twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.money import spending
from git_orch.plans.money.spending import KINDS, By, Cost

COSTS = st.lists(
    st.builds(
        Cost,
        usd=st.decimals(0, 1000, places=9),
        step=st.sampled_from(["s1", "s2", spending.PLANNING]),
        paths=st.lists(st.sampled_from("abcdefg"), unique=True).map(tuple),
        author=st.sampled_from(["Ada <a@x>", "Bob <b@x>"]),
        month=st.sampled_from(["2026-10", "2026-11"]),
        model=st.sampled_from(["m", "n"]),
    )
)


@pytest.mark.parametrize("by", KINDS)
@given(costs=COSTS)
def test_rows_have_the_sum_of_all_costs(by: By, costs: list[Cost]) -> None:
    rows = spending.rows(costs, by)
    assert sum(row.usd for row in rows) == sum(cost.usd for cost in costs)


def cost(usd: str, **more: object) -> Cost:
    return Cost(Decimal(usd), "s1", (), "Ada <a@x>", "2026-11", "m")._replace(**more)  # type: ignore[arg-type]


def test_paths_bear_equal_parts() -> None:
    rows = spending.rows([cost("0.01", paths=("a", "b", "c"))], "path")
    assert sorted(row.usd for row in rows) == [
        Decimal("0.003333333"),
        Decimal("0.003333333"),
        Decimal("0.003333334"),
    ]


def test_a_step_without_files_and_planning_have_rows_of_their_own() -> None:
    rows = spending.rows([cost("0.01"), cost("0.02", step=spending.PLANNING)], "path")
    assert [(row.key, row.usd) for row in rows] == [
        ("(planning)", Decimal("0.02")),
        ("(no file)", Decimal("0.01")),
    ]


def test_months_stand_in_order_and_others_with_the_greatest_first() -> None:
    costs = [cost("0.01", month="2026-10", model="n"), cost("0.02")]
    assert [row.key for row in spending.rows(costs, "month")] == ["2026-10", "2026-11"]
    assert [row.key for row in spending.rows(costs, "model")] == ["m", "n"]
