"""The last run of a plan on this machine: its process, and how it ended.

Only the plan's lock proves that a run still goes on: the kernel frees it when the process dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import document
from git_orch.plans.document import BadDocument
from git_orch.repo import localfiles, own_files
from git_orch.sandbox import keeping
from git_orch.sandbox.process import tools

if TYPE_CHECKING:
    from git_orch.repo.plan_place import PlanPlace


class Run(NamedTuple):
    """`birth` is when its process was started, as the system tells it: no later process has number
    and birth of it.

    `began` is in milliseconds since 1970. `at_work` says that nothing stood in the way of its first
    step. `exit_code` is None while it runs, and for ever when it was killed.
    """

    pid: int
    birth: str
    began: int
    at_work: bool = False
    exit_code: int | None = None

    def goes_on(self) -> bool:
        """Whether its process is still there and has not recorded its end."""
        return self.exit_code is None and bool(self.birth) and tools.birth(self.pid) == self.birth


def last(place: PlanPlace) -> Run | None:
    """The last run of a plan on this machine; None when there was none."""
    try:
        fields = document.parse(own_files.read_bytes(place.run), "run")
        numbers = {
            name: document.optional_integer(fields, name) for name in ("pid", "began", "exit_code")
        }
        birth = document.text(fields, "birth")
    except (OSError, BadDocument):  # none, or one that a power cut has left without its content
        return None
    at_work = fields.get("at_work") is True
    return Run(numbers["pid"] or 0, birth, numbers["began"] or 0, at_work, numbers["exit_code"])


def cut_off_by(place: PlanPlace) -> str | None:
    """The name of another user whose run was killed, which was the last one of a plan that this
    process has locked; None else.
    """
    run = last(place)
    return own_files.other_owner(place.run) if run is not None and run.exit_code is None else None


def record_start(place: PlanPlace) -> None:
    """Write down that this process runs the plan, which it has locked."""
    pid = os.getpid()
    _write(place, Run(pid, tools.birth(pid) or "", time.time_ns() // 1_000_000))


def record_at_work(place: PlanPlace) -> None:
    """Write down that nothing stands in the way of the run."""
    run = last(place)
    if run is not None and not run.at_work:
        _update(place, run._replace(at_work=True))


def record_end(place: PlanPlace, exit_code: int) -> None:
    """Write down how the run of this process ended, while it still has the lock."""
    run = last(place)
    if run is not None:
        _update(place, run._replace(exit_code=exit_code))


@contextlib.contextmanager
def record(place: PlanPlace) -> Iterator[None]:
    """Write down that this process runs the plan and, if an exception ends it, the exit code; else
    the caller records the end.
    """
    record_start(place)
    try:
        yield
    except BaseException as error:
        record_end(place, _exit_code(error))
        raise


def _exit_code(raised: BaseException) -> int:
    """The exit code of the program for this exception; git-orch(1) lists the codes."""
    match raised:
        case errors.Interrupted():
            return 128 + raised.signal_number
        case errors.OrchError():
            return raised.exit_code
        case KeyboardInterrupt():
            return 130
        case BrokenPipeError():
            return 141
        case OSError():
            return 128
    return 70


def _update(place: PlanPlace, run: Run) -> None:
    """Write down more about the run, which ends for nothing of it."""
    with keeping.unnecessary("how the run goes"):
        _write(place, run)


def _write(place: PlanPlace, run: Run) -> None:
    localfiles.write(place.run, json.dumps(run._asdict()).encode("ascii"), synced=False)
