"""The one module that starts processes: trusted tools (capture, Session) and untrusted commands
(run).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from git_orch.sandbox import secrecy
from git_orch.sandbox.process import cgroup, family, output, table
from git_orch.sandbox.process import watch as limits
from git_orch.sandbox.process.limits import Bounds
from git_orch.sandbox.process.outcome import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from git_orch.sandbox.process.wires import Wires


# A command that fills memory, process table or disk gets no time to go on.
_ASKED_TO_END = ("timeout", "output-limit", "stopped")
_TICK = 0.05  # seconds between two looks at the clock and at what ended without closing its output


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    bounds: Bounds,
    pass_fds: Sequence[int] = (),
    wires: Wires | None = None,
) -> Outcome:
    """Run a command that is not trusted, without a terminal; nothing it started survives it. It has
    no input, and its output is collected; with `wires`, what it complains about alone.

    Raises OSError when it cannot be started; in a control group (cgroup.py) the shell's status 126
    or 127 says so.
    """
    secrecy.close_memory()
    start = time.monotonic()
    with (
        output.Output(bounds.output_path, bounds.output_limit, bounds.hear) as collected,
        cgroup.group(memory=bounds.memory, processes=bounds.processes) as group,
    ):
        watch = limits.Watch(bounds)
        pipes = _Pipes(collected, wires, pass_fds)
        child, members = _start(argv, env, cwd, pipes, group)
        try:
            with _ending(child) as ending:
                reason = _watch_to_end(child, ending, members, collected, bounds, watch)
            if reason in _ASKED_TO_END:
                _ask_to_end(child, members, collected, bounds.grace)
        finally:
            members.kill()
            child.wait()
            family.remove(members)
        collected.drain()
        if reason == "exited" and collected.too_long:
            reason = "output-limit"
        if (
            reason == "exited"
            and child.returncode
            and group is not None
            and group.ran_out_of_memory()
        ):
            reason = "memory-limit"
        seconds = time.monotonic() - start
        return Outcome(
            child.returncode,
            reason,
            collected.head_and_tail(),
            collected.total,
            seconds,
            collected.path,
        )


def outcome_without_start(status: int, message: str, bounds: Bounds) -> Outcome:
    """The outcome of a command that could not start; the message stands for its output."""
    with output.Output(bounds.output_path, bounds.output_limit, bounds.hear) as collected:
        collected.add(message.encode("utf-8", "backslashreplace") + b"\n")
        kept = collected.head_and_tail()
        return Outcome(status, "exited", kept, collected.total, 0.0, collected.path)


class _Pipes(NamedTuple):
    """What a command has open: where its output is collected, the wires, other descriptors."""

    collected: output.Output
    wires: Wires | None
    inherited: Sequence[int]


def _start(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    pipes: _Pipes,
    group: cgroup.Group | None,
) -> tuple[subprocess.Popen[bytes], family.Family]:
    wires, writer = pipes.wires, pipes.collected.writer
    with (
        family.hold_reaping() as tag,
        group.enter() if group is not None else contextlib.nullcontext(()) as prefix,
    ):
        child = subprocess.Popen(
            [*prefix, *argv],
            env={**env, table.TAG: tag},
            cwd=cwd,
            stdin=subprocess.DEVNULL if wires is None else wires.stdin,
            stdout=writer if wires is None else wires.stdout,
            stderr=writer,
            start_new_session=True,
            pass_fds=pipes.inherited,
        )
        members = family.add(child.pid, tag)
    pipes.collected.close_writer()
    if wires is not None:
        wires.hand_over()
    return child, members


@contextlib.contextmanager
def _ending(child: subprocess.Popen[bytes]) -> Iterator[int | None]:
    """A descriptor that can be read once a process has ended; None where there is none (macOS)."""
    try:
        descriptor = os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _watch_to_end(
    child: subprocess.Popen[bytes],
    ending: int | None,
    members: family.Family,
    collected: output.Output,
    bounds: Bounds,
    watch: limits.Watch,
) -> Reason:
    """Collect output until the command ends or has to. A daemon that holds the output is not waited
    for.
    """
    deadline = time.monotonic() + bounds.timeout
    patience = 0.0005
    while child.poll() is None:
        if bounds.stop is not None and bounds.stop.is_set():
            return "stopped"
        if collected.too_long:
            return "output-limit"
        if time.monotonic() >= deadline:
            return "timeout"
        if excess := watch.excess(members):
            return excess
        if ending is not None:
            collected.wait(_TICK, ending)
            continue
        collected.wait(patience if collected.at_end else _TICK)
        patience = min(patience * 2, _TICK)
    return "exited"


def _ask_to_end(
    child: subprocess.Popen[bytes], members: family.Family, collected: output.Output, grace: float
) -> None:
    """SIGTERM for all of it, and time to go while its last words are collected."""
    members.send(signal.SIGTERM)
    deadline = time.monotonic() + grace
    while members.living() and time.monotonic() < deadline:
        collected.wait(_TICK / 5)
        child.poll()
