"""Live progress: one plain line for each thing that happens, on standard error."""

from __future__ import annotations

import threading

import pytest

from git_orch.flow import reports
from git_orch.flow.reports import Report
from git_orch.plans.history.status import CheckResult
from git_orch.views.progress import ConsoleReporter

PASSED = CheckResult("unit", "pytest -q\n-x", 0, True, 1.26, "", "ok")


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (reports.Note("'main' moved on"), "note: 'main' moved on"),
        (reports.StepStarted(2, 5, "Write it", "files"), "step 2/5 Write it [files]"),
        (reports.StepProgress(2, "one\ntwo"), "  one\n  two"),
        (reports.CheckEnded(2, PASSED), "  check pytest -q\n        -x: ok in 1.3 s"),
        (reports.StepLanded(2, "Write it", "a" * 40, 1, 0.26, 0.0), "  landed aaaaaaaaaa, 1 file changed, 0.3 s"),
        (reports.StepLanded(2, "W", "a" * 40, 0, 9, 0.25), "  landed aaaaaaaaaa, 0 files changed, 9.0 s, $0.25"),
        (reports.StepNotLanded(2, "W", "exited 1: no\nhint: evil", None), "  failed exited 1: no\n    hint: evil"),
        (reports.StepNotLanded(2, "W", "exited 1", "b" * 40), "  failed exited 1 (kept as bbbbbbbbbb)"),
        (reports.StepNotLanded(2, "W", "exited 1", None, 0.0), "  failed exited 1 (trying again)"),
        (reports.StepNotLanded(2, "W", "a\nb", "b" * 40, 1.5),
         "  failed a\n    b\n    (kept as bbbbbbbbbb; trying again in 1.5 s)"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)  # fmt: skip
def test_each_report_is_plain_text_on_standard_error(
    report: Report, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ConsoleReporter().emit(report)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", line + "\n")


def test_lines_of_several_threads_stay_whole(capfd: pytest.CaptureFixture[str]) -> None:
    reporter = ConsoleReporter()
    notes = [reports.Note(str(number) * 500) for number in range(8)]

    def tell(note: reports.Note) -> None:
        for _ in range(20):
            reporter.emit(note)

    threads = [threading.Thread(target=tell, args=(note,)) for note in notes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capfd.readouterr().err.splitlines()
    assert sorted(lines) == sorted(f"note: {note.text}" for note in notes for _ in range(20))
