"""Plans by the day on which they were made."""

from __future__ import annotations

import time

import pytest

from git_orch.cli import listing
from git_orch.plans import ids

LATE = ids.plan_id("x", 1_760_484_600_000, 0)  # 2025-10-14, 23:30 UTC


@pytest.mark.parametrize(
    ("zone", "date", "made"),
    [
        ("UTC", "20251014", True),
        ("UTC", "202510", True),
        ("UTC", "2025", True),
        ("UTC", "20251015", False),
        ("UTC", "202511", False),
        ("JST-9", "20251015", True),
        ("JST-9", "20251014", False),
    ],
)
def test_a_plan_was_made_on_the_day_that_its_user_had(
    monkeypatch: pytest.MonkeyPatch, zone: str, date: str, *, made: bool
) -> None:
    """S2-131."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert listing.made_on(LATE, date) is made
    finally:
        monkeypatch.undo()
        time.tzset()
