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

    With `numbered` a line begins with the number of its step, because several run at once.
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


def _code_files(paths: tuple[str, ...]) -> tuple[console.Part, ...]:
    """A line with the files that run code on the machine of their reader, for reviewers; none
    without such files.
    """
    if not paths:
        return ()
    return (Styled("\n  review: ", "yellow"), code_files_text(paths))


def code_files_text(paths: tuple[str, ...]) -> str:
    """The files that run code on the machine of their reader, in a sentence."""
    return f"these files are executable or run by tools: {sentences.paths(paths, _SHOWN)}"


def _landing_line(report: reports.StepLanded) -> tuple[console.Part, ...]:
    cost = f", {sentences.usd(report.usd)}" if report.usd else ""
    files = sentences.count(report.files, "file")
    text = f"{report.commit[:10]}, {files} changed, {report.seconds:.1f} s{cost}"
    reasons: list[console.Part] = []
    for reason in report.review:
        reasons += [Styled("\n  needs review: ", "yellow"), reason]
    return (Styled("  landed ", "green"), text, *_code_files(report.code), *reasons)


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
            output = report_view.check_output(result)
            shown = [Styled("\n" + console.indented("    " + output, 4), "dim")] if output else []
            took = ", cached" if result.is_cached else f" in {result.seconds:.1f} s"
            return ("  check ", command, ": ", Styled(result.reason, style), took, *shown)
        case reports.TipChecking(count):
            checks = "the check" if count == 1 else f"all {count} checks"
            return (Styled("final: ", "bold"), f"running {checks} on the result")
        case reports.StepLanded():
            return _landing_line(report)
        case reports.StepDone():
            return (Styled("  done", "green"),)
        case reports.StepNotLanded():
            return _failure_line(report)
        case reports.StepAsked(_, _, question):
            return (Styled("  asks ", "yellow"), console.indented(question, 4))
        case _:
            assert_never(report)


def _failure_line(report: reports.StepNotLanded) -> tuple[console.Part, ...]:
    """The error of a failed attempt, then in parentheses its commit and the pause; below an error
    of several lines these have a line of their own.
    """
    notes = [f"kept as {report.commit[:10]}"] if report.commit is not None else []
    if report.pause is not None:
        notes.append(f"trying again in {report.pause:g} s" if report.pause else "trying again")
    text = ""
    if notes:
        text = ("\n    " if "\n" in report.error else " ") + f"({'; '.join(notes)})"
    return (Styled(f"  {report.word} ", "red"), console.indented(report.error, 4), text)
