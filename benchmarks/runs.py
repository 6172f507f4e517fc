"""(g) Runs: steps side by side, worktrees from the pool, picks in memory, and a plan of very many
steps.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from benchmarks import files, measure
from benchmarks.measure import Row, Table, Times
from benchmarks.scratch import FIRST_FILE, SYNCED, Scratch
from git_orch.flow.machine import sandbox
from git_orch.repo import identity
from git_orch.repo.chain import Chain
from git_orch.repo.objects import objects
from git_orch.repo.repository import discover
from git_orch.repo.worktree import worktrees

_SIDE_BY_SIDE = 8
_POOL = "pool-1"
_PICKS = 20
_MOST_FOR_A_PICK = 0.100  # seconds
_numbers = count(1)


def table(scratch: Scratch, *, quick: bool) -> Table:
    """All rows; `quick` leaves out the largest repository and most of the steps."""
    os.environ.update(
        {name: scratch.variables[name] for name in ("HOME", "GIT_CONFIG_NOSYSTEM", "PATH")}
    )
    rows = [_parallel(scratch, rounds=2 if quick else 4)]
    rows += [
        _pool(scratch, size, rounds=3) for size in ((1_000, 10_000) if quick else (1_000, 100_000))
    ]
    rows.append(_pick(scratch))
    rows += _many(scratch, 200 if quick else 1_000)
    notes = (
        "Side by side: 8 independent steps of one second, --jobs 8, beside one of them and 8 commits made with git.",
        "Pool: a worktree that is kept warm made ready for another commit, beside `git worktree add --detach`.",
        "Pick: 20 commits picked one after the other in memory, time for each.",
        "Many: time from one landing to the next, beside `git add -A && git commit`, synced.",
    )
    return Table("(g) runs", rows, notes)


def _parallel(scratch: Scratch, rounds: int) -> Row:
    repository = scratch.repository("parallel", 100)
    tree = files.linked(scratch, repository)

    def run(steps: int) -> list[float]:
        name = _plan(
            scratch,
            repository,
            [f"sleep 1; echo {next(_numbers)} > new{number}" for number in range(steps)],
        )
        return scratch.seconds(
            "git", "orch", "exec", "--jobs", str(_SIDE_BY_SIDE), name, cwd=repository
        )

    times = measure.side_by_side(
        {
            "many": lambda: run(_SIDE_BY_SIDE),
            "one": lambda: run(1),
            "floor": lambda: files.floor(scratch, tree),
        },
        rounds,
    )
    floor = times["floor"]
    beside = times["one"].plus(Times(_SIDE_BY_SIDE * floor.median, _SIDE_BY_SIDE * floor.least))
    return measure.compared(
        "8 steps of 1 s side by side, beside one and the floor", times["many"], beside, 1.3
    )


def _plan(scratch: Scratch, repository: Path, commands: list[str]) -> str:
    steps = [
        {"title": f"Step {number}", "run": command} for number, command in enumerate(commands, 1)
    ]
    text = json.dumps({"title": "Bench", "steps": steps}).encode()
    return (
        scratch.run("git", "orch", "plan", "--from", "-", cwd=repository, stdin=text)
        .split()[0]
        .decode()
    )


def _pool(scratch: Scratch, size: int, rounds: int) -> Row:
    repository = scratch.repository(f"pool-{size}", size)
    (repository / FIRST_FILE).write_text("another commit\n")
    scratch.run("git", "commit", "-qam", "second", cwd=repository)
    found = discover(repository)
    warm = worktrees.made(found, _POOL, sandbox.boundary(found), "HEAD")

    def ready() -> list[float]:
        commit = ("HEAD", "HEAD~1")[next(_numbers) % 2]
        return measure.timed(
            lambda: worktrees.point(
                warm, scratch.run("git", "rev-parse", commit, cwd=repository).decode().strip()
            )
        )

    def added() -> list[float]:
        place = scratch.path / f"added-{next(_numbers)}"
        took = scratch.seconds(
            "git", "worktree", "add", "-q", "--detach", str(place), "HEAD~1", cwd=repository
        )
        scratch.run("git", "worktree", "remove", "--force", str(place), cwd=repository)
        return took

    times = measure.side_by_side({"warm": ready, "cold": added}, rounds)
    worktrees.remove(found, _POOL)
    scratch.remove(repository)
    return measure.compared(
        f"{size:,} files: a warm worktree, beside a new one", times["warm"], times["cold"], 1.0
    )


def _pick(scratch: Scratch) -> Row:
    repository = scratch.repository("picks", 10_000)
    base = scratch.run("git", "rev-parse", "HEAD", cwd=repository).decode().strip()
    commits = []
    for number in range(_PICKS):
        (repository / f"picked{number}").write_text(f"{number}\n")
        scratch.run("git", "add", f"picked{number}", cwd=repository)
        scratch.run("git", "commit", "-qm", f"step {number}", cwd=repository)
        commits.append(scratch.run("git", "rev-parse", "HEAD", cwd=repository).decode().strip())
    scratch.run("git", "checkout", "-q", "--detach", base, cwd=repository)
    (repository / FIRST_FILE).write_text("the other side\n")
    scratch.run("git", "commit", "-qam", "other", cwd=repository)
    onto = scratch.run("git", "rev-parse", "HEAD", cwd=repository).decode().strip()
    found = discover(repository)
    person = identity.of_user(found)
    with contextlib.closing(objects.opened(found)) as database:

        def pick_all() -> None:
            chain = Chain(found, person, objects.Written(database), onto)
            for commit in commits:
                chain.pick(commit)

        took = [measure.timed(pick_all)[0] / _PICKS for _ in range(3)]
    ours = Times(statistics.median(took), min(took))
    return measure.compared(
        "10,000 files: a pick in memory, beside 100 ms",
        ours,
        Times(_MOST_FOR_A_PICK, _MOST_FOR_A_PICK),
        1.0,
    )


def _many(scratch: Scratch, steps: int) -> list[Row]:
    repository = scratch.repository("many", 100)
    tree = files.linked(scratch, repository)
    synced = [files.floor(scratch, tree, *SYNCED)[0] for _ in range(20)]
    running = [{"title": f"Step {number}", "run": "true"} for number in range(steps)]
    writing = [
        {"title": f"Step {number}", "files": {f"new/{number}.txt": f"{number}\n"}}
        for number in range(steps)
    ]
    return [
        *_laps(scratch, repository, "`run` steps of `true`", running, synced, 5.0),
        *_laps(scratch, repository, "`files` steps of one new file", writing, synced, 1.0),
    ]


def _laps(
    scratch: Scratch,
    repository: Path,
    what: str,
    steps: Sequence[Mapping[str, object]],
    floor: list[float],
    aim: float,
) -> list[Row]:
    """The time from one landing to the next, beside the floor; and the last tenth beside the first."""
    text = json.dumps({"title": "Many", "steps": steps}).encode()
    made = scratch.run("git", "orch", "plan", "--from", "-", cwd=repository, stdin=text)
    command = ("git", "orch", "exec", made.split()[0].decode())
    laps = scratch.laps(*command, cwd=repository, word=b"landed")
    tenth = max(len(laps) // 10, 1)
    return [
        measure.compared(f"{len(steps):,} {what}: each", _times(laps), _times(floor), aim),
        measure.compared(
            "  the last tenth, beside the first", _times(laps[-tenth:]), _times(laps[:tenth]), 1.1
        ),
    ]


def _times(seconds: list[float]) -> Times:
    return Times(statistics.median(seconds), min(seconds))
