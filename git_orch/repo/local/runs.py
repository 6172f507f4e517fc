"""The last run of a plan on this machine: its process, and how it ended.

Only the plan's lock proves that a run still goes on: the kernel frees it when the process dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import document
from git_orch.plans.document import BadDocument
from git_orch.repo import localfiles
from git_orch.sandbox.process import tools

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository


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


def log_path(repository: Repository, plan: str) -> Path:
    """The local file that has the output of the last run in the background."""
    return repository.state_dir / "runs" / f"{plan}.log"


def last(repository: Repository, plan: str) -> Run | None:
    """The last run of a plan on this machine; None when there was none."""
    try:
        fields = document.mapping(json.loads(_path(repository, plan).read_bytes()), "run")
        numbers = {
            name: document.optional_number(fields, name) for name in ("pid", "began", "exit_code")
        }
        birth = document.text(fields, "birth")
    except (
        OSError,
        ValueError,
        BadDocument,
    ):  # none, or one that a power cut has left without its content
        return None
    at_work = fields.get("at_work") is True
    return Run(numbers["pid"] or 0, birth, numbers["began"] or 0, at_work, numbers["exit_code"])


def record_start(repository: Repository, plan: str) -> None:
    """Write down that this process runs the plan, which it has locked."""
    pid = os.getpid()
    _write(repository, plan, Run(pid, tools.birth(pid) or "", time.time_ns() // 1_000_000))


def record_at_work(repository: Repository, plan: str) -> None:
    """Write down that nothing stands in the way of the run."""
    run = last(repository, plan)
    if run is not None and not run.at_work:
        _write(repository, plan, run._replace(at_work=True))


def record_end(repository: Repository, plan: str, exit_code: int) -> None:
    """Write down how the run of this process ended, while it still has the lock."""
    run = last(repository, plan)
    if run is not None:
        _write(repository, plan, run._replace(exit_code=exit_code))


@contextlib.contextmanager
def record(repository: Repository, plan: str) -> Iterator[None]:
    """Write down that this process runs the plan and, if an exception ends it, the exit code; else
    the caller records the end.
    """
    record_start(repository, plan)
    try:
        yield
    except BaseException as error:
        record_end(repository, plan, _exit_code(error))
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


def _write(repository: Repository, plan: str, run: Run) -> None:
    localfiles.write(
        _path(repository, plan), json.dumps(run._asdict()).encode("ascii"), synced=False
    )


def _path(repository: Repository, plan: str) -> Path:
    return repository.common_dir / "orch" / "runs" / f"{plan}.json"
