"""Boxes in Markdown."""

from __future__ import annotations

import pytest

from git_orch.plans.documents import boxes
from git_orch.plans.documents.boxes import Box


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("- [ ] one", Box("one", ticked=False)),
        ("- [x] one", Box("one", ticked=True)),
        ("* [X] one", Box("one", ticked=True)),
        ("+ [ ] one", Box("one", ticked=False)),
        ("1. [ ] one", Box("one", ticked=False)),
        ("12) [x] one", Box("one", ticked=True)),
        ("      - [ ] one", Box("one", ticked=False)),
        ("- [ ] one\r", Box("one", ticked=False)),
        ("- [ ]\tone   two ", Box("one two", ticked=False)),
    ],
)
def test_a_box_is_read_however_it_is_written(line: str, box: Box) -> None:
    """S2-064."""
    assert boxes.read(f"{line}\nprose\n") == [box]


@pytest.mark.parametrize("line", ["- one", "- [] one", "[ ] one", "- [y] one", "- [ ]", "-[ ] one"])
def test_anything_else_is_no_box(line: str) -> None:
    assert boxes.read(line) == []


def test_a_box_in_a_block_of_code_is_none() -> None:
    assert boxes.read("```\n- [ ] no\n```\n- [ ] yes\n  ~~~\n  - [ ] no\n  ~~~\n") == [
        Box("yes", ticked=False)
    ]


def test_a_box_knows_the_headings_above_it() -> None:
    text = "# A\r\n## B ##\r\n- [ ] one\r\n## C\r\n- [ ] two\r\n# D\r\n- [ ] three\r\n"

    assert [box.headings for box in boxes.read(text)] == [("A", "B"), ("A", "C"), ("D",)]


def test_ten_thousand_lines_take_no_more_than_linear_work() -> None:
    assert len(boxes.read("- [ ] " + " " * 50 + "x\n" + "- [ ] y\n" * 10_000)) == 10_001


def test_boxes_of_some_texts_are_cleared_and_the_rest_stays_byte_for_byte() -> None:
    text = "# A\r\n- [x] one\r\n1. [X] two\n- [x] three\nx - [x] one"
    cleared = boxes.cleared(text, {"one", "two"})
    assert cleared == "# A\r\n- [ ] one\r\n1. [ ] two\n- [x] three\nx - [x] one"
