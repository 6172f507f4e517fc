"""Steps, commands and lists of names in the sentences that people read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def steps(numbers: Iterable[int]) -> str:
    """Steps by their numbers, in order: `step 3`, `steps 3, 6`."""
    listed = [str(number) for number in sorted(numbers)]
    return f"step{'s' if len(listed) > 1 else ''} {', '.join(listed)}"


def command(text: str) -> str:
    """A command in quotes; of one with several lines the first, and an ellipsis for the rest."""
    first, more, _ = text.strip().partition("\n")
    return f"'{first}{' ...' if more else ''}'"


_MOST = 5  # names in a list, where nothing else is said


def names(every: Sequence[str], most: int = _MOST) -> str:
    """The first `most` names, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def quoted(every: Sequence[str]) -> str:
    """The same with each name in quotes."""
    return names([f"'{name}'" for name in every])
