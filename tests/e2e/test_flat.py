"""A step costs the same however long the run is, and however much the step before it has made.

Costs are counted: processes, syncs, bytes of objects. Bounded forms run always, longer ones with
GIT_ORCH_SOAK=1; those also print how time goes, which no test judges.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import Here

from git_orch import checkpoints
from git_orch.repo import sync

SOAK = os.environ.get("GIT_ORCH_SOAK") == "1"
MANY_STEPS = 1000 if SOAK else 40
MANY_FILES = 5000 if SOAK else 200
A_NOTE = 48  # bytes of a name and an ID, deflated; the trees of a log have at most 256 of them
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}


class Costs(NamedTuple):
    """What was spent until a step had landed."""

    processes: int
    syncs: int
    stored: int  # bytes below objects/
    seconds: float


class Meter:
    """Reads what was spent so far, whenever a step has landed. Before the first has begun, too."""

    def __init__(self) -> None:
        self.objects: Path | None = None
        self.readings: list[Costs] = []
        self.every = 1
        self._processes = 0
        self._syncs = 0
        self._landed = 0

    def audit(self, event: str, _arguments: object) -> None:
        """Count a process that Python starts."""
        if event in STARTS:
            self._processes += 1

    def __call__(self, moment: checkpoints.Moment, deed: str, _about: object, /) -> None:
        """Look at a border."""
        if (moment, deed) == ("before", "sync"):
            self._syncs += 1
        if (moment, deed) == ("before", "land step") and not self.readings:
            self._read()  # the first landing has all that a run does once before it
        if (moment, deed) == ("after", "land step"):
            self._landed += 1
            if self._landed % self.every == 0:
                self._read()

    def _read(self) -> None:
        assert self.objects is not None
        stored = sum(path.stat().st_size for path in self.objects.rglob("*") if path.is_file())
        self.readings.append(Costs(self._processes, self._syncs, stored, time.monotonic()))


_METERS: list[Meter] = []


def _audit(event: str, arguments: object) -> None:
    for meter in _METERS:
        meter.audit(event, arguments)


@pytest.fixture
def meter(here: Here) -> Iterator[Meter]:
    """Counts what git-orch spends in this process, syncing to disk."""
    if not _METERS:
        sys.addaudithook(_audit)  # for ever: no hook goes again
    meter = Meter()
    meter.objects = here.repo.path / ".git" / "objects"
    _METERS[:] = [meter]
    sync.switch(on=True)
    checkpoints.observe(meter)
    yield meter
    checkpoints.observe(None)
    sync.switch(on=False)


def spent(before: Costs, after: Costs) -> Costs:
    """What lies between two readings."""
    return Costs(
        after.processes - before.processes,
        after.syncs - before.syncs,
        after.stored - before.stored,
        after.seconds - before.seconds,
    )


def in_a_row(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """A plan whose steps need the one before."""
    chained = [
        {"title": f"Step {number}", **step} | ({"depends_on": [number]} if number else {})
        for number, step in enumerate(steps)
    ]
    return {"title": "In a row", "steps": chained}


def test_the_last_steps_of_a_long_run_cost_what_the_first_do(
    here: Here, meter: Meter, capsys: pytest.CaptureFixture[str]
) -> None:
    """New files in directories of 25: a tree costs git what it has entries, and so does the log's
    until it is spread over 256 directories.
    """
    meter.every = MANY_STEPS // 10
    plan = in_a_row(
        [
            {"files": {f"d{number // 25}/{number}.txt": f"{number}\n"}}
            for number in range(MANY_STEPS)
        ]
    )
    here("exec", here.plan(plan))
    readings = meter.readings
    assert len(readings) == 11
    first, last = spent(*readings[:2]), spent(*readings[-2:])
    if SOAK:
        with capsys.disabled():
            sys.stdout.write(
                f"\nlast tenth / first tenth: {last.seconds / first.seconds:.2f} in time\n"
            )
    assert last.processes <= first.processes
    assert last.syncs <= first.syncs + 1
    more = (last.stored - first.stored) / meter.every
    assert more <= min(256, MANY_STEPS) * A_NOTE


def test_a_small_step_after_one_of_many_new_files_starts_no_more_processes(
    here: Here, meter: Meter
) -> None:
    small = {"files": {"small.txt": "small\n"}}
    many = {"files": {f"d{number // 100}/{number}": f"{number}\n" for number in range(MANY_FILES)}}
    here("exec", here.plan(in_a_row([many, small, {"files": {"next.txt": "next\n"}}])))
    after_many = spent(*meter.readings[1:3])
    after_small = spent(*meter.readings[2:])
    assert after_many.processes == after_small.processes
    assert after_many.syncs == after_small.syncs
