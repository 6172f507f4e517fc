"""Texts in pictures: as wide as their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.views.pictures import markup


@given(st.text(), st.integers(3, 30), st.integers(1, 3))
def test_a_wrapped_text_fits(text: str, columns: int, most: int) -> None:
    lines = markup.wrapped(text, columns, most)
    assert len(lines) <= most
    assert all(markup.width(line) <= columns for line in lines)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a short one", ["a short one"]),
        ("one that goes onto two lines", ["one that goes", "onto two lines"]),
        ("one that goes on and on and on", ["one that goes", "on and on and…"]),
        ("abcdefghijklmnopq", ["abcdefghijklmn", "opq"]),
        ("文字文字文字文字文字", ["文字文字文字文", "字文字"]),
    ],
)
def test_a_text_is_wrapped_between_words(text: str, lines: list[str]) -> None:
    assert markup.wrapped(text, 14, 2) == lines
