"""What a running attempt does right now, in a local file beside what its commands print; and what a
run does for none of its steps, such as setup.

The file is for display alone: each line has what has changed. Nothing of it is synced or reaches
the log.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import document
from git_orch.plans.document import BadDocument
from git_orch.repo import own_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_orch.repo.plan_place import PlanPlace
    from git_orch.repo.repository import Repository

BETWEEN = "between steps"
_NAME = "phases"
_LARGEST = 1 << 20  # bytes


class Phase(NamedTuple):
    """`name` is what the attempt does, such as `check 2`, at `worktree`; `number` and `title` are
    those of its step. What nobody has written down is None.
    """

    name: str | None = None
    worktree: str | None = None
    number: int | None = None
    title: str | None = None


def begin(repository: Repository, attempt: str, phase: Phase) -> None:
    """Write down what an attempt does from now on; a disk that refuses it stops nothing."""
    changed = {name: value for name, value in phase._asdict().items() if value is not None}
    line = json.dumps(changed).encode("ascii") + b"\n"
    with contextlib.suppress(OSError, own_files.NotOurs):
        own_files.append(repository.state_dir, ("output", attempt, _NAME), line)


def now(repository: Repository, attempt: str) -> Phase:
    """What an attempt does now, as far as somebody has written it down."""
    path = repository.state_dir / "output" / attempt / _NAME
    try:
        lines = own_files.read_bytes(path)[:_LARGEST].splitlines()
    except (OSError, own_files.NotOurs):
        return Phase()
    found = Phase()
    for line in lines:
        with contextlib.suppress(BadDocument):  # a line that was cut off
            found = _changed(found, document.parse(line, "phase"))
    return found


class RunPhase(NamedTuple):
    """What a run does beside its attempts, `since` so many seconds after 1970."""

    name: str
    since: float


@contextlib.contextmanager
def of_run(place: PlanPlace, name: str) -> Iterator[None]:
    """Write down that the run of a plan does this as long as it lasts."""
    begin(place.repository, place.id, Phase(name))
    try:
        yield
    finally:
        begin_run(place)


def begin_run(place: PlanPlace) -> None:
    """Write down that the run of a plan does nothing beside its attempts."""
    begin(place.repository, place.id, Phase(BETWEEN))


def run_now(place: PlanPlace) -> RunPhase:
    """What the run of a plan does now beside its attempts, as far as it has written that down."""
    phase = now(place.repository, place.id)
    try:
        since = (place.repository.state_dir / "output" / place.id / _NAME).stat().st_mtime
    except OSError:
        return RunPhase(BETWEEN, 0.0)
    return RunPhase(phase.name or BETWEEN, since)


def is_file(path: str) -> bool:
    """Whether a file beside the output of commands is this one."""
    return path.endswith(f"/{_NAME}")


def _changed(before: Phase, fields: Mapping[str, object]) -> Phase:
    return Phase(
        document.optional_text(fields, "name") or before.name,
        document.optional_text(fields, "worktree") or before.worktree,
        document.optional_integer(fields, "number") or before.number,
        document.optional_text(fields, "title") or before.title,
    )
