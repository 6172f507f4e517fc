"""A text that arrives in pieces shows no secret, however it is cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import redact
from git_orch.plans.sifter import Sifter

_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nabc def\n-----END RSA PRIVATE KEY-----"
_SPACED = "correct horse battery staple"
_TEXTS = (
    "plain words\nand more of them\n",
    "curl -H 'Authorization: Bearer abcdef1234567890' https://ann:hunter2@example.com/x y z",
    f"the key\n{_KEY}\nends here",
    f"it is {_SPACED}, he says, correct horse",
    "sk-ant-REDACTED0123456789 and x-api-key: 12345678 end",
    "basic facts and a bearer of news 12345",
)


@pytest.mark.parametrize("text", _TEXTS)
@given(cuts=st.lists(st.integers(0, 120), max_size=6))
def test_pieces_together_are_the_redacted_text(text: str, cuts: list[int]) -> None:
    sifter = Sifter([_SPACED])
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [sifter.feed(text[start:end]) for start, end in itertools.pairwise(places)]
    assert "".join([*pieces, sifter.rest()]) == redact.redacted(text, [_SPACED])


def test_a_whole_word_is_shown_at_once() -> None:
    assert Sifter([]).feed("line 1\nli") == "line 1\n"


def test_a_key_without_an_end_is_never_shown() -> None:
    sifter = Sifter([])
    pieces = [sifter.feed("-----BEGIN PRIVATE KEY-----\n")]
    pieces += [sifter.feed("MIIB" * 1000 + "\n") for _ in range(50)]
    assert "".join([*pieces, sifter.rest()]) == redact.MARK
