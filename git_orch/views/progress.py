"""Live progress of a run, as plain lines on standard error."""

from __future__ import annotations

import threading
from typing import assert_never

from git_orch.flow import reporting
from git_orch.flow.reporting import Report
from git_orch.views import console
from git_orch.views import report as report_view
from git_orch.views.console import Styled

_SHOWN = 10  # paths


class ConsoleReporter:
    """Prints reports as they come; called from several threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()

    def emit(self, report: Report) -> None:
        """Print one report."""
        with self._guard:
            console.err(*_line(report))


def _code(paths: tuple[str, ...]) -> tuple[console.Part, ...]:
    """Files that run on the machine of whoever uses the tree: named, because a reviewer looks at them first."""
    if not paths:
        return ()
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return (Styled("\n  review ", "yellow"), f"changed files that run code: {', '.join(paths[:_SHOWN])}{more}")


def _line(report: Report) -> tuple[console.Part, ...]:
    match report:
        case reporting.Note(text):
            return (Styled("note: ", "dim"), text)
        case reporting.StepStarted(number, count, title, kind):
            return (Styled(f"step {number}/{count} ", "bold"), f"{title} [{kind}]")
        case reporting.StepProgress(_, text):
            return (Styled("  " + console.indented(text, 2), "dim"),)
        case reporting.CheckEnded(_, result):
            style = "green" if result.passed else "red"
            command = console.indented(result.command, 8)
            said = report_view.said(result)
            shown = [Styled("\n" + console.indented("    " + said, 4), "dim")] if said else []
            return ("  check ", command, ": ", Styled(result.reason, style), f" in {result.seconds:.1f} s", *shown)
        case reporting.StepLanded(_, _, commit, files, seconds, usd, code):
            cost = f", ${usd:.4f}" if usd else ""
            noun = "file" if files == 1 else "files"
            landed = f"{commit[:10]}, {files} {noun} changed, {seconds:.1f} s{cost}"
            return (Styled("  landed ", "green"), landed, *_code(code))
        case reporting.StepNotLanded(_, _, error, commit):
            kept = f" (kept as {commit[:10]})" if commit is not None else ""
            return (Styled("  failed ", "red"), console.indented(error, 4), kept)
        case _:
            assert_never(report)
