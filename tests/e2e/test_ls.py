"""Plans by date, and several side by side."""

from __future__ import annotations

import time

import pytest
from conftest import Here, data, writing

from git_orch.plans import ids


def test_plans_are_listed_by_day_month_and_year(here: Here) -> None:
    """S2-131."""
    plan = here.plan(writing("a"))
    made = time.localtime((ids.plan_ms(plan) or 0) / 1000)
    day = time.strftime("%Y%m%d", made)
    month = f"{day[:4]}-{day[4:6]}"
    for date in (day, f"{month}-{day[6:]}", month, day[:4]):
        for words in ([], ["--full"]):
            listed = data(here("ls", "--date", date, "--json", *words).out)
            assert [entry["id"] for entry in listed] == [plan]
    assert here("ls", "--date", "2025-10").out == ""
    assert data(here("ls", "--date", "2025-10", "--json", "--full").out) == []


@pytest.mark.parametrize("date", ["x", "2025-13", "20251032", "25", "2025-10-14T00", ""])
def test_what_is_no_date_is_a_usage_error(here: Here, date: str) -> None:
    assert f"'{date}' is not a date" in here("ls", "--date", date, expect=2).err


def test_status_of_several_plans_has_the_next_command_of_each(here: Here) -> None:
    """S2-001."""
    failed = here.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "exit 7"}]})
    here("exec", expect=1)
    here("plan", "An idea", "--ready")
    lines = here("status").out.splitlines()
    following = [line for line in lines if line.startswith("next: ")]
    assert following[0].startswith(f"next: git orch fix {ids.short(failed)}")
    assert following[1].startswith("next: git orch spec ")
    assert len(following) == 2


def test_status_of_many_plans_lists_ten_and_those_first_that_need_somebody(here: Here) -> None:
    failed = here.plan({"title": "Fail", "steps": [{"title": "Fail", "run": "exit 7"}]})
    here("exec", expect=1)
    for number in range(11):
        here("plan", f"Idea {number}", "--draft")
    lines = here("status").out.splitlines()
    assert lines[0].startswith(ids.short(failed))
    assert lines[-1] == "2 more are open: git orch ls --open"
    assert sum("DRAFT" in line for line in lines) == 9
    assert not any("Idea 1 " in f"{line} " for line in lines)
