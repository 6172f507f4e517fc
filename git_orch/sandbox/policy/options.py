"""The arguments of a program by what they are: options, their values, text such as a pattern, and
operands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_orch.sandbox.policy.words import Word

Role = Literal["option", "value", "text", "operand"]


class Shape(NamedTuple):
    """The form of a program's arguments.

    `letters` take a value, and so do the options `long`; values of `texts` are no file names. The
    first `patterns` operands are text, unless one of `pattern_options` is there.
    """

    letters: str = ""
    long: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    patterns: int = 0
    pattern_options: tuple[str, ...] = ()


class Argument(NamedTuple):
    """A word and what it is; `option` is the option a value belongs to, without an attached value."""

    word: Word
    role: Role
    option: str = ""


def parse(words: Sequence[Word], shape: Shape) -> list[Argument]:
    """All arguments in order."""
    arguments = list(_parse(words, shape))
    has_pattern_option = any(argument.option in shape.pattern_options for argument in arguments)
    patterns = 0 if has_pattern_option else shape.patterns
    for index, argument in enumerate(arguments):
        if argument.role == "operand" and patterns > 0:
            arguments[index] = argument._replace(role="text")
            patterns -= 1
    return arguments


def _parse(words: Sequence[Word], shape: Shape) -> Iterator[Argument]:
    pending: str | None = None
    ended = False
    for word in words:
        text = word.text
        if pending is not None:
            yield Argument(word, "text" if pending in shape.texts else "value", pending)
            pending = None
        elif ended or text == "-" or not text.startswith("-"):
            yield Argument(word, "operand")
        elif text == "--":
            ended = True
        elif text.startswith("--"):
            name, sign, _ = text.partition("=")
            yield Argument(word, "text" if sign and name in shape.texts else "option", name)
            pending = name if not sign and name in shape.long else None
        else:
            letter, rest = _option_and_value(text, shape.letters)
            yield Argument(
                word, "text" if rest and letter in shape.texts else "option", letter or text
            )
            pending = letter if letter and not rest else None


def _option_and_value(text: str, letters: str) -> tuple[str, str]:
    """The option of a cluster such as -nf that takes a value, and the value that is attached to it."""
    for index, letter in enumerate(text[1:], start=1):
        if letter in letters:
            return f"-{letter}", text[index + 1 :]
    return "", ""


def is_long_option(word: Word, options: Iterable[str]) -> bool:
    """Whether a word is one of these long options, or an abbreviation of one, as getopt_long takes
    it.
    """
    name = word.text.partition("=")[0]
    return (
        name.startswith("--")
        and len(name) > 2
        and any(option.startswith(name) for option in options)
    )


def has_letter(word: Word, letters: str) -> bool:
    """Whether a word is a cluster of short options with one of these letters."""
    return (
        word.text.startswith("-")
        and not word.text.startswith("--")
        and any(letter in word.text for letter in letters)
    )
