"""Rules for the shell's own commands, and for the few programs that are one word from harm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from git_orch.sandbox.policy import rules, verdict, words
from git_orch.sandbox.policy.rules import Surroundings
from git_orch.sandbox.policy.words import VARIABLE, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.sandbox.policy.verdict import Verdict

_UNARY = frozenset(f"-{letter}" for letter in "bcdefghkLnprsSuwxz")
_BINARY = frozenset(
    ("=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef")
)
_DATE_VALUES = ("--date", "--file", "--reference")  # GNU takes each shortened, too
_SET = re.compile(r"-[eux]+o?|-o|pipefail|errexit|nounset")


def test(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """test and [: -v looks a name up, and an index in a name is evaluated like a command."""
    given = (
        arguments[:-1]
        if name.text == "[" and arguments and arguments[-1].text == "]"
        else arguments
    )
    for word in given:
        if word.text in ("-v", "-R"):
            yield verdict.denial(
                "BUILTIN", word.span, "blocked pattern: test {}", "test the value itself, with -n"
            )
        yield from words.path_verdicts(word, around.root)
    if not _plain_test(given):
        yield from rules.unknown_words(given, globs=True)


def _plain_test(given: tuple[Word, ...]) -> bool:
    """Whether an unknown word can only be an operand."""
    if any(word.splits or word.glob for word in given):
        return False
    texts = [word.text for word in given]
    return (len(given) == 2 and texts[0] in _UNARY) or (len(given) == 3 and texts[1] in _BINARY)


def cd(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """cd goes to one plain directory inside the tree."""
    if len(arguments) != 1 or not arguments[0].is_literal or arguments[0].text in ("", "-", "--"):
        hint = "name one directory of the worktree, or name the files from its root"
        yield verdict.denial("PATH_OUTSIDE", name.span, "cd needs one plain directory", hint)
    yield from rules.check_words(arguments, rules.RULES["cd"], around)


def date(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """date shows the time and does not set it."""
    del name
    is_value = False
    for word in arguments:
        option = _DateOption()
        if not is_value and not word.text.startswith("+"):
            option = _date_option(word.text)
            if option.sets_clock or not word.is_literal:
                hint = "write '+FORMAT' to show a time, -d to show another one"
                yield verdict.denial("PRIVILEGE", word.span, "blocked pattern: date {}", hint)
        if is_value or word.text.startswith("-"):
            yield from words.path_verdicts(word, around.root)
        is_value = option.takes_next
    yield from rules.unknown_words(arguments, globs=True)


class _DateOption(NamedTuple):
    """How date reads one argument; `takes_next`: the next argument is its value."""

    sets_clock: bool = False
    takes_next: bool = False


def _date_option(text: str) -> _DateOption:
    if text.startswith("--"):
        # The argument after an option that takes none (--debug, --rfc-email) is an option again.
        takes_next = len(text) > 2 and any(name.startswith(text) for name in _DATE_VALUES)
        return _DateOption(text.startswith("--s"), takes_next)
    if not text.startswith("-"):
        return _DateOption(sets_clock=True)
    for index, letter in enumerate(text[1:], start=1):
        if letter == "s":
            return _DateOption(sets_clock=True)
        if letter in "dfrI":
            return _DateOption(takes_next=letter != "I" and text[index + 1 :] == "")
    return _DateOption()


def printf(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """printf writes text; with -v it sets a variable, whose index is evaluated like a command."""
    del name, around
    first = arguments[:1]
    if first and first[0].text.startswith("-") and first[0].text != "--":
        yield verdict.denial(
            "BUILTIN", first[0].span, "blocked pattern: printf {}", "write the text with '%s'"
        )
    yield from rules.unknown_words(first, globs=True)


def read(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """read sets plain variables from its input."""
    del around
    names = arguments[1:] if arguments and arguments[0].text == "-r" else arguments
    for word in names:
        if not word.is_literal or not VARIABLE.fullmatch(word.text):
            yield verdict.denial(
                "BUILTIN", word.span, "blocked pattern: read {}", "read -r and a lower-case name"
            )
    if not names:
        yield verdict.denial(
            "BUILTIN", name.span, "read needs the name of a variable", "read -r line"
        )


def set_options(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """set -e, -u, -x and -o pipefail."""
    del around
    if not arguments or any(
        not word.is_literal or not _SET.fullmatch(word.text) for word in arguments
    ):
        yield verdict.denial(
            "BUILTIN", name.span, "blocked pattern: {}", "set takes -e, -u, -x and -o pipefail here"
        )
