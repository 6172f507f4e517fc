"""The checklist of a plan, as a user types it."""

from __future__ import annotations

from conftest import Here, data

BODY = "## Milestones\n- [ ] Set up OAuth\n- [ ] Write tests\n"


def spec(here: Here) -> str:
    """The spec of an idea with two milestones; gives the plan's ID."""
    plan = here("plan", "Rebuild login", "--draft", "--body", BODY).out.split()[1]
    here("spec", plan, "--offline")
    return plan


def test_the_checklist_of_a_spec_counts_its_groups(here: Here) -> None:
    """S2-015, S2-018, S2-061, S2-068 and S2-082."""
    short = spec(here).replace("PLAN-", "spec-").lower()[:24]

    said = here("scout", short).out

    assert said.startswith("Scouting: SPEC-")
    assert "Found 3 implementation tasks\nSummary: 3 tasks across 3 categories" in said


def test_hand_changes_stay_when_the_plan_is_edited(here: Here) -> None:
    """S2-060 and S2-066."""
    plan = spec(here)
    here("scout", plan, "--tick", "2", "--add", "Tell support", "--group", "doc")
    text = here("show", plan, "--yaml").out.replace("Write tests", "Write many tests")
    here("edit", plan, "--from", "-", stdin=text)

    said = here("scout", plan).out

    assert "[x]   2  Write many tests  (s2)  by " in said
    assert "Documentation\n  [ ]   4  Tell support" in said
    assert here("scout", plan, "--untick", "s2", "--remove", "4").out.count("[ ]") == 3


def test_what_is_no_item_and_no_plan_changes_nothing(here: Here) -> None:
    """S2-067 and S2-069."""
    plan = spec(here)
    before = here("scout", plan, "--json").out

    assert "no item 'nope'" in here("scout", plan, "--tick", "1", "--tick", "nope", expect=5).err
    for name in ("*", "../plans/PLAN", "PLAN-19990101"):
        assert "hint: git orch ls" in here("scout", name, expect=5).err
    here("scout", plan, "--add", " ", expect=2)
    here("scout", plan, "--add", "x", "--group", "D", expect=2)
    here("scout", plan, "--group", "doc", expect=2)

    assert data(here("scout", plan, "--json").out) == data(before)


def test_a_long_list_is_cut_to_what_is_not_done(here: Here) -> None:
    """S2-064: a person reads it on one screen."""
    body = "".join(f"{n}. [{'x' if n < 10 else ' '}] task {n}\n" for n in range(1, 50))
    plan = here("plan", "T", "--draft", "--body", body).out.split()[1]

    said = here("scout", plan).out

    assert len(said.splitlines()) <= 40
    assert "29 more: git orch scout" in said
    assert "task 9\n" not in said
    assert len(here("scout", plan, "--all").out.splitlines()) > 49
