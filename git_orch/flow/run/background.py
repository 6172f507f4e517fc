"""Runs in the background: starting one, waiting for it, ending it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from git_orch import checkpoints, errors
from git_orch.flow.reports import Report, Reporter, StepStarted, TipChecking
from git_orch.plans import ids
from git_orch.repo import localfiles, own_files
from git_orch.repo.local import runs
from git_orch.repo.local.runs import Run
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import unwritable
from git_orch.sandbox import private, secrecy
from git_orch.sandbox.process import tools

_SHORTEST, _LONGEST = 0.1, 0.5  # seconds between two looks at the plan's lock
_GLANCE = 0.03  # seconds between two looks at a run that is about to begin
_PATIENCE = 60.0  # seconds; a run that has not begun its first step by then is said to go on


@dataclass(frozen=True, slots=True)
class Started:
    """A run that goes on, or with `exit_code` one that ended before its first step. `output` is what
    it printed.
    """

    pid: int
    log: Path
    output: str
    exit_code: int | None = None


def start(place: PlanPlace, arguments: Sequence[str]) -> Started:
    """Run `git orch exec` with these arguments in the background; back when its first step begins,
    or it has ended.

    Raises Busy when another process works on the plan.
    """
    if localfiles.is_held(place):
        raise busy(place.id)
    log = place.run_output
    # A run that is refused must not overwrite another run's output.
    beside = log.with_name(f".{log.name}.{os.urandom(4).hex()}")
    output = _open(beside)
    try:
        child = tools.start_detached(
            [*OURSELVES, "exec", *arguments], env=secrecy.all_variables(), output=output
        )
    finally:
        os.close(output)
    exit_code = None
    try:
        exit_code = _beginning(place, child)
        output_text = beside.read_text(encoding="utf-8", errors="replace")
    finally:
        if exit_code is None:
            with checkpoints.around("write file", log):
                beside.replace(log)
        else:
            beside.unlink()
    return Started(child.pid, log, output_text, exit_code)


# Python imports git_orch neither from the current directory nor from what PYTHONPATH names.
OURSELVES = (sys.executable, "-E", "-P", "-m", "git_orch")


def busy(plan: str) -> errors.Busy:
    """The error for a plan that another process works on."""
    return errors.Busy(
        f"another process is working on '{plan}'", f"git orch wait {ids.short(plan)}"
    )


def _open(path: Path) -> int:
    try:
        private.make_directory(path.parent)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    except OSError as failed:
        raise unwritable(failed, path) from failed


def _beginning(place: PlanPlace, child: tools.Background) -> int | None:
    """Wait until the run is at work, or has ended: then with which exit code."""
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        status = child.status()
        run = runs.last(place)
        if run is not None and run.pid == child.pid and run.at_work:
            return None
        if status is not None:
            return status if status >= 0 else 1
        time.sleep(_GLANCE)
    return None


class Announced:
    """Passes reports on, and says once that the run is at work: whoever started it waits for that."""

    def __init__(self, reporter: Reporter, at_work: Callable[[], None]) -> None:
        self._reporter = reporter
        self._at_work = at_work
        self._told = False

    def emit(self, report: Report) -> None:
        """Pass one report on."""
        if not self._told and isinstance(report, (StepStarted, TipChecking)):
            self._told = True
            self._at_work()
        self._reporter.emit(report)


def wait(place: PlanPlace, seconds: float | None = None) -> Run | None:
    """Wait until nobody works on the plan; the run that was waited for, None when there was none.

    Raises LimitReached after so many seconds.
    """
    begun, pause, waited_for = time.monotonic(), _SHORTEST, False
    while localfiles.is_held(place):
        run = runs.last(place)
        waited_for = waited_for or (run is not None and run.goes_on())
        left = seconds - (time.monotonic() - begun) if seconds is not None else pause
        if left <= 0:
            name = ids.short(place.id)
            raise errors.LimitReached(
                f"'{name}' still runs after {seconds:g} s", f"git orch wait {name}"
            )
        time.sleep(min(pause, left))
        pause = min(pause * 1.3, _LONGEST)
    return runs.last(place) if waited_for else None


def stop(place: PlanPlace, seconds: float) -> Run | None:
    """End the run of a plan in order (SIGTERM) and wait for that; None when nothing runs.

    Raises Busy when what works on the plan is no run, LimitReached when it has not ended after so
    many seconds.
    """
    if not localfiles.is_held(place):
        return None
    run = runs.last(place)
    other = own_files.other_owner(place.run)
    if other is not None:
        name = ids.short(place.id)
        raise errors.Busy(
            f"'{other}' runs '{name}', and only '{other}' can stop it", f"git orch wait {name}"
        )
    if run is None or not run.goes_on() or not tools.ask_to_end(run.pid, run.birth):
        if not localfiles.is_held(place):
            return None  # it ended meanwhile
        raise busy(place.id)
    try:
        return wait(place, seconds) or runs.last(place)
    except errors.LimitReached as late:
        name = ids.short(place.id)
        cause = f"process {run.pid} still runs {seconds:g} s after it was asked to stop"
        raise errors.LimitReached(cause, f"git orch wait {name}") from late
