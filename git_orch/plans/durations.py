"""Spans of time as people type them: `90s`, `30m`, `6h`, `2d`."""

from __future__ import annotations

import re

FORM = re.compile(r"[0-9]{1,9}[smhd]")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(text: str) -> float | None:
    """The seconds of a span of time; a number without a unit counts seconds. None for another
    text.
    """
    if text.isascii() and text.isdecimal():
        return float(text)
    if not FORM.fullmatch(text):
        return None
    return float(int(text[:-1]) * _SECONDS[text[-1]])


def text(seconds: float) -> str:
    """The span as people type it, in the largest unit that counts it whole."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds:.0f}s"


WAIT = "6h"  # for a limit of the model provider, where somebody asks for a wait without a time
LONGEST_WAIT = 7 * 86_400.0  # seconds
