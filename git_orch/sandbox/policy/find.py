"""find looks for files, but may delete them, write lists of them and run programs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_orch.sandbox.policy import rules, verdict, words, wrappers
from git_orch.sandbox.policy.rules import Surroundings
from git_orch.sandbox.policy.words import Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_orch.sandbox.policy.verdict import Verdict

_RUNS = frozenset(("-exec", "-execdir"))
_ASKS = frozenset(("-ok", "-okdir"))
_WRITES = frozenset(("-delete", "-fprint", "-fprint0", "-fprintf", "-fls"))
_TEXTS = words.word_set("""
    -name -iname -path -ipath -wholename -iwholename -regex -iregex -lname -ilname -printf
    -regextype -fstype
""")


def find(name: Word, arguments: tuple[Word, ...], around: Surroundings) -> Iterator[Verdict]:
    """The starting points and file names of the tests, and what the actions do."""
    del name
    yield from rules.unknown_words(arguments, globs=True)
    index = 0
    while index < len(arguments):
        word = arguments[index]
        index += 1
        if word.text in _ASKS:
            reason = "blocked pattern: find {} (it waits for an answer)"
            yield verdict.denial(
                "EXEC_OPTION", word.span, reason, "use -exec, or print the names and look at them"
            )
        elif word.text in _RUNS:
            end = _end(arguments, index)
            yield verdict.sandbox_only(
                word.span, "blocked pattern: find {} (it runs in the sandbox only)"
            )
            yield from wrappers.run_on_data(word, arguments[index:end], around)
            index = end + 1
        elif word.text in _TEXTS:
            index += 1
        elif word.text in _WRITES:
            yield verdict.sandbox_only(
                word.span, "blocked pattern: find {} (it runs in the sandbox only)"
            )
        else:
            yield from words.path_verdicts(word, around.root)


def _end(arguments: tuple[Word, ...], start: int) -> int:
    """Where the command of an -exec ends: at ';', or at '+' after '{}'."""
    for index in range(start, len(arguments)):
        text = arguments[index].text
        if text == ";" or (text == "+" and arguments[index - 1].text == "{}"):
            return index
    return len(arguments)
