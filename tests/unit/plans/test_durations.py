"""Spans of time as people type them."""

from __future__ import annotations

import pytest

from git_orch.plans import durations

SPANS = {"0": 0.0, "45": 45.0, "90s": 90.0, "30m": 1800.0, "6h": 21_600.0, "2d": 172_800.0}


@pytest.mark.parametrize(("typed", "seconds"), SPANS.items(), ids=SPANS.keys())
def test_a_span_is_a_number_and_a_unit(typed: str, seconds: float) -> None:
    assert durations.seconds(typed) == seconds


@pytest.mark.parametrize("typed", ["", "h", "-1h", "1.5h", "6 h", "6H", "6hours", "²", "nan"])
def test_another_text_is_no_span(typed: str) -> None:
    assert durations.seconds(typed) is None


@pytest.mark.parametrize("typed", ["0s", "90s", "30m", "6h", "2d"])
def test_a_span_is_written_as_it_is_typed(typed: str) -> None:
    assert durations.text(durations.seconds(typed) or 0.0) == typed
