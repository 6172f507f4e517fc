"""Live progress of a run, as plain lines on standard error."""

from __future__ import annotations

import threading
from typing import assert_never

from git_orch.flow import reports
from git_orch.flow.reports import Report
from git_orch.plans import sentences
from git_orch.plans.history.status import CheckResult
from git_orch.views import console
from git_orch.views import report as report_view
from git_orch.views.console import Styled

_SHOWN = 10  # paths
_PROGRESS = (
    reports.StepStarted,
    reports.StepProgress,
    reports.CheckEnded,
    reports.TipChecking,
    reports.StepLanded,
    reports.StepDone,
)


class ConsoleReporter:
    """Prints reports as they come; called from several threads.

    With `numbered` a line begins with the number of its step, because several run at once. With
    `quiet` only notes, failures and questions are printed.
    """

    def __init__(self, *, numbered: bool = False, quiet: bool = False) -> None:
        self._guard = threading.Lock()
        self._quiet = quiet
        self._numbered = numbered

    def emit(self, report: Report) -> None:
        """Print one report, unless it is for those alone who follow each moment."""
        if isinstance(report, reports.Momentary) or (self._quiet and isinstance(report, _PROGRESS)):
            return
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


def _line(report: reports.Lasting) -> tuple[console.Part, ...]:
    match report:
        case reports.Note(text):
            return (Styled("note: ", "dim"), text)
        case reports.StepStarted(number, count, title, kind):
            return (Styled(f"step {number}/{count} ", "bold"), f"{title} [{kind}]")
        case reports.StepProgress(_, text):
            return (Styled("  " + console.indented(text, 2), "dim"),)
        case reports.CheckEnded(_, result):
            return _check_line(result)
        case reports.TipChecking(count):
            checks = "the check" if count == 1 else f"all {count} checks"
            return (Styled("final: ", "bold"), f"running {checks} on the result")
        case reports.StepLanded():
            return _landing_line(report)
        case reports.StepDone():
            return (Styled("  done", "green"),)
        case reports.StepNotLanded():
            return _failure_line(report)
        case reports.StepPrompted() | reports.StepAsked():
            return _talk_line(report)
        case _:
            assert_never(report)


def _talk_line(report: reports.StepPrompted | reports.StepAsked) -> tuple[console.Part, ...]:
    """What a model gets, or what it asks."""
    if isinstance(report, reports.StepAsked):
        question = console.excerpt(console.indented(report.question, 4))
        return (Styled("  asks ", "yellow"), question)
    tools = ", ".join(report.tools) or "none"
    head = f"  {report.model} gets this prompt, and the tools {tools}:\n"
    return (Styled(head, "bold"), "\n".join(report.texts))


def _check_line(result: CheckResult) -> tuple[console.Part, ...]:
    style = "green" if result.passed else "red"
    command = console.indented(result.command, 8)
    output = report_view.check_output(result)
    shown = [Styled("\n" + console.indented("    " + output, 4), "dim")] if output else []
    took = ", cached" if result.is_cached else f" in {result.seconds:.1f} s"
    took += f", {sentences.usd(result.usd)}" if result.usd else ""
    kind = report_view.kind_of_check(result)
    return (f"  {kind} ", command, ": ", Styled(result.reason, style), took, *shown)


def _failure_line(report: reports.StepNotLanded) -> tuple[console.Part, ...]:
    """The error of a failed attempt, then in parentheses its commit and the pause; below an error
    of several lines these have a line of their own.
    """
    notes = [f"kept as {report.commit[:10]}"] if report.commit is not None else []
    if report.pause is not None:
        turn = f", {report.turn}" if report.turn else ""
        pause = f" in {report.pause:g} s" if report.pause else ""
        notes.append(f"trying again{turn}{pause}")
    text = ""
    if notes:
        text = ("\n    " if "\n" in report.error else " ") + f"({'; '.join(notes)})"
    return (Styled(f"  {report.word} ", "red"), console.indented(report.error, 4), text)
