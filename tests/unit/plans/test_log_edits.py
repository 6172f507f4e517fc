"""What a person writes into the file of an execution log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.documents import log_edits

HEAD = "---\nid: x\nstatus: {}\n---\n"
BASE = HEAD.format("waiting") + (
    "\n## Implementation\n\n- 10:00:00 exec began\n\n## Failures\n\nNone.\n\n## Decisions\n\nNone.\n"
    "\n## Blockers\n\n- 10:00:01 The network (Ann)\n\n## Cost\n\nNone.\n"
)
FRESH = (
    BASE.replace("waiting", "complete")
    .replace("exec began\n", "exec began\n- 10:00:02 exec ended\n")
    .replace("(Ann)\n", "(Ann)\n- 10:00:03 The disk (Ann)\n")
)


def notes(file: str) -> list[tuple[str, str]]:
    """The new notes in a file."""
    return [(kind, text) for kind, text in log_edits.additions(file, BASE).notes]


@pytest.mark.parametrize("bullet", ["-", "*", "+"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_item_in_a_section_of_notes_is_a_note(bullet: str, newline: str) -> None:
    file = BASE.replace(
        "Decisions\n\nNone.\n", f"Decisions\n\n{bullet} We use A\n  and B\n\n  or C\n"
    )
    file = file.replace("(Ann)\n", f"(Ann)\n{bullet} The key\n").replace("\n", newline)
    assert notes(file) == [("decision", "We use A\nand B\n\nor C"), ("blocker", "The key")]


def test_only_sections_of_notes_have_notes() -> None:
    file = BASE.replace("Failures\n\nNone.", "Failures\n\n- mine").replace(
        "Cost\n", "Cost\n\n- x\n"
    )
    assert notes(f"- top\n{file}") == []


def test_an_edited_line_of_the_log_is_no_note() -> None:
    assert notes(BASE.replace("The network", "The networks")) == []


def test_prose_between_items_is_no_part_of_a_note() -> None:
    file = BASE.replace("(Ann)\n", "(Ann)\n- one\nprose\n  more\n- two\n")
    assert notes(file) == [("blocker", "one"), ("blocker", "two")]


def test_what_the_log_says_now_stands_beside_lines_of_a_person() -> None:
    file = BASE.replace("exec began\n", "exec began\n  I watched it.\n")
    file = file.replace("## Cost", "## Mine\n\nThoughts.\n\n## Cost").replace(
        "\n---", "\nk: v # c\n---", 1
    )
    merged = log_edits.merged(file, BASE, FRESH)
    assert "exec began\n  I watched it.\n- 10:00:02 exec ended\n" in merged
    assert "## Mine\n\nThoughts.\n\n## Cost" in merged
    assert "status: complete\n" in merged
    assert "k: v # c\n" in merged
    assert log_edits.merged(merged, FRESH, FRESH) == merged


def test_what_a_person_deletes_from_a_log_comes_back() -> None:
    file = BASE.replace("- 10:00:01 The network (Ann)\n", "")
    assert log_edits.merged(file, BASE, FRESH) == FRESH


def test_a_file_keeps_its_line_ends_and_its_mark() -> None:
    file = "\ufeff" + BASE.replace("\n", "\r\n")
    assert log_edits.merged(file, BASE, FRESH) == "\ufeff" + FRESH.replace("\n", "\r\n")


def test_notes_that_the_plan_took_leave_no_second_copy() -> None:
    file = BASE.replace("Decisions\n\nNone.\n", "Decisions\n\n- We use A\n")
    rest = log_edits.additions(file, BASE).rest
    fresh = BASE.replace("Decisions\n\nNone.\n", "Decisions\n\n- 10:00:04 We use A (Ann)\n")
    assert log_edits.merged(rest, BASE, fresh) == fresh


def test_a_file_without_an_export_loses_no_line() -> None:
    file = BASE.replace("## Cost", "Mine.\n\n## Cost")
    assert "Mine.\n" in log_edits.merged(file, None, FRESH)


def test_a_very_long_file_is_merged_at_once() -> None:
    """Ten thousand lines that are all alike."""
    file = BASE + "mine\n" * 10_000
    merged = log_edits.merged(file, BASE, FRESH)
    assert merged == FRESH + "\n" + "mine\n" * 10_000


_LINES = st.lists(st.sampled_from(["a\n", "b\n", "\n", "## Decisions\n", "- x\n"]), max_size=8)


@given(_LINES, _LINES, _LINES)
def test_every_line_of_the_log_is_in_the_file(
    base: list[str], file: list[str], fresh: list[str]
) -> None:
    """In its order, and merging it once more changes nothing."""
    texts = [HEAD.format("x") + "".join(lines) for lines in (base, file, fresh)]
    merged = log_edits.merged(texts[1], texts[0], texts[2])
    rest = iter(merged.removeprefix(HEAD.format("x")).splitlines(keepends=True))
    assert all(line in rest for line in fresh)
    assert log_edits.merged(merged, texts[2], texts[2]) == merged
