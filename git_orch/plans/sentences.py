"""Steps, commands, counts, money and lists of names in the sentences that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from git_orch.plans import invisible


def steps(numbers: Iterable[int]) -> str:
    """Steps by their numbers, in order: `step 3`, `steps 3, 6`."""
    listed = [str(number) for number in sorted(numbers)]
    return f"{'step' if len(listed) == 1 else 'steps'} {', '.join(listed)}"


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def at_most(times: int) -> str:
    """How often at most: `at most 3 times`."""
    return f"at most {times} times" if times > 1 else "once"


def verb(number: int, singular: str, plural: str) -> str:
    """The verb that goes with so many: `1 file is`, `2 files are`."""
    return singular if number == 1 else plural


_PART = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]|\[('.*?'|\".*?\")\]", re.DOTALL)
_ONE_OF = {
    "steps": "step", "checks": "check", "files": "file", "paths": "path",
    "dependencies": "dependency", "missing": "missing command", "requirements": "requirement", "criteria": "criterion",
}  # fmt: skip


def field(path: str) -> str:
    """The field of a document in words that count from 1: `step 1, check 2, timeout` for
    `steps[0].checks[1].timeout`.
    """
    words: list[str] = []
    is_name = False
    for name, index, key in _PART.findall(path):
        if is_name and not name:
            words[-1] = f"{_ONE_OF.get(words[-1], words[-1])} {key or int(index) + 1}"
        else:  # a key may also be a field that has no name of letters
            words.append(name or key or f"item {int(index) + 1}")
        is_name = bool(name)
    return ", ".join(words)


def uncommitted_files(number: int) -> str:
    """The beginning of a sentence: `1 uncommitted file is`, `2 uncommitted files are`."""
    return f"{count(number, 'uncommitted file')} {verb(number, 'is', 'are')}"


def usd(amount: float) -> str:
    """An amount of money: `$0.00`, `$0.0123`, `$12.34`.

    Amounts from ten cents up have two decimals, smaller ones have four; no amount but nothing reads
    as nothing.
    """
    return f"${_digits(amount)}"


def usd_more(difference: float) -> str:
    """The difference of two amounts, rounded as these: `+$0.0123`, `-$12.34`."""
    return f"{'-' if difference < 0 else '+'}{usd(abs(difference))}"


def usd_range(low: float, high: float) -> str:
    """A range of amounts: `0.12 - 0.48`, with as many decimals as tell its ends apart."""
    ends = _digits(low), _digits(high)
    decimals = 2
    while low < high and float(ends[0]) >= float(ends[1]) and decimals < _MOST_DECIMALS:
        decimals += 1
        ends = f"{low:.{decimals}f}", f"{high:.{decimals}f}"
    return " - ".join(ends)


_CENTS = 0.09995  # USD; four decimals make $0.1000 of this and more
_LEAST = 0.0001  # USD
_MOST_DECIMALS = 9  # the log has no more


def _digits(amount: float) -> str:
    if amount == 0 or amount >= _CENTS:
        return f"{amount:.2f}"
    return f"{max(amount, _LEAST):.4f}"


def command(text: str) -> str:
    """A command in quotes; of one with several lines the first, and an ellipsis for the rest."""
    first, more, _ = text.strip().partition("\n")
    return f"'{first}{' ...' if more else ''}'"


_MOST = 5  # names in a list, unless the caller has a number


def names(every: Sequence[str], most: int = _MOST) -> str:
    """The first `most` names, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


class _Path(Protocol):
    def __fspath__(self) -> str: ...


def paths(every: Sequence[str], most: int = _MOST) -> str:
    """The first `most` paths as git lists them, and how many more there are."""
    return names([invisible.as_git_quotes(path) for path in every], most)


def quoted(path: str | _Path) -> str:
    """A path or the name of a branch in quotes: single ones, or double ones where git quotes it."""
    name = str(path)
    shown = invisible.as_git_quotes(name)
    return f"'{name}'" if shown == name else shown


def quoted_names(every: Sequence[str], most: int = _MOST) -> str:
    """The first `most` paths in quotes, and how many more there are."""
    return names([quoted(path) for path in every], most)
