"""Timing side by side: the cases take turns, so that whatever else the machine does meets all of
them alike.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

QUIET = 0.5  # load average above which numbers are to be read as ratios only

Samples = Sequence[float]
# One turn; gives seconds, several when a turn holds several measurements.
Case = Callable[[], Samples]


class Times(NamedTuple):
    """Seconds: the median and the least of all samples. The least is what the machine can do
    undisturbed.
    """

    median: float
    least: float

    def plus(self, other: Times) -> Times:
        """Both, one after the other."""
        return Times(self.median + other.median, self.least + other.least)

    def less(self, other: Times) -> Times:
        """What is above the other."""
        return Times(self.median - other.median, self.least - other.least)

    def shown(self) -> str:
        """Milliseconds, the least in brackets."""
        return f"{_milliseconds(self.median)} ({_milliseconds(self.least)}) ms"


def _milliseconds(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"


def side_by_side(cases: Mapping[str, Case], rounds: int) -> dict[str, Times]:
    """Each case once to warm up, then `rounds` rounds in which each has its turn, in changing
    order.
    """
    samples: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    for number in range(-1, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            found = cases[name]()
            if number >= 0:
                samples[name] += found
    return {name: Times(statistics.median(found), min(found)) for name, found in samples.items()}


def timed(action: Callable[[], object]) -> list[float]:
    """One sample: how long the action took."""
    begun = time.perf_counter()
    action()
    return [time.perf_counter() - begun]


class Row(NamedTuple):
    """A line of a table, as it is printed."""

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""
    aim: str = ""
    met: str = ""


class Table(NamedTuple):
    """The rows of one group, and what a reader must know about them."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


def compared(what: str, ours: Times, beside: Times, at_most: float | None = None) -> Row:
    """A row with the ratio of the medians and, in brackets, of the leasts; `at_most` is the aim for
    it.
    """
    median, least = ours.median / beside.median, ours.least / beside.least
    aim = f"at most {at_most:g}" if at_most is not None else ""
    met = _met(median, least, at_most) if at_most is not None else ""
    return Row(what, ours.shown(), beside.shown(), f"{median:.2f} ({least:.2f})", aim, met)


def within(what: str, ours: Times, beside: Times, margin: float) -> Row:
    """A row whose aim is to be at most `margin` seconds above what it stands beside."""
    above = ours.less(beside)
    ratio = f"{above.shown()} more"
    aim = f"at most {margin * 1000:g} ms more"
    return Row(
        what, ours.shown(), beside.shown(), ratio, aim, _met(above.median, above.least, margin)
    )


def _met(median: float, least: float, at_most: float) -> str:
    if median <= at_most:
        return "yes"
    return "at its least" if least <= at_most else "no"


def load() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]
