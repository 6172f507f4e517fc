"""Whether a sentence has one of the forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from git_orch.plans import ids
from git_orch.plans.phrases.forms import VOCABULARY
from git_orch.plans.phrases.words import MANY, Word, Words

NOUNS = frozenset(("plan", "spec", "idea", "specification"))
_WHICH = frozenset((
    "this", "that", "my", "our", "current", "last", "latest", "newest", "only", "open", "existing",
    "whole", "entire", "same",
))  # fmt: skip
_PRONOUNS = frozenset(("it", "this", "that"))
_OF = frozenset(("for", "of", "on"))
_TEXTS = frozenset(("TEXT", "QUOTED", "NAME"))
_BEFORE_NAMES = frozenset(("of", "for", "to", "as", "in", "on", "from", "by", "with", "at"))
_LONGEST_NAME = 4  # words
THE_ONLY = ""  # the plan of `it`


class _Part(NamedTuple):
    """One part of a form."""

    words: frozenset[str]
    optional: bool


class _Reading(NamedTuple):
    """A way to read the beginning of a sentence: where it ends, and what it says."""

    end: int
    says: Mapping[str, str]


def reading(form: str, sentence: Words) -> Mapping[str, str] | None:
    """What a sentence of this form says: the plan, the number, the text. None for another form."""
    parts = [
        _Part(frozenset(part.rstrip("?").split("|")), part.endswith("?")) for part in form.split()
    ]
    if len(sentence) > MANY and not any(_is_text(part) for part in parts):
        return None
    for step in _readings(parts, sentence, _Reading(0, {})):
        if step.end == len(sentence):
            return step.says
    return None


def _is_text(part: _Part) -> bool:
    return bool(part.words & {"TEXT", "TEXT-OF-PLAN"})


def _readings(parts: list[_Part], sentence: Words, before: _Reading) -> Iterator[_Reading]:
    if not parts:
        yield before
        return
    part, *rest = parts
    for step in _one(part, sentence, before):
        yield from _readings(rest, sentence, step)
    if part.optional:
        yield from _readings(rest, sentence, before)


def _one(part: _Part, sentence: Words, before: _Reading) -> Iterator[_Reading]:
    """The ways in which the next words are this part of a form."""
    place, words = before.end, sentence.words
    if place >= len(words) or (_is_text_next(words, place) and not part.words & _TEXTS):
        return
    if words[place].text in part.words:
        yield before._replace(end=place + 1)
    for kind in part.words & _OF_ONE_WORD.keys():
        key, value = _OF_ONE_WORD[kind](words[place])
        if value is not None:
            yield _after(before, place + 1, **{key: value})
    if "PLAN" in part.words:
        for end, plan in _plans(words, place):
            yield _after(before, end, plan=plan)
    if part.words & {"TEXT", "NAME"}:
        text = sentence.text(place)
        is_fit = "TEXT" in part.words or _may_be_name(words[place:])
        if text is not None and is_fit and not _belongs_to_text(before, words):
            yield _after(before, len(words), text=text)
    if "TEXT-OF-PLAN" in part.words:
        yield from _text_of_plan(sentence, before)


def _may_be_name(words: Sequence[Word]) -> bool:
    return len(words) <= _LONGEST_NAME and words[0].text not in _BEFORE_NAMES


def _is_text_next(words: list[Word], place: int) -> bool:
    """Whether the words from a place on are a text: the number of a step and a colon end before."""
    before = words[place - 1].token if place else None
    return before is not None and before.is_number and before.raw.endswith(":")


def _number(word: Word) -> tuple[str, str | None]:
    return "n", word.token.bare.lstrip("#") if word.token.is_number else None


def _in_quotes(word: Word) -> tuple[str, str | None]:
    return "text", word.token.raw if word.token.quoted and word.token.raw.strip() else None


def _bare_word(word: Word) -> tuple[str, str | None]:
    return "text", None if word.token.quoted else word.token.bare


def _id(word: Word) -> tuple[str, str | None]:
    return "plan", word.token.bare if word.token.is_plan else None


_OF_ONE_WORD = {"N": _number, "QUOTED": _in_quotes, "WORD": _bare_word, "ID": _id}


def _after(before: _Reading, end: int, **says: str) -> _Reading:
    return _Reading(end, {**before.says, **says})


def _text_of_plan(sentence: Words, before: _Reading) -> Iterator[_Reading]:
    """A text, and at its end the plan that it is for."""
    count = len(sentence)
    for place in range(max(before.end + 1, count - 6), count - 1):
        text = sentence.text(before.end, place)
        if sentence.words[place].text not in _OF or text is None:
            continue
        for end, plan in _plans(sentence.words, place + 1):
            if end == count and not sentence.words[-1].token.may_be_plan:
                yield _after(before, end, plan=plan, text=text)


def _belongs_to_text(before: _Reading, words: list[Word]) -> bool:
    """Whether the plan is a word in capitals that begins the text behind it: REST endpoints. A colon
    or a quote divides them.
    """
    last, text = words[before.end - 1].token, words[before.end].token
    is_divided = text.quoted or last.raw.endswith(":")
    return last.may_be_plan and before.says.get("plan") == last.bare and not is_divided


def _plans(words: list[Word], start: int) -> Iterator[tuple[int, str]]:
    """The plans that words may name, and where these words end; the longest first."""
    place, count = start, len(words)
    while place < count and words[place].text in _WHICH:
        place += 1
    if place < count and words[place].text in NOUNS:
        if place + 1 < count and (name := _name(words[place + 1])) is not None:
            yield place + 2, name
        if place + 2 < count and words[place + 1].text in _OF:
            name = _exact(words[place + 2])
            if name is not None:
                yield place + 3, name
        yield place + 1, THE_ONLY
    elif place < count and (name := _exact(words[place])) is not None:
        yield place + 1, name
    if words[start].text in _PRONOUNS:
        if start + 1 < count and words[start + 1].text == "one":
            yield start + 2, THE_ONLY
        yield start + 1, THE_ONLY


def _exact(word: Word) -> str | None:
    """The plan that a word names wherever it stands: an ID, a handle, or a title in quotes."""
    if word.token.quoted:
        text = word.token.raw.strip()
        return (ids.slug(text) if " " in text else text) or None
    is_handle = word.token.may_be_plan and word.text not in VOCABULARY
    return word.token.bare if word.token.is_plan or is_handle else None


def _name(word: Word) -> str | None:
    """The plan that a word names after `plan`: also a part of its slug."""
    name = _exact(word)
    if name is not None:
        return name
    bare = word.token.bare
    is_part = "-" in bare.strip("-") and bare.replace("-", "").isalnum()
    return bare if is_part else None
