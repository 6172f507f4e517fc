"""Sentences that make a plan. Each of them has the word plan, or idea, outside of quotes."""

from __future__ import annotations

import re
from typing import NamedTuple

from git_orch.plans.phrases.words import Words, reads

_MAKE = frozenset((
    "create", "make", "add", "new", "write", "start", "begin", "draft", "record", "file", "capture",
    "have", "need",
))  # fmt: skip
_KIND = frozenset(
    ("me", "us", "new", "another", "quick", "short", "rough", "high-level", "ready", "draft")
)
_PLAN = frozenset(("plan", "idea"))
_CALLED = frozenset(("for", "to", "called", "named", "titled", "about", "-", "title", "with"))
# What follows `plan` in sentences about a plan, which make none.
_NO_TITLES = frozenset((
    "is", "was", "are", "it", "this", "that", "ready", "status", "list", "ls", "show", "log", "history",
    "cost", "diff", "graph", "id", "ids", "spec", "specs", "help", "and", "or", "not", "done", "what",
    "-n", "undo",
))  # fmt: skip
_END = re.compile(
    r"(?:(?:and|then|also|but|,|&|-) )*"
    r"(?:(?:mark|set|make|flag|marked|keep|leave|save|store|with|status) )*"
    r"(?:(?:it|this|that|plan|idea|status) )?(?:(?:is|as|to|be) )*(?P<state>ready|draft)"
    r"(?: for (?:spec|specs|orchestration|it|review|later))?"
)
_JOINED_END = re.compile(r"(?:and|then|but|as|mark|marked|set|make|flag)\b")
_LONGEST_END = 10  # words
_NEXT_DEED = re.compile(
    r".*\b(?:and|then) (?:then |also )?(?:execute|exec|run|land|merge|ship|spec|scout|orchestrate|approve"
    r"|start|build|implement|design|specify)(?: (?:it|this|that|plan|spec|everything))?"
)


class Idea(NamedTuple):
    """The plan that a sentence asks for."""

    title: str
    state: str  # "" where the sentence does not say
    problem: str = ""  # why it is not sure
    titles: tuple[str, ...] = ()  # what may be meant instead


def idea_in(sentence: Words) -> Idea | None:
    """The plan that a sentence asks for; None for another sentence."""
    start, state = _beginning(sentence)
    if start is None or start >= len(sentence):
        return None
    words = sentence.words
    start = _after_called(sentence, start)
    if start >= len(words):
        return None
    if words[start].token.quoted:
        return _quoted(sentence, start, state)
    if words[start].text in _NO_TITLES or any(word.token.is_surely_id for word in words[start:]):
        return None
    return _unquoted(sentence, start, state)


def _beginning(sentence: Words) -> tuple[int | None, str]:
    """Where the words after `plan` begin, and the state that stands before it."""
    words, place, state = sentence.words, 0, ""
    if not words:
        return None, ""
    if words[0].text in _MAKE:
        place = 1
        while place < len(words) and words[place].text in _KIND:
            state = words[place].text if words[place].text in ("ready", "draft") else state
            place += 1
        state = "draft" if words[0].text == "draft" else state
    if place < len(words) and words[place].text in _PLAN:
        return place + 1, state
    return None, ""


def _after_called(sentence: Words, start: int) -> int:
    words, place = sentence.words, start
    while place < len(words) - 1 and place < start + 3 and words[place].text in _CALLED:
        place += 1
    return place


def _quoted(sentence: Words, start: int, state: str) -> Idea | None:
    words = sentence.words
    title = words[start].token.raw
    if not title.strip():
        return Idea(title, state, "has an empty title")
    rest = words[start + 1 :]
    if not rest:
        return Idea(title, state)
    more = [word.token.raw for word in rest if word.token.quoted]
    end = _END.fullmatch(reads(rest)) if len(rest) <= _LONGEST_END and not more else None
    if end is None:
        problem = "has several titles" if more else "says more than a title"
        return Idea(title, state, problem, tuple(more[:1]))
    return _agreed(Idea(title, state), end["state"])


def _unquoted(sentence: Words, start: int, state: str) -> Idea | None:
    words = sentence.words
    quoted = [word.token.raw for word in words[start:] if word.token.quoted]
    if quoted:
        return Idea(quoted[0], state, "has a title in quotes, and more words")
    if _NEXT_DEED.fullmatch(reads(words[-_LONGEST_END:])):
        return Idea(sentence.text(start) or "", state, "asks for more than a plan")
    for place in range(max(start + 1, len(words) - _LONGEST_END), len(words)):
        end = _END.fullmatch(reads(words[place:]))
        if end is not None and _JOINED_END.match(words[place].text):
            return _agreed(Idea(sentence.text(start, place) or "", state), end["state"])
    title = sentence.text(start)
    return Idea(title, state) if title is not None else None


def _agreed(idea: Idea, state: str) -> Idea:
    if idea.state not in ("", state):
        return idea._replace(problem="is both a draft and ready")
    return idea._replace(state=state)
