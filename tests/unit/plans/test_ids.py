"""Names that sort by time."""

from __future__ import annotations

import datetime
import random
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from git_orch.plans import ids

NOON = 1_795_176_000_000  # 2026-11-20 12:00:00 UTC in milliseconds
moments = st.integers(0, 253_402_300_799_999)  # up to the end of the year 9999
bits = st.integers(0, 1 << 90)


# -- plan IDs --------------------------------------------------------------------------------------


def test_a_plan_id_is_the_utc_date_ten_characters_and_a_slug() -> None:
    """S2-126, S2-129."""
    made = ids.plan_id("Add JWT authentication", NOON, 5)

    assert re.fullmatch(r"PLAN-20261120-[0-9A-Z]{10}-add-jwt-authentication", made)


@given(st.text(), moments, bits)
def test_any_title_moment_and_randomness_make_an_id_of_the_documented_form(
    title: str, now: int, random_bits: int
) -> None:
    """S2-126."""
    match = ids.PLAN_ID.fullmatch(ids.plan_id(title, now, random_bits))

    assert match is not None
    utc = datetime.datetime.fromtimestamp(now / 1000, datetime.UTC)
    assert match[1] == utc.strftime("%Y%m%d")


@given(moments, moments, bits, bits)
@example(NOON, NOON + 1, 1 << 89, 0)
@example(ids.DAY_MS - 1, ids.DAY_MS, 1 << 89, 0)
def test_the_order_of_ids_is_the_order_of_creation(
    one: int, other: int, first_bits: int, second_bits: int
) -> None:
    """S2-127: whatever the machine, a later millisecond sorts after an earlier one."""
    earlier, later = sorted((one, other))
    first, second = ids.plan_id("b", earlier, first_bits), ids.plan_id("a", later, second_bits)

    assert earlier == later or first < second


def test_a_hundred_thousand_plans_of_one_title_and_one_millisecond_are_unique_and_sorted() -> None:
    """S2-127, S2-128, S2-135: within a process."""
    draw = random.Random(1)
    made = [ids.plan_id("same", NOON, draw.getrandbits(23))]
    for _ in range(99_999):
        made.append(ids.plan_id("same", NOON, draw.getrandbits(23), made[-1]))

    assert made == sorted(set(made))


def test_a_hundred_thousand_plans_of_one_title_made_by_machines_that_know_nothing_of_each_other_are_unique() -> (
    None
):
    """S2-128: over a day."""
    draw = random.Random(2)
    day = NOON - NOON % ids.DAY_MS

    made = {
        ids.plan_id("same", day + draw.randrange(ids.DAY_MS), draw.getrandbits(23))
        for _ in range(100_000)
    }

    assert len(made) == 100_000


@given(moments, moments, bits, bits)
@example(NOON, NOON - ids.DAY_MS, 0, 0)
@example(NOON, NOON, (1 << 23) - 1, 0)
def test_an_id_is_greater_than_the_previous_one_of_the_process_whatever_the_clock_says(
    before: int, now: int, first_bits: int, second_bits: int
) -> None:
    """S2-127."""
    previous = ids.plan_id("x", before, first_bits)

    made = ids.plan_id("x", now, second_bits, previous)

    assert made > previous
    assert ids.PLAN_ID.fullmatch(made)


# -- slugs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Add JWT authentication!", "add-jwt-authentication"),
        ("日本語", "ribenyu"),
        ("Café über", "cafe-uber"),
        ("\U0001f680", "rocket"),
        ("Ünïcode  --  spaces", "unicode-spaces"),
        ("...", "plan"),
        ("", "plan"),
        ("x" * 70, "x" * 24),
        ("a" * 12 + " " + "b" * 11 + " c", "a" * 12 + "-" + "b" * 11),
        ("a" * 12 + " " + "b" * 12, "a" * 12),
    ],
)  # fmt: skip
def test_a_slug_keeps_what_ascii_can_say_and_is_cut_between_words(title: str, slug: str) -> None:
    """S2-133, S2-134."""
    assert ids.slug(title) == slug


@given(st.text(st.characters()))
@example("\ud800")
def test_any_title_has_a_slug_of_lower_case_words_of_at_most_24_characters(title: str) -> None:
    """S2-134."""
    slug = ids.slug(title)

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= 24


# -- looking up ------------------------------------------------------------------------------------

PLANS = [
    "PLAN-20261119-AAAAAAAAAA-add-auth",
    "PLAN-20261120-8MD3K0R7Q2-add-jwt-authentication",
    "PLAN-20261120-8MD4000000-search",
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("PLAN-20261120-8MD3K0R7Q2-add-jwt-authentication", [1]),
        ("PLAN-20261120-8MD3K0R7Q2", [1]),
        ("PLAN-20261120-8MD3", [1]),
        ("20261120-8md3", [1]),
        ("plan-20261119", [0]),
        ("SPEC-20261119", [0]),
        ("orch/PLAN-20261119", [0]),
        ("refs/heads/orch/PLAN-20261119-AAAAAAAAAA-add-auth", [0]),
        (" search\n", [2]),
        ("JWT", [1]),
        ("auth", [0, 1]),
        ("PLAN-20261120", [1, 2]),
        ("20261120", [1, 2]),
        ("payment", []),
        ("", []),
        ("8MD", [1, 2]),
    ],
)
def test_a_plan_is_found_by_id_prefix_or_part_of_its_slug(wanted: str, found: list[int]) -> None:
    """S2-130, S2-131, S2-132: several candidates are all given."""
    assert ids.matches(wanted, reversed(PLANS)) == [PLANS[index] for index in found]


def test_the_exact_id_wins_over_a_longer_one_that_begins_with_it() -> None:
    longer = PLANS[0] + "-again"

    assert ids.matches(PLANS[0], [longer, PLANS[0]]) == [PLANS[0]]


@given(st.text(), moments, bits)
def test_a_plan_id_tells_when_the_plan_was_made(title: str, now: int, random_bits: int) -> None:
    assert ids.plan_ms(ids.plan_id(title, now, random_bits)) == now


@pytest.mark.parametrize("name", ["PLAN-20261340-8MD3K0R7Q2-x", "PLAN-1", ""])
def test_what_names_no_day_tells_no_time(name: str) -> None:
    assert ids.plan_ms(name) is None


@given(st.text(), moments, bits)
def test_the_short_form_finds_its_plan(title: str, now: int, random_bits: int) -> None:
    """S2-132."""
    made = ids.plan_id(title, now, random_bits)

    assert ids.matches(ids.short(made), [*PLANS, made]) == [made]


@given(st.lists(st.tuples(st.text(), moments, bits), min_size=1, max_size=20))
def test_a_handle_finds_one_plan_among_those_that_were_seen(
    made: list[tuple[str, int, int]],
) -> None:
    plans = {ids.plan_id(*each) for each in made}
    handles = ids.Handles(plans)
    for plan in plans:
        assert ids.matches(handles.of(plan), plans) == [plan]


def test_a_handle_is_the_shortest_that_no_other_plan_has() -> None:
    numbers = ("YYYY000000", "YYYZA00000", "YYYZB00000", "1234567890", "20270Z0000")
    plans = [f"PLAN-20270101-{number}-x" for number in numbers]
    handles = ids.Handles(plans)
    assert [handles.of(plan) for plan in plans] == [
        "YYYY", "YYYZA", "YYYZB", "PLAN-20270101-1234567890-x", "20270Z",
    ]  # fmt: skip


def test_a_plan_among_no_others_is_called_by_its_id_without_the_slug() -> None:
    assert ids.Handles().of("PLAN-20270102-ZZZZZZZZZZ-a-b") == "PLAN-20270102-ZZZZZZZZZZ"


# -- ULIDs and step IDs ----------------------------------------------------------------------------

ulid_moments = st.integers(0, (1 << 48) - 1)


@given(ulid_moments, ulid_moments, bits, bits)
def test_ulids_sort_by_time_and_give_it_back(
    one: int, other: int, first_bits: int, second_bits: int
) -> None:
    first, second = ids.ulid(one, first_bits), ids.ulid(other, second_bits)

    assert ids.ULID.fullmatch(first)
    assert ids.ulid_ms(first) == one
    assert one == other or (first < second) == (one < other)


@given(ulid_moments, st.integers(-ids.DAY_MS, 40_000 * ids.DAY_MS), bits, bits)
@example(NOON, 0, (1 << 80) - 1, 0)
@example(NOON, 2 * ids.DAY_MS, 7, 0)
def test_a_new_ulid_is_greater_than_the_greatest_of_the_log_although_a_clock_lags(
    now: int, ahead: int, first_bits: int, second_bits: int
) -> None:
    greatest = ids.ulid(min(max(now + ahead, 0), (1 << 48) - 2), first_bits)

    assert ids.ulid_after(greatest, now, second_bits) > greatest


def test_two_writers_that_lag_behind_the_same_log_make_two_ids() -> None:
    greatest = ids.ulid(NOON + ids.DAY_MS, 5)
    one, other = (ids.ulid_after(greatest, NOON, bits) for bits in (1 << 70 | 3, 1 << 71 | 4))

    assert one != other


def test_the_first_ulid_of_a_log_has_the_time_it_was_made() -> None:
    assert ids.ulid_ms(ids.ulid_after(None, NOON, 7)) == NOON


def test_a_step_id_is_never_used_twice() -> None:
    assert [
        ids.next_step_id(taken) for taken in ([], ["s2", "s10", "s9"], ["x", "s0", "s07", "s3"])
    ] == [
        "s1",
        "s11",
        "s4",
    ]
