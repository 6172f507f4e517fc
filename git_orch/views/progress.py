"""Live progress of a run, as plain lines on standard error."""

from __future__ import annotations

import threading
from typing import assert_never

from git_orch.flow import reports
from git_orch.flow.reports import Report
from git_orch.plans import sentences
from git_orch.views import console
from git_orch.views import report as report_view
from git_orch.views.console import Styled

_SHOWN = 10  # paths


class ConsoleReporter:
    """Prints reports as they come; called from several threads.

    With `numbered` each line says which step it is about: several run at the same time.
    """

    def __init__(self, *, numbered: bool = False) -> None:
        self._guard = threading.Lock()
        self._numbered = numbered

    def emit(self, report: Report) -> None:
        """Print one report."""
        about = ""
        if self._numbered and not isinstance(report, (reports.Note, reports.TipChecking)):
            about = f"[{report.number}] "
        with self._guard:
            console.err(*([Styled(about, "dim")] if about else []), *_line(report))


def _code(paths: tuple[str, ...]) -> tuple[console.Part, ...]:
    """Files that run on the machine of whoever uses the tree: named, because a reviewer looks at
    them first.
    """
    if not paths:
        return ()
    return (
        Styled("\n  review ", "yellow"),
        f"changed files that run code: {sentences.names(paths, _SHOWN)}",
    )


def _landed(report: reports.StepLanded) -> tuple[console.Part, ...]:
    cost = f", {sentences.usd(report.usd)}" if report.usd else ""
    told = f"{report.commit[:10]}, {sentences.count(report.files, 'file')} changed, {report.seconds:.1f} s{cost}"
    reasons = [
        part
        for reason in report.review
        for part in (Styled("\n  needs review: ", "yellow"), reason)
    ]
    return (Styled("  landed ", "green"), told, *_code(report.code), *reasons)


def _line(report: Report) -> tuple[console.Part, ...]:
    match report:
        case reports.Note(text):
            return (Styled("note: ", "dim"), text)
        case reports.StepStarted(number, count, title, kind):
            return (Styled(f"step {number}/{count} ", "bold"), f"{title} [{kind}]")
        case reports.StepProgress(_, text):
            return (Styled("  " + console.indented(text, 2), "dim"),)
        case reports.CheckEnded(_, result):
            style = "green" if result.passed else "red"
            command = console.indented(result.command, 8)
            said = report_view.said(result)
            shown = [Styled("\n" + console.indented("    " + said, 4), "dim")] if said else []
            took = ", cached" if result.cached else f" in {result.seconds:.1f} s"
            return ("  check ", command, ": ", Styled(result.reason, style), took, *shown)
        case reports.TipChecking(count):
            return (
                Styled("tip ", "bold"),
                f"{sentences.count(count, 'check')} once more on what all steps made together",
            )
        case reports.StepLanded():
            return _landed(report)
        case reports.StepDone():
            return (Styled("  done", "green"),)
        case reports.StepNotLanded():
            return _not_landed(report)
        case _:
            assert_never(report)


def _not_landed(report: reports.StepNotLanded) -> tuple[console.Part, ...]:
    """Where there are several lines of output, what we say ourselves has a line of its own below
    them.
    """
    said = [f"kept as {report.commit[:10]}"] if report.commit is not None else []
    if report.pause is not None:
        said.append(f"trying again in {report.pause:g} s" if report.pause else "trying again")
    more = "; ".join(said)
    place = f"\n    ({more})" if "\n" in report.error else f" ({more})"
    return (Styled("  failed ", "red"), console.indented(report.error, 4), place if said else "")
