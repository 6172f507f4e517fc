"""Edits: found exactly once, or the same lines in other clothes; a miss teaches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.agents import edits

LINE = st.text(alphabet="ab \t(", max_size=6)
LINES = st.lists(LINE, min_size=1, max_size=8)


def after(text: str, old: str, new: str) -> str:
    result = edits.apply(text, edits.Edit(old, new))
    assert isinstance(result, edits.Applied), result
    return result.text


def why(text: str, old: str, new: str) -> str:
    result = edits.apply(text, edits.Edit(old, new))
    assert isinstance(result, edits.Missed), result
    return result.why


PIECE = st.text(alphabet="abc\n ", max_size=12)


@given(PIECE, PIECE, PIECE, PIECE)
def test_what_is_there_once_is_replaced_as_it_stands(
    before: str, old: str, behind: str, new: str
) -> None:
    text = f"{before}<{old}>{behind}"

    result = edits.apply(text, edits.Edit(f"<{old}>", new))

    assert result == edits.Applied(f"{before}{new}{behind}", "exact")


def test_overlapping_matches_are_two() -> None:
    assert why("aaa", "aa", "b").startswith("old matches 2 times")


@given(LINES, LINES, st.lists(LINE, max_size=4), st.booleans())
def test_line_endings_of_the_file_are_kept(
    before: list[str],
    old: list[str],
    new: list[str],
    ends: bool,  # noqa: FBT001
) -> None:
    text = "\n".join([*before, "<mark>", *old, "</mark>"]) + ("\n" if ends else "")
    edit = edits.Edit("\n".join(["<mark>", *old]), "\n".join(["<here>", *new]))
    plain = edits.apply(text, edit)
    windows = edits.apply(text.replace("\n", "\r\n"), edit)

    assert isinstance(plain, edits.Applied)
    assert isinstance(windows, edits.Applied)
    assert windows.text == plain.text.replace("\n", "\r\n")


@given(LINES, LINES, LINES, st.lists(LINE, max_size=4))
def test_nothing_outside_the_match_changes(
    before: list[str], old: list[str], after: list[str], new: list[str]
) -> None:
    text = "".join(
        f"{line}\n"
        for line in [*before, "<start>", *[line + "  " for line in old], "<end>", *after]
    )
    edit = edits.Edit("\n".join(["<start>", *old, "<end>"]), "\n".join(["<start>", *new, "<end>"]))

    result = edits.apply(text, edit)

    if isinstance(result, edits.Applied):
        assert result.text.startswith("".join(f"{line}\n" for line in before) + "<start>\n")
        assert result.text.endswith("<end>\n" + "".join(f"{line}\n" for line in after))
    else:
        assert old == new


@given(
    st.lists(st.text(alphabet="ab(", min_size=1, max_size=6), min_size=1, max_size=5),
    st.sampled_from(["  ", "\t"]),
)
def test_one_indent_for_all_lines_is_found_and_given_to_new(body: list[str], indent: str) -> None:
    text = "<top>\n" + "".join(f"{indent}{line}\n" for line in ["<start>", *body, "<end>"])

    result = after(text, "\n".join(["<start>", *body, "<end>\n"]), "one\n\n  two\n")

    assert result == f"<top>\n{indent}one\n\n{indent}  two\n"


def test_too_much_indent_in_old_is_taken_from_new() -> None:
    assert after("if a:\n  b\n", "    if a:\n      b\n", "    if c:\n      d\n") == "if c:\n  d\n"


def test_a_line_of_new_that_has_not_the_indent_to_be_taken_is_no_match() -> None:
    assert "not in the file" in why("if a:\n  b\n", "    if a:\n      b\n", "    if c:\nd\n")


def test_indent_that_differs_from_line_to_line_is_no_match() -> None:
    assert "not in the file" in why("  a\n    b\n", "a\nb\n", "c\n")


def test_trailing_blanks_do_not_matter() -> None:
    assert after("a  \nb\t\nc\n", "a\nb\n", "x\n") == "x\nc\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("b \n", "", "a\nc"),
        ("b ", "", "a\n\nc"),
        ("b ", "x\n", "a\nx\n\nc"),
        ("b \n", "x", "a\nx\nc"),
        ("c ", "d\ne", "a\nb\nd\ne"),
    ],
    ids=[
        "a line is deleted",
        "a line is emptied",
        "a line is added",
        "the ending stays",
        "no newline at the end stays",
    ],
)
def test_line_matches_end_like_exact_ones(old: str, new: str, expected: str) -> None:
    assert after("a\nb\nc", old, new) == expected


def test_two_matches_are_none_and_their_lines_are_named() -> None:
    assert why("x = 1\ny\nx = 1\n", "x = 1", "x = 2").startswith(
        "old matches 2 times, at lines 1, 3"
    )


def test_two_matches_but_for_blanks_are_none() -> None:
    assert (
        why("x \ny\nx\t\n", "x\n", "z\n").startswith("old matches 2 times, at lines 1, 3") is True
    )


def test_likeness_is_no_match() -> None:
    assert "not in the file" in why("value = compute(a, b)\n", "value = compute(a, c)", "value = 1")


def test_a_miss_shows_the_closest_lines_with_white_space() -> None:
    message = why("def f():\n\treturn 1\n", "def f():\n  return  1\n", "x")

    assert "1: def·f():\n2: →return·1" in message


def test_a_miss_shows_a_line_with_most_of_the_words() -> None:
    message = why("a = 1\nvalue = compute(a, b)\n", "value = compute(a, c)", "x")

    assert "2: value·=·compute(a,·b)" in message


def test_a_miss_that_is_like_nothing_shows_nothing() -> None:
    assert why("a = 1\n", "something else", "x") == "old is not in the file"


def test_a_miss_says_that_new_is_there_already() -> None:
    assert "new is already there" in why("a\nnew line\n", "old line", "new line")


def test_a_miss_is_short_in_a_large_file() -> None:
    text = "".join(f"line {number} {'x' * 500}\n" for number in range(20_000))
    old = "".join(f"line {number} {'x' * 499}y\n" for number in range(100))

    assert len(why(text, old, "z")) < 20 * 320


@pytest.mark.parametrize("old", ["", "same"])
def test_an_edit_that_says_nothing_is_refused(old: str) -> None:
    assert why("same", old, "same")


def test_of_many_matches_the_first_are_named() -> None:
    assert why("a\n" * 12, "a", "b") == (
        "old matches more than 10 times, at lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...; "
        "add lines around it until it is there once"
    )


def test_in_a_file_of_very_many_lines_nobody_looks_for_lines_that_are_like_old() -> None:
    many = "a\n" * 60_000

    assert after(f"{many}b", "b", "c") == f"{many}c"
    assert why(f"{many} b", "\tb", "c").startswith("old is not in the file as it stands")


NAMES = st.lists(st.sampled_from("ab"), max_size=12)


@given(NAMES, NAMES, st.integers(0, 3))
def test_occurrences_are_the_places_where_a_slice_is_equal(
    items: list[str], part: list[str], start: int
) -> None:
    assert list(edits.occurrences(items, part, start)) == [
        place
        for place in range(start, len(items) - len(part) + 1)
        if items[place : place + len(part)] == part
    ]


INDENT = st.text(alphabet=" \t", max_size=3)
BODIES = st.lists(st.tuples(INDENT, st.sampled_from(["x", "y", ""])), min_size=1, max_size=5)


@given(BODIES, INDENT.filter(bool))
def test_lines_with_one_indent_more_are_found_whatever_it_is(
    lines: list[tuple[str, str]], more: str
) -> None:
    old = ["<mark>", *(indent + body if body else "" for indent, body in lines), "</mark>"]
    here = [more + line if line else "" for line in old]

    result = edits.apply("\n".join(here), edits.Edit("\n".join(old), "new"))

    assert result == edits.Applied(f"{more}new", "indent")
