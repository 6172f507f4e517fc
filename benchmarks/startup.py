"""(a) How long a command takes that does next to nothing."""

from __future__ import annotations

import functools
import sys

from benchmarks import files, measure
from benchmarks.measure import Table
from benchmarks.scratch import Scratch


def table(scratch: Scratch, *, quick: bool) -> Table:
    """`git orch --version` and `git orch status` beside an empty Python program and `git status`."""
    repository = scratch.repository("startup", 10)
    files.plan(scratch, repository, steps=3)
    orders = {
        "version": ("git", "orch", "--version"),
        "status": ("git", "orch", "status"),
        "python": (sys.executable, "-c", "pass"),
        "git": ("git", "status"),
    }
    cases = {
        name: functools.partial(scratch.seconds, *argv, cwd=repository)
        for name, argv in orders.items()
    }
    times = measure.side_by_side(cases, 8 if quick else 25)
    both = times["python"].plus(times["git"])
    rows = [
        measure.compared("git orch --version", times["version"], both, 3),
        measure.compared("git orch status, one plan", times["status"], both, 3),
    ]
    return Table("(a) start-up, beside `python -c pass` plus `git status`", rows)
