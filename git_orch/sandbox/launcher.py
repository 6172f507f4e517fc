"""The one place where the command of a step or of a check becomes a process."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_orch.sandbox import environment, process

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from git_orch.plans import plan

NOT_EXECUTABLE = 126  # the statuses a shell gives, see EXIT STATUS in bash(1)
NOT_FOUND = 127

_LIMITS = {  # reference values for model-written commands: no core dumps, files of 1 GiB, 4,096 open files
    "core": (resource.RLIMIT_CORE, 0),
    "fsize": (resource.RLIMIT_FSIZE, 1024**3),
    "nofile": (resource.RLIMIT_NOFILE, 4096),
}


@dataclass(frozen=True, slots=True)
class Launcher:
    """Runs commands with an environment made from `source`, where `home` is the home directory they see."""

    source: Mapping[str, str]
    home: Path

    def run(
        self,
        command: plan.Command,
        *,
        worktree: Path,
        timeout: float,
        output_path: Path | None = None,
        stop: threading.Event | None = None,
    ) -> process.Outcome:
        """How the command ended in `worktree`; `timeout` is in seconds. One that cannot start ends with 126 or 127."""
        bounds = process.Bounds(timeout, output_path, stop)
        variables = environment.command_environment(self.source, home=self.home, worktree=worktree)
        argv = ("bash", "--noprofile", "--norc", "-c", command.shell) if command.shell is not None else command.argv
        found = _found(argv[0], variables["PATH"], worktree) if argv else None
        if argv is None or found is None:
            return process.not_started(NOT_FOUND, f"{argv[0] if argv else ''}: command not found", bounds)
        limited = [*_limiting(variables["PATH"]), found, *argv[1:]]
        try:
            return process.run(limited, env=variables, cwd=worktree, bounds=bounds)
        except (OSError, ValueError) as error:  # ValueError: a NUL byte, or characters that are not text
            return process.not_started(NOT_EXECUTABLE, f"{argv[0]}: {error}", bounds)


def _found(name: str, path: str, worktree: Path) -> str | None:
    """The program to start: on PATH, or where a name with a slash says, seen from the worktree."""
    if os.sep not in name:
        return environment.program(name, path)
    return name if os.path.isfile(worktree / name) else None


def _limiting(path: str) -> Sequence[str]:
    """The prlimit command that goes in front; nothing where it is missing (macOS). Never raises a limit of ours."""
    prlimit = environment.program("prlimit", path)
    if prlimit is None:
        return ()
    options = []
    for name, (number, wanted) in _LIMITS.items():
        hard = resource.getrlimit(number)[1]
        options.append(f"--{name}={wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)}")
    return (prlimit, *options, "--")
