"""Reports as live lines: the course of the run, drawn when the region asks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from git_orch.views.course import Course

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.text import Text

    from git_orch.flow.reports import Report, Reporter


class LiveReporter:
    """Takes reports for the live lines, and passes them on to the lines that stay; called from
    several threads.
    """

    def __init__(self, lines: Reporter, jobs: int) -> None:
        self._guard = threading.Lock()
        self._lines = lines
        self._course = Course(jobs)

    def emit(self, report: Report) -> None:
        """Take one report."""
        with self._guard:
            self._course.take(report)
        self._lines.emit(report)

    def expect(self, seconds: Mapping[int, float]) -> None:
        """Take what the steps, by number, took before."""
        with self._guard:
            self._course.expected = seconds

    def frame(self, columns: int, most: int) -> list[Text]:
        """The live lines now."""
        with self._guard:
            head, rows = self._course.head(), self._course.rows()
        if not rows:
            return []
        from git_orch.views import frame

        return frame.lines(head, rows, columns, most)
