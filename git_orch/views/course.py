"""The course of a run at one moment, for somebody who looks on: what each step does, for how long,
at what cost, and the last line of what its model writes or its command prints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from git_orch.flow import reports
from git_orch.plans import invisible
from git_orch.repo.local import phases
from git_orch.views.events import Pieces

if TYPE_CHECKING:
    from git_orch.flow.reports import Report, Upcoming

_LONGEST = 400  # characters of a line; no terminal is that wide
_KEPT = 4000  # characters of a text whose last line is shown
_NAMES = {"model": "model works", "command": "runs", "files": "writes files"}


class Head(NamedTuple):
    """The run as a whole: its steps, seconds, USD of the plan's limit (0: none), seconds that it may
    still take, as far as the history says.
    """

    done: int
    steps: int
    seconds: float
    usd: float
    limit: float
    left: float | None


class Row(NamedTuple):
    """A step (None: the run beside its steps) that goes on, or waits when it has no `seconds`."""

    number: int | None
    title: str
    state: str
    seconds: float | None
    tokens: int
    usd: float
    line: str


@dataclass
class _Entry:
    title: str
    since: float
    state: str = "starts"
    state_since: float = 0.0
    tokens: int = 0
    usd: float = 0.0
    text: str = ""
    pieces: Pieces = field(default_factory=Pieces)


class Course:
    """Takes reports, and gives rows. Not for several threads at once."""

    def __init__(self, jobs: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs = jobs
        self._clock = clock
        self._began = clock()
        self._going: dict[int | None, _Entry] = {}
        self._waiting: dict[int, Upcoming] = {}
        self._count = 0
        self._usd = 0.0
        self._limit = 0.0
        self.expected: Mapping[int, float] = {}  # seconds by step, from the history

    def take(self, report: Report) -> None:
        """Take one report."""
        match report:
            case reports.RunStarted():
                self._count = report.count
                self._waiting = {step.number: step for step in report.steps}
            case reports.Budget(limit, spent):
                self._limit, self._usd = limit, spent
            case reports.StepStarted(number, _, title, _):
                self._waiting.pop(number, None)
                self._going[number] = _Entry(title, self._clock())
            case reports.TipChecking():
                self._going[None] = _Entry("final checks", self._clock())
            case reports.StepLanded() | reports.StepDone() | reports.StepAsked():
                self._going.pop(report.number, None)
            case reports.StepNotLanded(number=number, pause=pause):
                if pause is None:
                    self._going.pop(number, None)
                elif number in self._going:
                    self._begin(number, "waits to try again")
            case reports.Phase():
                self._take_phase(report)
            case _:
                self._take_moment(report)

    def _take_moment(self, report: Report) -> None:
        if isinstance(report, reports.ModelCalled):
            self._usd += report.usd
        entry = self._going.get(getattr(report, "number", None))
        if entry is None:
            return
        match report:
            case reports.ModelCalled():
                entry.tokens += report.tokens_in + report.tokens_out
                entry.usd += report.usd
            case reports.Wrote(_, text):
                entry.text = (entry.text + entry.pieces.of_text(text))[-_KEPT:]
            case reports.Printed(_, data):
                entry.text = (entry.text + entry.pieces.of_bytes(data))[-_KEPT:]
            case reports.StepProgress():
                entry.text = ""  # it stands above now

    def _take_phase(self, report: reports.Phase) -> None:
        number, name = report.number, report.name
        if number is None and name == phases.BETWEEN:
            self._going.pop(None, None)
            return
        shown = _NAMES.get(name, name)
        state = f"{shown}: {report.about}" if report.about else shown
        if number is None and None not in self._going:
            self._going[None] = _Entry(name, self._clock())
        entry = self._going.get(number)
        self._begin(number, report.about if entry is not None and entry.title == name else state)

    def _begin(self, number: int | None, state: str) -> None:
        entry = self._going.get(number)
        if entry is not None:
            entry.state, entry.state_since = state, self._clock()
            entry.text, entry.pieces = "", Pieces()

    def head(self) -> Head | None:
        """The run as a whole; None before it has begun."""
        if not self._count:
            return None
        going = sum(1 for number in self._going if number is not None)
        done = self._count - len(self._waiting) - going
        seconds = self._clock() - self._began
        return Head(done, self._count, seconds, self._usd, self._limit, self._left())

    def rows(self) -> list[Row]:
        """What goes on, then what waits for its turn."""
        now = self._clock()
        going = sorted(self._going.items(), key=lambda item: (item[0] is None, item[0] or 0))
        rows = [
            Row(number, _fit(entry.title), _fit(entry.state), now - entry.since,
                entry.tokens, entry.usd, last_line(entry.text))
            for number, entry in going
        ]  # fmt: skip
        for number, step in self._waiting.items():
            rows.append(Row(number, _fit(step.title), "waits", None, 0, 0.0, ""))
        return rows

    def _left(self) -> float | None:
        """Seconds until the last step ends; None where the history lacks one of the steps."""
        now, seconds = self._clock(), list[float]()
        for number in (*self._waiting, *self._going):
            if number is None:
                continue
            if number not in self.expected:
                return None
            entry = self._going.get(number)
            gone = now - entry.since if entry is not None else 0.0
            seconds.append(max(0.0, self.expected[number] - gone))
        return max(sum(seconds) / self._jobs, *seconds) if seconds else None


def last_line(text: str) -> str:
    """The last line with something on it, as far as a terminal shows it."""
    for line in reversed(text[-_KEPT:].replace("\r", "\n").split("\n")):
        if line.strip():
            return _fit(line.strip())
    return ""


def _fit(text: str) -> str:
    return invisible.on_one_line(text[:_LONGEST])
