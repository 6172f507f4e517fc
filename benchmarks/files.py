"""(b) One step, beside a commit of one changed file made with git alone."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Row, Table
from benchmarks.scratch import FIRST_FILE, SYNCED, Scratch

_numbers = count(1)
_SIZES = (100, 10_000, 100_000)
# What a step may cost beside the synced floor, by the size of the repository.
_FILES_AIMS = {100: 1.0, 10_000: 0.5, 100_000: 0.2}
_RUN_AIMS = {100: 5.0, 10_000: 2.0}
# In one plan; the time between two landings is one sample, so that making the worktree is in none.
_STEPS = 11


def table(scratch: Scratch, *, quick: bool) -> Table:
    """A step inside a run, and a whole run of one step, for each size of the repository."""
    sizes = _SIZES[:-1] if quick else _SIZES
    rows = [row for size in sizes for row in _rows(scratch, size, rounds=3 if quick else 5)]
    notes = (
        "A step: the time between two landings of one `git orch exec` with 11 steps.",
        "A `files` step changes one file; a `run` step runs `true`, and has the check `true`.",
        (
            "Floor: `git add -A && git commit` in a linked worktree of the same repository, with "
            "core.fsync=committed,reference and core.fsyncMethod=batch, as git-orch writes; plain: "
            "without."
        ),
        "Whole run: `git orch exec` with one step, start to exit; it checks out with checkout.workers=2.",
        "By hand: `git worktree add`, the floor, `git worktree remove`.",
    )
    return Table("(b) one step", rows, notes)


def plan(scratch: Scratch, repository: Path, steps: int) -> str:
    """A new plan whose steps each give the same file other content; gives its ID."""
    changes = [{FIRST_FILE: f"change {next(_numbers)}\n"} for _ in range(steps)]
    document = {
        "title": "Change a file",
        "steps": [{"title": "Change it", "files": change} for change in changes],
    }
    text = json.dumps(document).encode("ascii")
    return _planned(scratch, repository, text)


def run_plan(scratch: Scratch, repository: Path, steps: int) -> str:
    """A new plan whose steps and checks run `true`; gives its ID."""
    step = {"title": "Run it", "run": "true", "checks": [{"command": "true"}]}
    document = {"title": "Run it", "steps": [step] * steps}
    return _planned(scratch, repository, json.dumps(document).encode("ascii"))


def _planned(scratch: Scratch, repository: Path, text: bytes) -> str:
    made = scratch.run("git", "orch", "plan", "--from", "-", cwd=repository, stdin=text)
    return made.decode("ascii").split()[0]


def floor(scratch: Scratch, tree: Path, *options: str) -> list[float]:
    """One sample: a changed file added and committed with git alone."""
    (tree / FIRST_FILE).write_text(f"change {next(_numbers)}\n")
    git = " ".join(["git", *options])
    return scratch.seconds("sh", "-c", f"{git} add -A && {git} commit -q -m change", cwd=tree)


def linked(scratch: Scratch, repository: Path) -> Path:
    """A linked worktree beside the repository, its index settled."""
    tree = repository.with_name(f"{repository.name}-linked")
    scratch.run("git", "worktree", "add", "-q", "--detach", str(tree), cwd=repository)
    scratch.settle(tree)
    return tree


def _rows(scratch: Scratch, size: int, rounds: int) -> list[Row]:
    repository = scratch.repository(f"files-{size}", size)
    tree = linked(scratch, repository)
    large = size > 10_000
    bare = repository.with_name(f"{repository.name}-bare")

    def step() -> list[float]:
        name = plan(scratch, repository, _STEPS)
        return scratch.laps("git", "orch", "exec", name, cwd=repository, word=b"landed")

    def run() -> list[float]:
        name = run_plan(scratch, repository, _STEPS)
        command = ("git", "orch", "exec", "--no-cache", name)
        return scratch.laps(*command, cwd=repository, word=b"landed")

    def whole() -> list[float]:
        name = plan(scratch, repository, 1)
        return scratch.seconds("git", "orch", "exec", name, cwd=repository)

    def added() -> list[float]:
        found = scratch.seconds(
            "git", "worktree", "add", "-q", "--detach", str(bare), cwd=repository
        )
        scratch.run("git", "worktree", "remove", "--force", str(bare), cwd=repository)
        return found

    def by_hand() -> list[float]:
        return measure.timed(lambda: _by_hand(scratch, repository, bare))

    several = range(2 if large else _STEPS - 1)
    warm = measure.side_by_side(
        {
            "step": step,
            "run": run,
            "floor": lambda: [sample for _ in several for sample in floor(scratch, tree)],
            "synced": lambda: [sample for _ in several for sample in floor(scratch, tree, *SYNCED)],
        },
        2 if large else rounds,
    )
    cold = measure.side_by_side(
        {"whole": whole, "by hand": by_hand, "added": added}, 2 if large else rounds
    )
    scratch.remove(repository)
    scratch.remove(tree)
    name = f"{size:,} files: "
    return [
        measure.compared(
            f"{name}a `files` step, beside the floor",
            warm["step"],
            warm["synced"],
            _FILES_AIMS[size],
        ),
        measure.compared(
            f"{name}a `run` step with a check, beside the floor",
            warm["run"],
            warm["synced"],
            _RUN_AIMS.get(size),
        ),
        measure.compared(
            f"{name}a `files` step, beside the plain floor", warm["step"], warm["floor"]
        ),
        measure.compared(
            f"{name}whole run, beside the same by hand", cold["whole"], cold["by hand"]
        ),
        measure.compared(
            f"{name}whole run, beside `git worktree add`", cold["whole"], cold["added"]
        ),
    ]


def _by_hand(scratch: Scratch, repository: Path, tree: Path) -> None:
    scratch.run("git", "worktree", "add", "-q", "--detach", str(tree), cwd=repository)
    floor(scratch, tree)
    scratch.run("git", "worktree", "remove", "--force", str(tree), cwd=repository)
