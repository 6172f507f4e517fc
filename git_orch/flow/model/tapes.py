"""The tapes of plans: local files that a run writes, and another run is answered from."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from git_orch import errors
from git_orch.agents import exchange, tape, trace
from git_orch.agents.prices import Prices
from git_orch.agents.tape import Player, Recorder
from git_orch.plans import ids, sentences
from git_orch.plans.document import BadDocument
from git_orch.repo import own_files
from git_orch.repo.plan_place import PlanPlace
from git_orch.sandbox import keeping, secrecy

LAST = "last"  # the tape of the run that was recorded last
MOST = 1 << 30  # bytes of a tape


@contextlib.contextmanager
def recorder(place: PlanPlace, table: Prices) -> Iterator[Recorder]:
    """What writes the tape of a run of a plan."""
    secrets = secrecy.secrets()

    def opened(run: str) -> trace.Trace:
        path: Path | None = None
        with keeping.unnecessary(keeping.CONVERSATION):
            own_files.make_directories(place.repository.state_dir, ("tapes", place.id))
            own_files.require(place.repository.state_dir, ("tapes", place.id))
            path = place.tapes / f"{run}.jsonl"
        return trace.Trace(path, {"plan": place.id, "run": run}, secrets=secrets)

    recorder = Recorder(opened, _body_by(table))
    try:
        yield recorder
    finally:
        recorder.close()


def _body_by(table: Prices) -> tape.Render:
    """What makes the bodies of requests."""

    def body(request: exchange.Request) -> Mapping[str, object]:
        adaptive = table.facts(request.model).adaptive_thinking
        return {**exchange.parameters(request, adaptive=adaptive), "stream": True}

    return body


def found(place: PlanPlace) -> list[Path]:
    """The tapes of a plan, the oldest first. Raises own_files.NotOurs."""
    own_files.require(place.repository.state_dir, ("tapes", place.id))
    return sorted(path for path in place.tapes.glob("*.jsonl") if path.is_file())


def named(place: PlanPlace, name: str) -> Path:
    """The tape of a plan by the ID of its run, the last one, or another file by its path. Raises
    NotFound.
    """
    if "/" in name or name.endswith(".jsonl"):
        return Path(name)
    ours = [path for path in found(place) if name in (LAST, path.stem)]
    if not ours:
        of = "no run" if name == LAST else f"no run '{name}'"
        short = ids.short(place.id)
        raise errors.NotFound(
            f"{of} of '{short}' was recorded on this machine", f"git orch exec {short} --record"
        )
    return ours[-1]


def lines(place: PlanPlace, name: str) -> list[bytes]:
    """The lines of a tape. Raises NotFound, and UsageError for what is no regular file."""
    path = named(place, name)
    shown = sentences.quoted(str(path))
    look = f"git orch trace {ids.short(place.id)}"
    try:
        data = own_files.read_bytes(path) if path.parent == place.tapes else _regular(path)
    except OSError as failed:
        reason = (failed.strerror or str(failed)).lower()
        raise errors.NotFound(f"cannot read {shown}: {reason}", look) from failed
    if data is None:
        raise errors.UsageError(f"{shown} is no regular file of at most {MOST >> 20} MiB", look)
    return [line for line in data.split(b"\n") if line]


def _regular(path: Path) -> bytes | None:
    """The bytes of a regular file; None for anything else, and for a larger one. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MOST + 1)
    return data if len(data) <= MOST else None


def player(place: PlanPlace, name: str, table: Prices) -> Player:
    """What answers from a tape. Raises NotFound, and UsageError for a file that is none."""
    short = ids.short(place.id)
    shown = sentences.quoted(str(named(place, name)))
    try:
        spoken = [*tape.read(lines(place, name))]
    except BadDocument as wrong:
        cause = f"{shown} is no trace of requests: {wrong}"
        raise errors.UsageError(cause, f"git orch trace {short}") from wrong
    clean = functools.partial(trace.cleaned, secrets=secrecy.secrets())
    again = f"git orch exec {short}  # asks the model"
    return Player(
        spoken, tape.Named(f"the trace {shown}", again), tape.Reading(_body_by(table), clean)
    )
