"""Each moment of a run as plain lines, for a file or a log: what models write, what commands print,
tokens, and after each step how far the run is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_orch.flow import reports
from git_orch.plans import invisible, sentences
from git_orch.views import console
from git_orch.views.course import Course, Head
from git_orch.views.events import Pieces

if TYPE_CHECKING:
    from git_orch.flow.reports import Report, Reporter

_ENOUGH = 50  # characters without the end of a line that make one
_LONGEST = 0.1  # seconds after which text that came is shown


@dataclass
class _Text:
    """What came from one place and is not shown yet; `pieces` keeps a word that a secret may begin
    with.
    """

    shown: float
    kept: str = ""
    pieces: Pieces = field(default_factory=Pieces)


class PlainReporter:
    """Passes reports on to the lines of a run, and adds lines about each moment; called from several
    threads.
    """

    def __init__(
        self, lines: Reporter, jobs: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._guard = threading.Lock()
        self._lines = lines
        self._numbered = jobs > 1
        self._clock = clock
        self._course = Course(jobs, clock)
        self._texts: dict[int | None, _Text] = {}

    def expect(self, seconds: Mapping[int, float]) -> None:
        """Take what the steps, by number, took before."""
        with self._guard:
            self._course.expected = seconds

    def emit(self, report: Report) -> None:
        """Take one report."""
        with self._guard:
            self._course.take(report)
            if not isinstance(report, (reports.Wrote, reports.Printed)):
                self._show_rest(getattr(report, "number", None))
            self._lines.emit(report)
            self._take_moment(report)

    def _take_moment(self, report: Report) -> None:
        match report:
            case reports.Wrote(number, text):
                self._add(number, self._text(number).pieces.of_text(text))
            case reports.Printed(number, data):
                self._add(number, self._text(number).pieces.of_bytes(data))
            case reports.Phase(number, name, about) if about:
                self._say(number, invisible.on_one_line(f"{name}: {about}"))
            case reports.ModelCalled(number, model, tokens_in, tokens_out, usd):
                tokens = f"{tokens_in:,} tokens in, {tokens_out:,} out"
                self._say(number, f"{model}: {tokens}, {sentences.usd(usd)}")
            case reports.StepLanded() | reports.StepDone() | reports.StepAsked():
                self._tell_how_far()
            case reports.StepNotLanded(pause=None):
                self._tell_how_far()
            case _:
                pass

    def _text(self, number: int | None) -> _Text:
        return self._texts.setdefault(number, _Text(self._clock()))

    def _add(self, number: int | None, text: str) -> None:
        """Show whole lines; and the rest, where it is long or has waited."""
        held, now = self._text(number), self._clock()
        *lines, rest = (held.kept + text.replace("\r", "\n")).split("\n")
        if len(rest) >= _ENOUGH or (rest and now - held.shown >= _LONGEST):
            lines, rest = [*lines, rest], ""
        held.kept = rest
        for line in lines:
            if line.strip():
                held.shown = now
                self._say(number, f"| {line}")

    def _show_rest(self, number: int | None) -> None:
        held = self._texts.pop(number, None)
        if held is None:
            return
        for line in (held.kept + held.pieces.rest()).split("\n"):
            if line.strip():
                self._say(number, f"| {line}")

    def _say(self, number: int | None, text: str) -> None:
        about = f"[{number}] " if self._numbered and number is not None else ""
        console.err(f"{about}  {text}")

    def _tell_how_far(self) -> None:
        head = self._course.head()
        if head is not None:
            console.err(how_far(head))


def how_far(head: Head) -> str:
    """The run as a whole in a line."""
    parts = [f"progress: {head.done} of {sentences.count(head.steps, 'step')}"]
    parts.append(f"{head.seconds:.0f} s")
    if head.usd or head.limit:
        limit = f" of {sentences.usd(head.limit)}" if head.limit else ""
        parts.append(f"{sentences.usd(head.usd)}{limit}")
    if head.left is not None:
        parts.append(f"about {head.left:.0f} s left")
    return ", ".join(parts)
