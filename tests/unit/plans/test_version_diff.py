"""What differs between two versions of a plan, field by field and word by word."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import version_diff
from git_orch.plans.file import planfile
from git_orch.plans.plan import Plan
from git_orch.plans.version_diff import Difference, Field, Line

STEPS: list[dict[str, Any]] = [
    {"id": "s1", "title": "A", "run": "make a"},
    {"id": "s2", "title": "B", "prompt": "Write b", "depends_on": ["s1"]},
    {"id": "s3", "title": "C", "files": {"c": "c\n"}, "depends_on": ["s2"]},
]


def plan(*steps: dict[str, Any], **fields: Any) -> Plan:
    return planfile.read(json.dumps({"title": "T", "steps": steps or STEPS, **fields}), "file")


def between(*steps: dict[str, Any], **fields: Any) -> Difference:
    return version_diff.difference(plan(), plan(*steps, **fields))


def test_equal_versions_do_not_differ() -> None:
    assert between() == Difference((), (), reordered=False)


def test_fields_of_the_plan_itself_differ() -> None:
    assert between(objective="O", missing=["cc"]).fields == (
        Field("objective", "T", "O"), Field("missing", "", "cc"),
    )  # fmt: skip


def test_a_step_before_others_changes_none_of_them() -> None:
    one, two, three = STEPS
    changes = between(one, {"id": "s4", "title": "New", "run": "ls"}, two, three).steps
    assert [(change.change, change.number, change.title) for change in changes] == [
        ("added", 2, "New")
    ]


def test_a_removed_step_has_its_old_number_and_stands_where_it_was() -> None:
    one, _, three = STEPS
    changes = between(one, {**three, "depends_on": ["s1"]}).steps
    assert [(change.change, change.number) for change in changes] == [
        ("removed", 2), ("changed", 2),
    ]  # fmt: skip
    assert changes[1].fields == (Field("needs", "2", "1"),)


def test_steps_in_another_order_are_reordered_and_not_changed() -> None:
    one, two, three = STEPS
    assert between(one, three, two) == Difference((), (), reordered=True)


CHANGED: dict[str, tuple[int, dict[str, Any], Field]] = {
    "run": (0, {"run": "make b"}, Field("run", "make a", "make b")),
    "shell": (0, {"shell": "plain"}, Field("shell", "", "plain")),
    "checks": (
        0,
        {"checks": ["true", {"type": "unit", "command": "f", "expected_exit": 1, "timeout": 5}]},
        Field("checks", "", "true\nf  (unit, exit 1, 5 s)"),
    ),
    "reviews": (
        0,
        {"checks": ["true", {"review": "It fits."}, {"review": "It is fast.", "model": "m"}]},
        Field("checks", "", "true\nreview: It fits.\nreview: It is fast.  (by m)"),
    ),
    "produces": (0, {"produces": ["x"]}, Field("produces", "", "x")),
    "network": (0, {"network": True}, Field("network", "", "yes")),
    "prompt": (1, {"prompt": "Write c"}, Field("prompt", "Write b", "Write c")),
    "why": (1, {"why": "Because."}, Field("why", "", "Because.")),
    "paths": (1, {"paths": ["a", "b"]}, Field("paths", "", "a\nb")),
    "model": (1, {"model": "m"}, Field("model", "", "m")),
    "timeout": (1, {"timeout": 7}, Field("timeout", "", "7 s")),
    "may be empty": (1, {"may_be_empty": True}, Field("may be empty", "", "yes")),
    "files": (2, {"files": {"c": None}}, Field("file c", "c\n", "(deleted)")),
    "mode": (
        2,
        {"files": {"c": {"content": "c\n", "executable": True}}},
        Field("file c", "c\n", "(executable)\nc\n"),
    ),
    "none": (2, {"depends_on": []}, Field("needs", "2", "none")),
}


@pytest.mark.parametrize(("index", "fields", "field"), CHANGED.values(), ids=CHANGED.keys())
def test_every_field_of_a_step_is_compared(
    index: int, fields: dict[str, Any], field: Field
) -> None:
    steps = [{**step, **(fields if at == index else {})} for at, step in enumerate(STEPS)]
    [change] = between(*steps).steps
    assert change.fields == (field,)


def shown(before: str, after: str) -> list[str]:
    def text(line: Line) -> str:
        marks = {" ": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
        if line.sign != "~":
            return line.sign + "".join(part.text for part in line.parts)
        return "~" + "".join(marks[part.sign].format(part.text) for part in line.parts)

    return [text(line) for line in version_diff.lines(before, after)]


def test_a_line_with_some_other_words_is_shown_word_by_word() -> None:
    assert shown("Keep it in a file.", "Keep it in a table.") == [
        "~Keep it in a [-file-]{+table+}."
    ]


def test_words_that_change_side_by_side_are_shown_together() -> None:
    assert shown("in one file each, and so on", "in a sqlite database, and so on") == [
        "~in [-one file each-]{+a sqlite database+}, and so on"
    ]


def test_a_line_with_hardly_a_word_in_common_is_another_line() -> None:
    assert shown("make all", "printf 2 >two") == ["-make all", "+printf 2 >two"]


def test_lines_far_from_a_change_are_left_out() -> None:
    before = "\n".join("abcdefghij")
    assert shown(before, before.replace("e", "E")) == [
        " ", " c", " d", "-e", "+E", " f", " g", " ",
    ]  # fmt: skip


TEXTS = st.lists(st.sampled_from(["a b c d", "a b c e", "", "x", "y z"]), max_size=9)


@given(TEXTS, TEXTS)
def test_the_lines_hold_all_that_went_and_all_that_came(old: list[str], new: list[str]) -> None:
    listed = version_diff.lines("\n".join(old), "\n".join(new))
    for sign, mine, other in (("-", old, new), ("+", new, old)):
        parts = [part.text for line in listed for part in line.parts if part.sign == sign]
        assert all(any(part in line for line in mine) for part in parts)
        if not mine:
            assert parts == []
        if "\n".join(mine).splitlines() and not "\n".join(other).splitlines():
            assert parts == "\n".join(mine).splitlines()
