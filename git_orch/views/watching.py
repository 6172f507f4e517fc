"""What a person sees of work that goes on: plain lines that stay, and on a terminal live lines below
them.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.views import answer
from git_orch.views.progress import ConsoleReporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from git_orch.flow.reports import Reporter
    from git_orch.views.live_lines import LiveReporter
    from git_orch.views.plain_lines import PlainReporter


@contextlib.contextmanager
def watch(
    *,
    jobs: int = 1,
    quiet: bool = False,
    progress: bool | None = None,
    expected: Callable[[], Mapping[int, float]] | None = None,
) -> Iterator[Reporter]:
    """A reporter for whoever looks on; the live lines are gone when this ends, however it ends.
    `expected` gives the seconds that steps take, by number; it is asked beside the run. With
    `progress` each moment is a plain line where there can be no live ones; false is `quiet`. Raises
    UsageError.
    """
    if quiet and progress:
        raise errors.UsageError("--progress cannot be used with --quiet", "git orch help exec")
    quiet = quiet or progress is False
    lines = ConsoleReporter(numbered=jobs > 1, quiet=quiet)
    if quiet or not _is_terminal() or _streams_there():
        yield _plain(lines, jobs, expected) if progress else lines
        return
    from git_orch.views.live_lines import LiveReporter
    from git_orch.views.region import Region

    reporter = LiveReporter(lines, jobs)
    if expected is not None:
        threading.Thread(target=_look_back, args=(reporter, expected), daemon=True).start()
    with Region(sys.stderr, reporter.frame):
        yield reporter


def _plain(
    lines: Reporter, jobs: int, expected: Callable[[], Mapping[int, float]] | None
) -> Reporter:
    from git_orch.views.plain_lines import PlainReporter

    reporter = PlainReporter(lines, jobs)
    if expected is not None:
        _look_back(reporter, expected)
    return reporter


def _look_back(
    reporter: LiveReporter | PlainReporter, expected: Callable[[], Mapping[int, float]]
) -> None:
    """Without a history that can be read there is no time left to show."""
    with contextlib.suppress(errors.OrchError, OSError):
        reporter.expect(expected())


def _streams_there() -> bool:
    """Whether events for a program come out on a terminal: they stand alone."""
    asked = answer.current()
    return asked is not None and asked.stream is not None and os.isatty(1)


def _is_terminal() -> bool:
    """Whether somebody looks at standard error, on a terminal that can move its cursor."""
    stream = sys.stderr
    return (
        stream is not None
        and stream.isatty()
        and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    )
