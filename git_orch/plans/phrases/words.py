"""The words of a sentence in the order in which forms are compared with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from git_orch.plans.phrases.tokens import Token

_ARTICLES = frozenset(("the", "a", "an"))
_POLITE_BEFORE = (
    ("can", "you"), ("could", "you"), ("would", "you"), ("will", "you"), ("would", "you", "please"),
    ("i", "want", "to"), ("i", "want", "you", "to"), ("i", "would", "like", "to"), ("we", "want", "to"),
    ("i", "need", "to"), ("let", "us"), ("go", "ahead", "and"), ("please",), ("now",), ("ok",), ("okay",),
    ("hey",), ("hi",), ("hello",), ("just",), ("kindly",), ("then",), ("yes",), ("so",), ("well",),
    ("git", "orch"), ("git-orch",), ("otk",),
)  # fmt: skip
_POLITE_AFTER = (
    ("please",), ("thanks",), ("thank", "you"), ("now",), ("right", "now"), ("for", "me"), ("for", "us"),
    ("right", "away"), ("then",),
)  # fmt: skip
_SHORT = {
    "what's": "what is", "whats": "what is", "where's": "where is", "who's": "who is",
    "how's": "how is", "it's": "it is", "that's": "that is", "i'm": "i am", "we're": "we are",
    "i'd": "i would", "let's": "let us", "lets": "let us", "isn't": "is not", "roll-back": "rollback",
    "specification": "spec", "specifications": "specs", "to-do": "todo",
}  # fmt: skip
_COUNT = {
    word: str(number)
    for number, words in enumerate(
        ("", "one first", "two second", "three third", "four fourth", "five fifth", "six sixth",
         "seven seventh", "eight eighth", "nine ninth", "ten tenth")
    )
    for word in words.split()
}  # fmt: skip
_BETWEEN = {"and": ",", "to": "-", "through": "-"}
MANY = 40  # no form without a text is longer


class Word(NamedTuple):
    """A word of a sentence, and where its tokens begin and end."""

    text: str  # "" for a quoted text
    token: Token
    start: int
    end: int


class Words:
    """The words of a sentence, without articles and politeness, and the text that they come from."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self.words = _polite(_listed(tokens))

    def __len__(self) -> int:
        return len(self.words)

    def text(self, start: int, end: int | None = None) -> str | None:
        """What was typed from one word to the one before another: one quoted text, or words. None
        for both together, and for nothing.
        """
        chosen = self.words[start:end]
        if not chosen:
            return None
        tokens = self._tokens[chosen[0].start : chosen[-1].end]
        quoted = [token for token in tokens if token.quoted]
        if quoted:
            rest = [token for token in tokens if not token.quoted and token.bare]
            return (
                quoted[0].raw if len(quoted) == 1 and not rest and quoted[0].raw.strip() else None
            )
        return joined(tokens)


def joined(tokens: Sequence[Token]) -> str | None:
    """Words as they were typed, without a full stop at their end; None where nothing is left."""
    parts: list[str] = []
    for token in tokens:
        parts += [token.raw] if token.glued or not parts else [" ", token.raw]
    return "".join(parts).lstrip(" ,;:").rstrip(" .!,;:") or None


def _listed(tokens: Sequence[Token]) -> list[Word]:
    words: list[Word] = []
    for place, token in enumerate(tokens):
        if token.quoted:
            words.append(Word("", token, place, place + 1))
            continue
        for text in _SHORT.get(token.word, token.word).split():
            if text in _ARTICLES:
                continue
            words.append(Word(text, token, place, place + 1))
    return _numbered(words)


def _numbered(words: list[Word]) -> list[Word]:
    """The words with numbers for `step three`, `third step` and `steps 2 and 4`."""
    made: list[Word] = []
    place = 0
    while place < len(words):
        word = words[place]
        after = words[place + 1].text if place + 1 < len(words) else ""
        before = made[-1].text if made else ""
        if word.text in _COUNT and after == "step" and before != "last":
            number = Token(_COUNT[word.text])
            made += [words[place + 1], word._replace(text=number.raw, token=number)]
            place += 2
            continue
        if word.text in _COUNT and before in ("step", "steps", "last"):
            word = word._replace(text=_COUNT[word.text], token=Token(_COUNT[word.text]))
        if _continues(made, word, words[place - 1] if place else None):
            made[-1] = _merged(made, word)
        else:
            made.append(word)
        place += 1
    return made


def _continues(made: list[Word], word: Word, before: Word | None) -> bool:
    """Whether a number belongs to the list of steps before it. The word between them is gone then."""
    if not word.token.is_number or not made or before is None:
        return False
    if made[-1].token.is_number:
        return made[-1].token.raw.endswith(",")
    joins = made[-1].text in _BETWEEN and len(made) > 2 and made[-2].token.is_number
    return joins and made[-3].text == "steps"


def _merged(made: list[Word], word: Word) -> Word:
    sign = ","
    if not made[-1].token.is_number:
        sign = _BETWEEN[made.pop().text]
    first = made[-1]
    number = Token(f"{first.token.bare}{sign}{word.token.bare}")
    return Word(number.raw, number, first.start, word.end)


def _polite(words: list[Word]) -> list[Word]:
    """The words without what is only polite, at both ends."""
    start, end = 0, len(words)
    changed = True
    while changed:
        changed = False
        for phrase in _POLITE_BEFORE:
            if end - start > len(phrase) and _stands(words, start, phrase):
                start, changed = start + len(phrase), True
        for phrase in _POLITE_AFTER:
            if end - start > len(phrase) and _stands(words, end - len(phrase), phrase):
                end, changed = end - len(phrase), True
    return [word for word in words[start:end] if word.text or word.token.quoted]


def _stands(words: list[Word], place: int, phrase: tuple[str, ...]) -> bool:
    return tuple(word.text for word in words[place : place + len(phrase)]) == phrase


def reads(words: Sequence[Word]) -> str:
    """The words with spaces between them."""
    return re.sub(" +", " ", " ".join(word.text for word in words)).strip()
