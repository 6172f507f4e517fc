"""The plans that a sentence names by their titles without quotes, or by words of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from git_orch.plans.phrases.forms import VOCABULARY
from git_orch.plans.phrases.matching import NOUNS
from git_orch.plans.phrases.tokens import Token

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset(("the", "a", "an"))
_IN_FORMS = VOCABULARY | NOUNS | _ARTICLES
_LONGEST_RUN = 8  # words of a sentence that are looked at as one title
_LOOKED_AT = 40  # words of a sentence
_SHORTEST_BEGINNING = 4  # letters with which a word of a title may be cut short: auth


class _Named(NamedTuple):
    start: int
    end: int
    plan: str


def with_plans(typed: Sequence[Token], titles: Mapping[str, str]) -> list[Token]:
    """The words of a sentence, where those that name one plan, and no other, are its handle in
    quotes. `titles` are by handle.
    """
    keys = {plan: _key(title) for plan, title in titles.items()}
    words, place = list(typed), 0
    while place < min(len(words), _LOOKED_AT):
        named = next(_named(words, place, keys), None)
        if named is not None:
            words[named.start : named.end] = [Token(named.plan, quoted=True)]
        place += 1
    return words


def _named(words: Sequence[Token], start: int, keys: Mapping[str, str]) -> Iterator[_Named]:
    """The plans that the words from a place on name, the one of the most words first."""
    for end in range(min(len(words), start + _LONGEST_RUN), start, -1):
        run = words[start:end]
        key = _key(" ".join(word.bare for word in run))
        if any(word.quoted for word in run) or run[-1].word in NOUNS | _ARTICLES or not key:
            continue
        plans = [plan for plan, title in keys.items() if title == key and _is_more(key)]
        if not plans and _tells(key):
            plans = [plan for plan, title in keys.items() if _is_in(key, title)]
        if len(plans) == 1:
            is_noun_next = end < len(words) and words[end].word in NOUNS
            yield _Named(start, end + is_noun_next, plans[0])


def _key(title: str) -> str:
    return " ".join(_WORD.findall(title.lower()))


def _is_in(key: str, title: str) -> bool:
    """Whether words stand in a title; the last one may be only the beginning of its word."""
    if f" {key} " in f" {title} ":
        return True
    return len(key.rsplit(maxsplit=1)[-1]) >= _SHORTEST_BEGINNING and f" {key}" in f" {title}"


def _is_more(key: str) -> bool:
    """Whether a title has other words than those of the forms."""
    return not _IN_FORMS.issuperset(key.split())


def _tells(key: str) -> bool:
    """Whether words may be a part of a title: they neither begin nor end with one of the forms."""
    words = key.split()
    return not _IN_FORMS.intersection((words[0], words[-1]))
