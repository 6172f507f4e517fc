"""The words and quoted texts of a sentence; reading them takes linear time."""

from __future__ import annotations

import re
from typing import NamedTuple

_CLOSING = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
}
_WORD = re.compile(r"\S+")
_VISIBLE = re.compile(r"\S")
_QUOTE = re.compile(f"[{re.escape(''.join(_CLOSING))}]")
_BEFORE = frozenset("([{:=,@")  # a quote that opens may follow these
_AFTER = frozenset(".,;:!?)]}")  # and one that closes may stand before these
_PUNCTUATION = ".,;:!?()[]{}"

ID = re.compile(r"(?:plan|spec)-[^\s\"'/\\]+|[pt]-[0-9]+", re.IGNORECASE)
_SURE_ID = re.compile(r"(?:PLAN|SPEC)-\S+|(?:plan|spec)-\S*[0-9]\S*", re.ASCII)
# The beginning of the ten characters of an ID: in capitals, or a number with letters.
_HANDLE = re.compile(
    r"(?=[0-9]*[A-Za-z])(?:(?=[A-Z]*[0-9])[0-9A-HJKMNP-TV-Z]{4,10}|[0-9][0-9a-hjkmnp-tv-z]{3,9})"
)
_LETTERS = re.compile("[A-HJKMNP-TV-Z]{4,10}")  # a handle without a digit, or a word: REST, HTTP
NUMBER = re.compile(r"#?[0-9]{1,3}(?:[,-][0-9]{1,3})*")


class Token(NamedTuple):
    """A word, or a text that stood between quotes."""

    raw: str  # as typed, without the quotes
    quoted: bool = False
    glued: bool = False  # nothing stands between it and the token before

    @property
    def word(self) -> str:
        """The word in small letters without punctuation around it; "" for a quoted text."""
        return "" if self.quoted else self.bare.lower().replace("\u2019", "'")

    @property
    def bare(self) -> str:
        """The word without punctuation around it."""
        return self.raw if self.quoted else self.raw.strip(_PUNCTUATION)

    @property
    def is_plan(self) -> bool:
        """Whether the word is the ID or the handle of a plan."""
        if self.quoted:
            return False
        return ID.fullmatch(self.bare) is not None or _HANDLE.fullmatch(self.bare) is not None

    @property
    def may_be_plan(self) -> bool:
        """Whether the word is the handle of a plan where no other word in capitals may stand."""
        return not self.quoted and _LETTERS.fullmatch(self.bare) is not None

    @property
    def is_surely_id(self) -> bool:
        """Whether the word is an ID also where any word may stand."""
        return not self.quoted and _SURE_ID.fullmatch(self.bare) is not None

    @property
    def is_number(self) -> bool:
        """Whether the word is a number, or a list of them."""
        return not self.quoted and NUMBER.fullmatch(self.bare) is not None


class Unreadable(Exception):
    """The text is no sentence; the message says why."""


_MOST = 1000  # words; a text between quotes is one of them


def read(sentence: str) -> list[Token]:
    """The words and quoted texts. Raises Unreadable.

    A quote opens at the beginning of a word and closes at the end of one, so that apostrophes are
    none; quotes within quotes are part of the text.
    """
    tokens: list[Token] = []
    place = 0
    while (begins := _VISIBLE.search(sentence, place)) is not None:
        place = begins.start()
        if len(tokens) == _MOST:
            raise Unreadable(f"it has more than {_MOST} words outside of quotes")
        glued = place > 0 and not sentence[place - 1].isspace()
        if sentence[place] in _CLOSING and _may_open(sentence, place):
            end = _end_of_quote(sentence, place)
            tokens.append(Token(sentence[place + 1 : end], quoted=True, glued=glued))
            place = end + 1
            continue
        end = _end_of_word(sentence, place)
        tokens.append(Token(sentence[place:end], glued=glued))
        place = end
    return tokens


def _end_of_word(sentence: str, start: int) -> int:
    """Where a word ends: at white space, or where a quote opens within it, as in owner:"A B"."""
    match = _WORD.match(sentence, start)
    end = match.end() if match is not None else start + 1
    for quote in _QUOTE.finditer(sentence, start + 1, end):
        if _may_open(sentence, quote.start()):
            return quote.start()
    return end


def _may_open(sentence: str, place: int) -> bool:
    before = sentence[place - 1] if place else " "
    after = sentence[place + 1 : place + 2]
    return (before.isspace() or before in _BEFORE) and after != ""


def _may_close(sentence: str, place: int) -> bool:
    after = sentence[place + 1 : place + 2]
    return after == "" or after.isspace() or after in _AFTER


def _end_of_quote(sentence: str, start: int) -> int:
    """The place of the quote that closes the one at `start`. Raises Unreadable.

    It is the one where as many have closed as have opened, or a later one that no further quote
    stands before: 'the users' table'. Where that never happens it is the last one.
    """
    opening, closing = sentence[start], _CLOSING[sentence[start]]
    marks = re.compile(f"[{re.escape(opening)}{re.escape(closing)}]")
    open_quotes, last, balanced = 1, None, False
    for mark in marks.finditer(sentence, start + 1):
        place = mark.start()
        opens = mark[0] == opening and _may_open(sentence, place)
        if opens and balanced:
            break
        closes = mark[0] == closing and _may_close(sentence, place)
        if closes and open_quotes > 0:
            open_quotes -= 1
            last, balanced = place, open_quotes == 0
        elif closes:
            last = place
        elif opens:
            open_quotes += 1
    if last is None:
        raise Unreadable("a quote opens in it, and none closes it")
    return last
