"""The one key for the model provider, found or refused before anything is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from git_orch import errors

_KEY = re.compile(r"[\x21-\x7e]{1,4096}")  # what a header of HTTP can hold
_BLANKS = " \t\r\n\v\f"


def is_set(keys: Mapping[str, str]) -> bool:
    """Whether a variable holds more than blanks."""
    return any(map(str.strip, keys.values()))


def only_key(keys: Mapping[str, str]) -> dict[str, str]:
    """The variable that holds the key, by its name; none where no variable is there.

    An empty one does not count beside another. Raises UsageError, in which nothing of a key stands.
    """
    full = {name: key for name, key in keys.items() if key.strip()}
    if keys and not full:
        name = min(keys)
        raise errors.UsageError(
            f"'{name}' is empty", f"run 'export {name}=...' with a key, or 'unset {name}'"
        )
    if len(full) > 1:
        first, second = sorted(full)
        raise errors.UsageError(f"'{first}' and '{second}' are both set", f"unset {second}")
    for name, key in full.items():
        _refuse_unfit(name, key)
    return full


def _refuse_unfit(name: str, key: str) -> None:
    if _KEY.fullmatch(key):
        return
    if _KEY.fullmatch(key.strip(_BLANKS)):
        place = "begins" if key[0] in _BLANKS else "ends"
        blank = "a line break" if "\n" in key or "\r" in key else "a blank"
        raise errors.UsageError(
            f"'{name}' {place} with {blank}",
            f'export {name}="$(printf %s "${name}" | tr -d \'[:space:]\')"',
        )
    raise errors.UsageError(
        f"'{name}' holds characters that no key has", f"run 'export {name}=...' with the key alone"
    )
