"""The time of a plan: bars in order, and pauses that are cut short."""

from __future__ import annotations

import math

import pictured
import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.history.status import Attempt
from git_orch.views.pages import timeline

DAY = 86_400.0
SPANS = st.lists(
    st.tuples(st.floats(0, 1e7), st.floats(0, 1e5)).map(lambda pair: (pair[0], sum(pair))),
    min_size=1,
    max_size=12,
)


@given(SPANS)
def test_times_stand_in_order_on_the_bar(spans: list[timeline.Span]) -> None:
    scale = timeline.scale(spans)
    moments = sorted(moment for span in spans for moment in span)
    places = [scale.place(moment) for moment in moments]
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] <= 1_000.001


def test_a_pause_of_days_is_cut_short() -> None:
    scale = timeline.scale([(0, 10), (DAY, DAY + 10)])
    assert len(scale.pauses) == 1
    assert scale.place(10) == pytest.approx(488)
    assert scale.place(DAY) == pytest.approx(512)
    assert scale.longest == DAY - 10


def test_a_short_pause_is_as_long_as_it_was() -> None:
    scale = timeline.scale([(0, 50), (51, 100)])
    assert scale.pauses == ()
    assert scale.place(51) == pytest.approx(510)


@pytest.mark.parametrize("seconds", [-1.0, 1e300, math.inf, math.nan])
def test_a_time_that_cannot_be_is_drawn_all_the_same(seconds: float) -> None:
    attempt = Attempt("a", "s1", "01KBB000000000000000000000", "landed", seconds)
    drawn = timeline.part(pictured.status([pictured.step(1)], [], [attempt]))
    assert "nan" not in drawn


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (12.4, "12 s"), (185, "3 min 5 s"), (7_200, "2 h"),
     (3_605, "1 h"), (2 * DAY + 3_700, "2 d 1 h")],
)  # fmt: skip
def test_a_time_is_told_in_its_largest_units(seconds: float, text: str) -> None:
    assert timeline.elapsed(seconds) == text
