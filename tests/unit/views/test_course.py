"""What a person sees of a run at one moment."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from git_orch.flow import reports
from git_orch.flow.reports import Report, Upcoming
from git_orch.views import frame, region
from git_orch.views.course import Course, last_line

_STEPS = tuple(Upcoming(number, f"Step {number}", "agent") for number in (2, 3, 4))
_BEGIN: tuple[Report, ...] = (
    reports.Budget(1.0, 0.25),
    reports.RunStarted("PLAN-1", "Try", 4, _STEPS),
    reports.StepStarted(2, 4, "Step 2", "agent"),
    reports.Phase(2, "model"),
)


class Shown:
    """A course with a clock of its own."""

    def __init__(self, *taken: Report, jobs: int = 1) -> None:
        self.now = 100.0
        self.course = Course(jobs, lambda: self.now)
        self.take(*taken)

    def take(self, *taken: Report) -> None:
        """Take reports."""
        for report in taken:
            self.course.take(report)

    def lines(self, columns: int = 80, most: int = 20) -> list[str]:
        """The lines on a terminal."""
        content = io.StringIO()
        printer = Console(file=content, width=columns, color_system=None)
        shown = frame.lines(self.course.head(), self.course.rows(), columns, most)
        for line in shown:
            printer.print(line, no_wrap=True, overflow="ellipsis", crop=True)
        return content.getvalue().splitlines()


def test_a_step_has_its_state_time_tokens_cost_and_last_line() -> None:
    """S1-245, S1-248, S1-255."""
    shown = Shown(*_BEGIN, reports.Wrote(2, "First I\nlook at "))
    shown.now += 75
    shown.take(reports.ModelCalled(2, "m", 1200, 34, 0.5))
    head, step, line, *waiting = shown.lines()
    assert head.split(maxsplit=1)[1] == "1 of 4 steps done, 1:15, $0.75 of $1.00"
    assert step == "  2 Step 2  model works".ljust(53) + "  1:15  1,234 tokens  $0.50"
    assert line == "    look at"
    assert waiting == ["  3 Step 3  waits", "  4 Step 4  waits"]


def test_time_left_needs_a_history_of_each_step() -> None:
    """S1-248."""
    shown = Shown(*_BEGIN)
    shown.course.expected = {2: 60.0, 3: 30.0}
    assert "left" not in shown.lines()[0]
    shown.course.expected = {2: 60.0, 3: 30.0, 4: 10.0}
    shown.now += 15
    assert shown.lines()[0].endswith("about 1:25 left")


def test_steps_at_once_take_the_time_of_the_longest() -> None:
    shown = Shown(*_BEGIN, jobs=4)
    shown.course.expected = {2: 60.0, 3: 10.0, 4: 10.0}
    assert shown.lines()[0].endswith("about 1:00 left")


@pytest.mark.parametrize(
    "end",
    [
        reports.StepLanded(2, "S", "a" * 40, 1, 1.0, 0.0),
        reports.StepNotLanded(2, "S", "no", None),
        reports.StepAsked(2, "S", "What?"),
    ],
    ids=lambda end: type(end).__name__,
)
def test_a_step_that_ends_is_gone(end: Report) -> None:
    assert Shown(*_BEGIN, end).lines()[1:] == ["  3 Step 3  waits", "  4 Step 4  waits"]


def test_an_attempt_that_comes_again_stays() -> None:
    shown = Shown(*_BEGIN, reports.StepNotLanded(2, "S", "no", None, 5.0))
    assert "2 Step 2  waits to try again" in shown.lines()[1]


def test_setup_and_final_checks_stand_beside_the_steps() -> None:
    shown = Shown(
        *_BEGIN, reports.Phase(None, "setup", "npm ci"), reports.Printed(None, b"added\n")
    )
    assert [line.strip()[:14] for line in shown.lines()[2:4]] == ["setup  npm ci ", "added"]
    shown.take(reports.Phase(None, "between steps"), reports.TipChecking(2))
    assert "final checks" in shown.lines()[2]


@pytest.mark.parametrize("columns", [8, 20, 40, 79, 200])
@pytest.mark.parametrize("most", [1, 2, 5, 50])
def test_lines_fit_every_terminal(columns: int, most: int) -> None:
    many = tuple(Upcoming(number, "漢字 " * 40, "run") for number in range(1, 30))
    going = [reports.StepStarted(number, 29, "漢字 " * 40, "run") for number in range(1, 20)]
    shown = Shown(reports.RunStarted("P", "T", 29, many), *going)
    shown.take(*(reports.Printed(number, b"x" * 500 + b"\n") for number in range(1, 20)))
    lines = shown.lines(columns, most)
    assert 0 < len(lines) <= most
    assert all(Console().render_str(line).cell_len <= columns for line in lines)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo\n\n  \n", "two"),
        ("10%\r20%\r", "20%"),
        ("\x1b[2J\u202egone\tx", r"\x1b[2J\u202egone\tx"),
        ("", ""),
    ],
)
def test_the_last_line_is_one_line_without_control_characters(text: str, line: str) -> None:
    assert last_line(text) == line


def test_a_key_in_two_pieces_is_not_shown() -> None:
    key = "sk-ant-" + "REDACTED" * 4
    shown = Shown(*_BEGIN, reports.Wrote(2, f"it is {key[:12]}"), reports.Wrote(2, f"{key[12:]} "))
    assert shown.lines()[2] == "    it is [redacted]"


def test_lines_are_overwritten_and_nothing_is_erased_before() -> None:
    """tmux keeps a screen that is erased as a whole."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    shown = Shown(*_BEGIN)
    below = region.Region(
        stream,
        lambda columns, most: frame.lines(shown.course.head(), shown.course.rows(), columns, most),
    )
    for _ in range(2):
        below.draw()
        shown.now += 5
    below.write_above(stream, "it stays\n")
    content = stream.buffer.getvalue().decode()
    assert content.count("\x1b[4A") == 2
    assert "A\x1b[J" not in content
    assert "\x1b[4Ait stays\x1b[K\n" in content


def test_a_narrower_terminal_breaks_lines() -> None:
    assert region.rows_of([89, 0, 40, 41], 40) == 3 + 1 + 1 + 2
