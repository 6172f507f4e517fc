"""Texts of one line, such as titles and names of people: git prints them as they are."""

from __future__ import annotations

import re

LONGEST = 200  # characters

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def problem(text: str) -> str | None:
    """Why a text cannot be a line; None where it can."""
    if not text.strip():
        return "is empty"
    control = _CONTROL.search(text)
    if control is None:
        return None
    if control[0] in "\r\n":
        return "must be one line"
    return f"holds the control character U+{ord(control[0]):04X}"


def of(text: str) -> str:
    """The text as one line, with its end left out where it is too long."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
