"""The tokens of bash, described a second time and more narrowly than in the parser's grammar."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping

from git_orch.sandbox.policy import words
from git_orch.sandbox.policy.words import UNKNOWN

DOUBLE_TEST = words.word_set("-f -d -e -s -z -n -r -w -x -L -h = == != && || !")
SINGLE_TEST = (DOUBLE_TEST - {"&&", "||"}) | words.word_set(
    "-eq -ne -lt -le -gt -ge -nt -ot -ef -a -o -p -b -c -v -R"
)

# Not at the start '#', which is a comment; no blank, quote or operator. A lone backslash only
# before what find needs.
_WORD = re.compile(r"""(?!#)[^\s\x00-\x20'"`$\\&;|<>()]+""")
_ESCAPED = {"\\;": ";", "\\(": "(", "\\)": ")", "\\!": "!"}
# Before a redirection, the name of the variable that gets the descriptor.
_NAMED_BRACES = re.compile(r"\{[A-Za-z_]\w*\}")
_ANSI = re.compile(r"""\$'((?:[^'\\]|\\[ntr\\'"])*)'""", re.DOTALL)
_ANSI_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9?#@*$!-])")
_TRIMMED = re.compile(r"\$\{[A-Za-z_]\w*(?:(?:%%?|##?)[\w.*/-]+)?\}")
_NUMBERS = re.compile(r"\$\(\([0-9+*/%() \t-]*\)\)")
_CALCULATION = re.compile(r"\$\(\([\w+*/%<>=! \t-]*[A-Za-z_][\w+*/%<>=! \t-]*\)\)")
_DOUBLE_QUOTED = re.compile(r"""(?:[^"`$\\]|\\[\s\S]|\$(?![A-Za-z0-9_({\[?#@*$!'"-]))*""")
_ESCAPE = re.compile(r"\\([\"\\$`\n])")
_ALTERNATIVES = re.compile(r"[\w./:=+@%*-]*\{[\w./:=+@%*-]*(?:,[\w./:=+@%*-]*)+\}[\w./:=+@%*{},-]*")
_GROUP = re.compile(r"\{([^{},]*(?:,[^{},]*)+)\}")
_MOST_ALTERNATIVES = 64


def _word(raw: str) -> str | None:
    if raw in _ESCAPED:
        return _ESCAPED[raw]
    return raw if _WORD.fullmatch(raw) and not _NAMED_BRACES.fullmatch(raw) else None


def _raw_string(raw: str) -> str | None:
    return raw[1:-1] if re.fullmatch(r"'[^']*'", raw) else None


def _ansi(raw: str) -> str | None:
    match = _ANSI.fullmatch(raw)
    if match is None:
        return None
    return re.sub(r"\\(.)", lambda escape: _ANSI_ESCAPES.get(escape[1], escape[1]), match[1])


def _unknown_if(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda raw: UNKNOWN if pattern.fullmatch(raw) else None


READERS: Mapping[str, Callable[[str], str | None]] = {
    "word": _word,
    "number": lambda raw: raw if re.fullmatch(r"-?[0-9]+", raw) else None,
    "raw_string": _raw_string,
    "ansi_c_string": _ansi,
    "simple_expansion": _unknown_if(_VARIABLE),
    "expansion": _unknown_if(_TRIMMED),
    "arithmetic_expansion": _unknown_if(_NUMBERS),
}
# Unquoted parts of a word.
BARE = frozenset(("word", "number", "simple_expansion", "expansion", "arithmetic_expansion"))


def calculates(raw: str) -> bool:
    """Whether it is a plain calculation that has variables in it."""
    return _CALCULATION.fullmatch(raw) is not None


def double_quoted_text(raw: str, after: str) -> str | None:
    """Text between double quotes without its escapes; `after` is the character that follows."""
    if not _DOUBLE_QUOTED.fullmatch(raw) or (
        raw.endswith("$") and re.match(r"[A-Za-z0-9_({\[?#@*$!'-]", after)
    ):
        return None
    return _ESCAPE.sub(lambda escape: "" if escape[1] == "\n" else escape[1], raw)


def expands_braces(raw: str) -> bool:
    """Whether bash may make several words of it: a comma or '..' between braces."""
    return re.search(r"\{.*(?:,|\.\.).*\}", raw, re.DOTALL) is not None


def alternatives(raw: str) -> list[str]:
    """The words of a plain {a,b}; none when it is anything else."""
    if not _ALTERNATIVES.fullmatch(raw):
        return []
    pieces = _GROUP.split(raw)
    outside, inside = "".join(pieces[0::2]), "".join(pieces[1::2])
    if re.search(r"[{},]", outside) or ".." in inside:
        return []
    groups = [[text] if index % 2 == 0 else text.split(",") for index, text in enumerate(pieces)]
    combinations = list(itertools.islice(itertools.product(*groups), _MOST_ALTERNATIVES + 1))
    if len(combinations) > _MOST_ALTERNATIVES:
        return []
    return ["".join(texts) for texts in combinations]
