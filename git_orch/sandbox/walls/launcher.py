"""The one place where the command of a step or of a check, and git on files that commands wrote,
becomes a process.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.sandbox.process import command as process
from git_orch.sandbox.process import outcome
from git_orch.sandbox.process.limits import Bounds, Limits
from git_orch.sandbox.walls import environment
from git_orch.sandbox.walls.view import GitView, Sandbox, Unconfined, View

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from git_orch.plans import plan

NOT_EXECUTABLE = 126  # the statuses a shell gives, see EXIT STATUS in bash(1)
NOT_FOUND = 127
_NOBODYS_HOME = Path("/tmp/home")  # noqa: S108 - inside the sandbox, where /tmp is its own
# Without these no command starts, and in some of them no directory can be made.
_NEEDED = tuple(
    map(
        Path,
        (
            "/usr/bin",
            "/usr/sbin",
            "/usr/lib",
            "/bin",
            "/sbin",
            "/lib",
            "/lib32",
            "/lib64",
            "/libx32",
            "/dev",
            "/proc",
        ),
    )
)
_SHARED = frozenset(map(Path, ("/etc", "/opt", "/nix", "/snap", "/gnu", "/tmp", "/var", "/run")))  # noqa: S108
_READ_ONLY = tuple(map(Path, ("/usr", "/etc", "/opt", "/nix", "/snap", "/gnu")))


@dataclass(frozen=True, slots=True)
class Launcher:
    """Runs commands in `sandbox` with an environment made from `source`, where `home` is the home
    directory they see.

    `git` is what they see of the repository, `readable` are more paths they see, and `extra` more
    variables.
    """

    source: Mapping[str, str]
    home: Path
    sandbox: Sandbox = field(default_factory=Unconfined)
    git: GitView | None = None
    readable: tuple[Path, ...] = ()
    extra: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def sandboxed(self) -> bool:
        """Whether commands run in a sandbox."""
        return self.sandbox.sandboxed

    def run(
        self,
        command: plan.Command,
        *,
        worktree: Path,
        timeout: float,
        output_path: Path | None = None,
        stop: threading.Event | None = None,
        network: bool = False,
    ) -> outcome.Outcome:
        """How the command ended in `worktree`; `timeout` is in seconds. One that cannot start ends
        with 126 or 127.
        """
        argv = (
            ("bash", "--noprofile", "--norc", "-c", command.shell)
            if command.shell is not None
            else command.argv
        )
        view = self._view(worktree, network=network)
        return self._started(
            argv or (),
            view,
            self._variables(view),
            self._bounds(worktree, timeout, output_path, stop),
        )

    def _bounds(
        self, worktree: Path, timeout: float, output_path: Path | None, stop: threading.Event | None
    ) -> Bounds:
        return Bounds(
            timeout,
            output_path,
            stop,
            memory=self.limits.memory,
            processes=self.limits.processes,
            growing=worktree,
            growth=self.limits.growth,
            new_files=self.limits.new_files,
        )

    def git_tool(
        self,
        argv: Sequence[str],
        *,
        worktree: Path,
        variables: Mapping[str, str],
        writable: Sequence[Path],
        timeout: float,
        output_path: Path | None = None,
        stop: threading.Event | None = None,
    ) -> outcome.Outcome:
        """How git, or what git starts, ended on files that others wrote: only the paths in
        `writable` can change.
        """
        view = self._view(worktree, network=False)
        view = view._replace(writable=tuple(writable), worktree_writable=worktree in writable)
        bounds = self._bounds(worktree, timeout, output_path, stop)
        return self._started(argv, view, {**self._variables(view), **variables}, bounds)

    def shown(self, worktree: Path) -> tuple[View, Mapping[str, str]]:
        """What a command in `worktree` sees, without the network, and its variables."""
        view = self._view(worktree, network=False)
        return view, self._variables(view)

    def _view(self, worktree: Path, *, network: bool) -> View:
        path = os.pathsep.join(environment.outside(self.source.get("PATH", ""), worktree))
        return View(
            worktree=worktree,
            home=_NOBODYS_HOME if self.sandboxed and _in_the_way(self.home) else self.home,
            path=path or environment.DEFAULT_PATH,
            git=self.git,
            readable=self.readable,
            network=network,
        )

    def _variables(self, view: View) -> dict[str, str]:
        source = {**self.source, "PATH": view.path}
        variables = environment.command_environment(
            source, home=view.home, worktree=view.worktree, extra=self.extra
        )
        return {**variables, "TMPDIR": "/tmp"} if self.sandboxed else variables  # noqa: S108 - the sandbox's own

    def _started(
        self, argv: Sequence[str], view: View, variables: Mapping[str, str], bounds: Bounds
    ) -> outcome.Outcome:
        found = _found(argv[0], view.path, view.worktree) if argv else None
        if found is None:
            return process.not_started(
                NOT_FOUND, f"{argv[0] if argv else ''}: command not found", bounds
            )
        limited = [*self._limiting(view.path), found, *argv[1:]]
        try:
            with self.sandbox.confined(limited, view) as ready:
                return process.run(
                    ready.argv,
                    env=variables,
                    cwd=view.worktree,
                    bounds=bounds,
                    pass_fds=ready.descriptors,
                )
        except (
            OSError,
            ValueError,
        ) as error:  # ValueError: a NUL byte, or characters that are not text
            return process.not_started(NOT_EXECUTABLE, f"{argv[0]}: {error}", bounds)

    def _limiting(self, path: str) -> Sequence[str]:
        """The prlimit command that goes in front, inside the sandbox: processes are counted for
        each sandbox there.

        Nothing where it is missing (macOS). Never raises a limit of ours.
        """
        prlimit = environment.program("prlimit", path)
        if prlimit is None:
            return ()
        wanted = {
            "core": (resource.RLIMIT_CORE, 0),
            "fsize": (resource.RLIMIT_FSIZE, self.limits.file_size),
            "nofile": (resource.RLIMIT_NOFILE, self.limits.open_files),
        }
        if self.sandboxed:  # outside of a user namespace all processes of the user count
            wanted["nproc"] = (resource.RLIMIT_NPROC, self.limits.processes)
        options = []
        for name, (number, limit) in wanted.items():
            hard = resource.getrlimit(number)[1]
            options.append(
                f"--{name}={limit if hard == resource.RLIM_INFINITY else min(limit, hard)}"
            )
        return (prlimit, *options, "--")


def _in_the_way(home: Path) -> bool:
    """Whether a home directory cannot be hidden, or not without what commands need: accounts of
    services have such.
    """
    place = Path(os.path.normpath(home))
    return (
        place in _SHARED
        or any(needed.is_relative_to(place) or place.is_relative_to(needed) for needed in _NEEDED)
        or (any(place.is_relative_to(shown) for shown in _READ_ONLY) and not place.is_dir())
    )


def _found(name: str, path: str, worktree: Path) -> str | None:
    """The program to start: on PATH, or where a name with a slash says, seen from the worktree."""
    if os.sep not in name:
        return environment.program(name, path)
    return name if os.path.isfile(worktree / name) else None
