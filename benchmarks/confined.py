"""(f) What the sandbox adds to a command, and what storing a step's result through it costs beside
`git commit`.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from itertools import count
from pathlib import Path
from typing import cast

from benchmarks import files, measure
from benchmarks.measure import Row, Table
from benchmarks.scratch import FIRST_FILE, Scratch
from git_orch.flow.machine import sandbox
from git_orch.plans.plan import Command
from git_orch.repo.repository import Repository, discover
from git_orch.repo.worktree import snapshot, worktrees
from git_orch.sandbox.walls.bubblewrap import Bubblewrap
from git_orch.sandbox.walls.launcher import Launcher
from git_orch.sandbox.walls.view import Unconfined

_PLAN = "PLAN-20261121-0000000000-bench"
_SECONDS = 60.0
_SIZES = (100, 10_000, 100_000)
_numbers = count(1)


def table(scratch: Scratch, *, quick: bool) -> Table:
    """Commands, then snapshots for each size of the repository."""
    os.environ.update(
        {name: scratch.variables[name] for name in ("HOME", "GIT_CONFIG_NOSYSTEM", "PATH")}
    )
    rounds = 5 if quick else 15
    rows = _commands(scratch, rounds)
    for size in _SIZES[:-1] if quick else _SIZES:
        rows.append(_snapshot(scratch, size, 2 if size > 10_000 else rounds))
    notes = (
        "Bare: the same command by the same launcher, with the same limits, without a sandbox.",
        "Storing a result: from changed files to a tree in the repository (sandbox, quarantine, gate).",
        "Floor: `git add -A && git commit` in a linked worktree of the same repository.",
    )
    return Table("(f) the sandbox", rows, notes)


def _commands(scratch: Scratch, rounds: int) -> list[Row]:
    found = discover(scratch.repository("confined", 100))
    inside = sandbox.boundary(found).launcher
    outside = Launcher(inside.source, inside.home, Unconfined())
    rows = []
    for name, argv in {"true": ("true",), "python -c pass": (sys.executable, "-c", "pass")}.items():
        times = measure.side_by_side(
            {"inside": _case(inside, found, argv), "outside": _case(outside, found, argv)},
            rounds * 4,
        )
        rows.append(
            measure.compared(
                f"`{name}` in the sandbox, beside it bare", times["inside"], times["outside"]
            )
        )
    one_wall = dataclasses.replace(
        inside, sandbox=dataclasses.replace(cast("Bubblewrap", inside.sandbox), wall=None)
    )
    cases = {"both": _case(inside, found, ("true",)), "one": _case(one_wall, found, ("true",))}
    times = measure.side_by_side(cases, rounds * 4)
    what = "`true` in the sandbox, beside it without the second wall"
    rows.append(measure.compared(what, times["both"], times["one"]))
    return rows


def _case(launcher: Launcher, found: Repository, argv: tuple[str, ...]) -> measure.Case:
    return lambda: measure.timed(lambda: _run(launcher, found, argv))


def _run(launcher: Launcher, found: Repository, argv: tuple[str, ...]) -> None:
    outcome = launcher.run(Command(argv=argv), worktree=found.top or Path("/"), timeout=_SECONDS)
    assert outcome.status == 0, outcome.output  # noqa: S101 - a failure must not count as a fast run


def _snapshot(scratch: Scratch, size: int, rounds: int) -> Row:
    repository = scratch.repository(f"confined-{size}", size)
    tree = files.linked(scratch, repository)
    found = discover(repository)
    worktree = worktrees.made(found, _PLAN, sandbox.boundary(found), "HEAD")
    base = worktrees.head(worktree)

    def stored() -> None:
        (worktree.path / FIRST_FILE).write_text(f"change {next(_numbers)}\n")
        snapshot.taken(found, worktree, base, snapshot.Terms())

    times = measure.side_by_side(
        {"ours": lambda: measure.timed(stored), "floor": lambda: files.floor(scratch, tree)}, rounds
    )
    worktrees.remove(found, _PLAN)
    scratch.remove(tree)
    scratch.remove(repository)
    return measure.compared(
        f"{size:,} files: storing a result, beside the floor", times["ours"], times["floor"]
    )
