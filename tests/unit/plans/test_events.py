"""Reading a log: any bytes give events and a count, and the order of lines says nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.history import events
from git_orch.plans.history.events import Event

IDS = [f"01K{number:023d}" for number in range(6)]
LINES = [
    Event(one, "model.called", "here", {"usd": number}).line() for number, one in enumerate(IDS)
]


def test_an_event_is_read_as_it_was_written() -> None:
    event = Event(IDS[0], "plan.created", "here", {"plan": {"title": "日本\u2028"}, "n": 1.5})
    assert events.read([event.line()]).events == (event,)


def test_a_line_begins_with_its_id_and_is_ascii_without_line_breaks() -> None:
    line = Event(IDS[0], "x", "here", {"text": "a\nb\u2028\x85é"}).line()
    assert line.startswith(b'{"id":"' + IDS[0].encode() + b'"')
    assert line.isascii()
    assert line.splitlines(keepends=True) == [line]


@given(
    st.permutations(LINES),
    st.lists(st.sampled_from([*LINES, b"\n", b"  \n", b"\r\n"])),
    st.integers(0, 6),
)
def test_order_duplicates_blank_lines_and_the_note_a_line_hangs_on_do_not_count(
    lines: list[bytes], extra: list[bytes], cut: int
) -> None:
    """The union of all lines of all notes is the log."""
    expected = events.read([b"".join(LINES)])
    notes = [b"".join([*lines[:cut], *extra]), b"".join(lines[cut:])]
    assert events.read(notes) == expected
    assert [event.id for event in expected.events] == IDS


@given(st.lists(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), max_size=8))
def test_any_bytes_leave_the_readable_events_as_they_are(damage: list[bytes]) -> None:
    found = events.read([*LINES, *damage])
    assert [event.id for event in found.events] == IDS


def test_each_damaged_line_is_counted() -> None:
    damage = (
        b'{"id":"01K\nnull\n[]\n{}\n{"id":7,"event":"x","clone":"c"}\n\xff\xfe\n' + b"[" * 100_000
    )
    assert events.read([damage, *LINES]).damaged == 7


def test_of_two_lines_with_one_id_the_other_is_damage_whatever_the_order() -> None:
    twin = LINES[0].replace(b'"usd":0', b'"usd":9')
    assert events.read([LINES[0], twin]) == events.read([twin, LINES[0]])
    assert events.read([LINES[0], twin]).damaged == 1


def test_a_log_of_a_newer_format_is_reported() -> None:
    newer = Event(IDS[0], "plan.created", "here", {}, version=events.FORMAT + 6).line()
    assert events.read([*LINES[1:], newer]).newer == events.FORMAT + 6
    assert events.read(LINES).newer is None


def test_a_version_that_is_no_number_is_damage() -> None:
    for version in ('"2"', "null", "1.5", "[]"):
        line = f'{{"id":"{IDS[0]}","event":"x","clone":"c","v":{version}}}'.encode()
        assert events.read([line]).damaged == 1, version


def test_a_missing_last_newline_does_not_run_two_lines_together() -> None:
    note = events.with_events(LINES[0].rstrip(b"\n"), [Event(IDS[1], "x", "here")])
    assert [json.loads(line)["id"] for line in note.splitlines()] == IDS[:2]


@pytest.mark.parametrize(
    ("name", "kind", "has"),
    [
        ("plan.approved", None, True),
        ("run.started", None, True),
        ("move.intended", "rollback", True),
        ("move.intended", "land", False),
        ("step.landed", None, False),
        ("model.called", None, False),
    ],
)
def test_what_changes_a_plan_says_who_did_it(name: str, kind: str | None, *, has: bool) -> None:
    """S1-224."""
    assert events.has_actor(name, {"kind": kind}) is has
