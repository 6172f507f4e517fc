"""Each moment of a run as plain lines (S1-245 to S1-250)."""

from __future__ import annotations

import pytest

from git_orch.flow import reports
from git_orch.flow.reports import Report
from git_orch.views import plain_lines
from git_orch.views.course import Head
from git_orch.views.plain_lines import PlainReporter
from git_orch.views.progress import ConsoleReporter

_STEPS = (reports.Upcoming(1, "Say", "run"), reports.Upcoming(2, "Do", "agent"))
_BEGIN = (reports.RunStarted("p", "T", 2, _STEPS), reports.StepStarted(1, 2, "Say", "run"))


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def printed(
    capsys: pytest.CaptureFixture[str], *every: Report, jobs: int = 1, clock: Clock | None = None
) -> list[str]:
    """The lines on standard error after these reports."""
    reporter = PlainReporter(ConsoleReporter(numbered=jobs > 1), jobs, clock or Clock())
    for report in (*_BEGIN, *every):
        reporter.emit(report)
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err.splitlines()[1:]


def test_whole_lines_are_shown_and_the_rest_when_something_else_begins(
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = [reports.Printed(1, data) for data in (b"one\ntw", b"o\n\n", b"rest")]
    lines = printed(capsys, *texts, reports.StepDone(1))
    assert lines[:3] == ["  | one", "  | two", "  | rest"]


def test_fifty_characters_are_shown_without_the_end_of_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "a word " * 8
    lines = printed(capsys, reports.Wrote(1, text[:30]), reports.Wrote(1, text[30:]))
    assert lines == [f"  | {text}"]


def test_text_that_waited_a_tenth_of_a_second_is_shown_with_what_comes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    reporter = PlainReporter(ConsoleReporter(), 1, clock)
    reporter.emit(reports.Wrote(None, "I "))
    clock.now = 0.2
    reporter.emit(reports.Wrote(None, "write "))
    assert capsys.readouterr().err == "  | I write \n"


def test_what_others_print_sends_no_escape_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, reports.Printed(1, b"\x1b[2Jgone\n")) == [r"  | \x1b[2Jgone"]


def test_a_request_is_told_with_its_tokens_and_its_cost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [line] = printed(capsys, reports.ModelCalled(1, "some-model", 12_000, 30, 0.25))
    assert line == "  some-model: 12,000 tokens in, 30 out, $0.25"


def test_lines_of_steps_side_by_side_begin_with_their_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    second = reports.StepStarted(2, 2, "Do", "agent")
    lines = printed(
        capsys, second, reports.Printed(2, b"two\n"), reports.Printed(1, b"one\n"), jobs=2
    )
    assert lines[-2:] == ["[2]   | two", "[1]   | one"]


def test_after_each_step_stands_how_far_the_run_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, reports.StepDone(1))[-1] == "progress: 1 of 2 steps, 0 s"


def test_how_far_names_the_cost_beside_its_limit_and_the_time_left() -> None:
    head = Head(1, 3, 61.4, 0.5, 2.0, 30.2)
    said = plain_lines.how_far(head)
    assert said == "progress: 1 of 3 steps, 61 s, $0.50 of $2.00, about 30 s left"
