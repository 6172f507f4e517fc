"""The one place where the command of a step or of a check, and git on files that commands wrote,
becomes a process.
"""

from __future__ import annotations

import contextlib
import os
import resource
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import checkpoints
from git_orch.plans.plan import LONGEST_ARGUMENT
from git_orch.sandbox.process import command as process
from git_orch.sandbox.process import limits as limits_of
from git_orch.sandbox.process import outcome
from git_orch.sandbox.process.limits import Bounds, Limits
from git_orch.sandbox.walls import environment, mount_points, repositories, site_map
from git_orch.sandbox.walls.site_map import SiteMap
from git_orch.sandbox.walls.view import (
    GitView,
    Sandbox,
    Share,
    Unconfined,
    View,
    outermost,
    share_layers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from git_orch.plans import plan
    from git_orch.plans.hosts import Network
    from git_orch.sandbox.network.proxy import Proxy
    from git_orch.sandbox.process.limits import Stop
    from git_orch.sandbox.process.wires import Wires

NOT_EXECUTABLE = 126  # the statuses a shell gives, see EXIT STATUS in bash(1)
NOT_FOUND = 127
_NOBODYS_HOME = Path("/tmp/home")  # noqa: S108 - inside the sandbox, where /tmp is its own
_READ_ONLY = tuple(map(Path, ("/usr", "/etc", "/opt", "/nix", "/snap", "/gnu")))


@dataclass(frozen=True, slots=True)
class Launcher:
    """Runs commands in `sandbox` with an environment made from `source` and the home directory
    `home`.

    `git` is the part of the repository that commands see; `readable` are more paths that they see,
    `extra` more variables. With `keeps_repositories` the worktree is one in which somebody uses git:
    then no repository below it may come, go or change, and in the directories `closed`, its
    submodules, nothing is written. What commands write to `shares` is kept in
    the directory `writes`, if there is one; `variables` say where tools have what they share. Tools
    of git's see no shares, unless they are hooks. A worktree stands at the path `checkout` in a
    sandbox that can show it there, and is seen at `link` as well, which leads there by links.
    `hear` gets what a command prints as it comes. Of the hosts on a list only those in
    `private_hosts` may be at a private address.
    """

    source: Mapping[str, str]
    home: Path
    sandbox: Sandbox = field(default_factory=Unconfined)
    git: GitView | None = None
    readable: tuple[Path, ...] = ()
    extra: tuple[str, ...] = ()
    keeps_repositories: bool = False
    closed: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    writes: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    tools_see_shares: bool = False
    checkout: Path | None = None
    link: Path | None = None
    limits: Limits = field(default_factory=limits_of.usual)
    hear: Callable[[bytes], None] | None = None
    private_hosts: tuple[str, ...] = ()

    @property
    def sandboxed(self) -> bool:
        """Whether commands run in a sandbox."""
        return self.sandbox.sandboxed

    @checkpoints.around("run command")
    def run(
        self,
        command: plan.Command,
        *,
        worktree: Path,
        timeout: float,
        output_path: Path | None = None,
        stop: Stop | None = None,
        network: Network = False,
        wires: Wires | None = None,
    ) -> outcome.Outcome:
        """Run the command in `worktree`; `timeout` is in seconds. A command that cannot start ends
        with 126 or 127. It has the `network`, or reaches the hosts listed there. With `wires` it
        talks with git-orch. Raises Refused where no list can hold here.
        """
        view = self._view(worktree, network=network)
        variables, bounds = (
            self._variables(view),
            replace(self._bounds(worktree, timeout, output_path, stop), hear=self.hear),
        )
        if command.shell is None:
            limited = [*self._prlimit(view.path), *(command.argv or ())]
            return self._start(command.argv or (), limited, view, variables, bounds, wires)
        # bash limits itself, with one program less to start; on the same line, so that the numbers of
        # lines in its messages are those of the command.
        options = "" if command.plain else "set -euo pipefail; "
        script = f"{self._ulimit()}{options}{command.shell}"
        argv = ["bash", "--noprofile", "--norc", "-c", script]
        if len(os.fsencode(script)) > LONGEST_ARGUMENT:
            script = f'{self._ulimit()}{options}eval "$1"'
            argv = [*argv[:4], script, "bash", command.shell]
        return self._start(argv, argv, view, variables, bounds, wires)

    def _bounds(
        self, worktree: Path, timeout: float, output_path: Path | None, stop: Stop | None
    ) -> Bounds:
        return Bounds(
            timeout,
            output_path,
            stop,
            memory=self.limits.memory,
            processes=self.limits.processes,
            growing=(worktree, *self._uppers()),
            growth=self.limits.growth,
            new_files=self.limits.new_files,
        )

    def _uppers(self) -> list[Path]:
        """The directories that take what commands write to shares."""
        if self.writes is None:
            return []
        return [share_layers(self.writes, share)[0] for share in self.shares]

    def git_tool(
        self,
        argv: Sequence[str] = (),
        *,
        script: Sequence[str] = (),
        worktree: Path,
        variables: Mapping[str, str],
        writable: Sequence[Path],
        timeout: float,
        output_path: Path | None = None,
        stop: Stop | None = None,
    ) -> outcome.Outcome:
        """Run git, or a program of git's, on files that others wrote: only the paths in `writable`
        can change. In place of `argv`, `script` is a script of sh with its name and arguments.
        """
        view = self._view(worktree, network=False)
        if not self.tools_see_shares:
            view = self._without_shares(view)
        view = view._replace(writable=tuple(writable), worktree_writable=worktree in writable)
        bounds = self._bounds(worktree, timeout, output_path, stop)
        limited: Sequence[str] = [*self._prlimit(view.path), *argv]
        if script:
            argv = limited = ("sh", "-ec", self._posix_ulimit() + script[0], *script[1:])
        return self._start(argv, limited, view, {**self._variables(view), **variables}, bounds)

    def view_and_variables(self, worktree: Path) -> tuple[View, Mapping[str, str]]:
        """The view of a command in `worktree`, without the network, and its variables."""
        view = self._view(worktree, network=False)
        return view, self._variables(view)

    def site_map(self, worktree: Path) -> SiteMap:
        """The paths that a command in `worktree` has for what is on the host."""
        covered = self._covered(worktree)
        return SiteMap(worktree, covered, None if covered is None else self.link)

    def _covered(self, worktree: Path) -> Path | None:
        """The path where the worktree stands, unless that is its own."""
        checkout = self.checkout
        if checkout is None or not self.sandbox.moves:
            return None
        return checkout if site_map.can_stand_at(worktree, checkout, self.home) else None

    def _proxy(self, network: Network) -> Proxy | None:
        """The proxy for a list of hosts; without a sandbox nothing would hold a command to it."""
        if isinstance(network, bool) or not self.sandboxed:
            return None
        from git_orch.sandbox.network.proxy import Lists, Proxy  # few steps have a list

        return Proxy(Lists.of(network, self.private_hosts))

    def _view(self, worktree: Path, *, network: Network) -> View:
        home = _NOBODYS_HOME if self.sandboxed and _cannot_be_hidden(self.home) else self.home
        shares = self.shares if self.sandboxed and home == self.home else ()
        covered = self._covered(worktree)
        top = covered or worktree
        programs = (f"{top / share.place}/{name}" for share in shares for name in share.programs)
        own = [place for place in programs if os.pathsep not in place]  # no PATH can name it then
        return View(
            worktree=worktree,
            checkout=covered,
            link=None if covered is None else self.link,
            home=home,
            path=os.pathsep.join((*own, self._outside(worktree))),
            git=self.git,
            readable=self.readable,
            network=network is True,
            shares=shares,
            writes=self.writes,
            proxy=self._proxy(network),
        )

    def _outside(self, worktree: Path) -> str:
        """The user's own PATH, without what is in the worktree or where it stands."""
        covered = self._covered(worktree)
        path = os.pathsep.join(environment.outside(self.source.get("PATH", ""), worktree, covered))
        return path or environment.DEFAULT_PATH

    def _without_shares(self, view: View) -> View:
        return view._replace(shares=(), path=self._outside(view.worktree))

    def _variables(self, view: View) -> dict[str, str]:
        source = {**self.source, "PATH": view.path}
        variables = environment.command_environment(
            source,
            home=view.home,
            worktree=view.worktree,
            checkout=view.checkout,
            extra=self.extra,
            offline=self.sandboxed and not view.network and view.proxy is None,
        )
        if view.proxy is not None:
            variables.update(view.proxy.variables())
        variables["PATH"] = view.path
        if self.sandboxed:
            variables["TMPDIR"] = "/tmp"  # noqa: S108 - the sandbox's own
        if view.shares:
            variables.update(self.variables)
        if self.sandboxed:
            variables.update(_environment(view, self.source))
        return variables

    def _start(
        self,
        argv: Sequence[str],
        limited: Sequence[str],
        view: View,
        variables: Mapping[str, str],
        bounds: Bounds,
        wires: Wires | None = None,
    ) -> outcome.Outcome:
        """Run `limited`, which limits itself and becomes `argv`."""
        program = _program(argv[0], view) if argv else None
        if program is None:
            message = f"{argv[0] if argv else ''}: command not found"
            return process.outcome_without_start(NOT_FOUND, message, bounds)
        command_line = [*limited[: len(limited) - len(argv)], program, *argv[1:]]
        with self._protected(_with_places(view)) as shown:
            try:
                with self.sandbox.confine(command_line, shown) as ready:
                    ended = process.run(
                        ready.argv,
                        env=variables,
                        cwd=view.worktree,
                        bounds=bounds,
                        pass_fds=ready.descriptors,
                        wires=wires,
                    )
                return ended if view.proxy is None else view.proxy.told(ended)
            # A NUL byte, or characters that are not text, are a ValueError.
            except (OSError, ValueError) as error:
                return process.outcome_without_start(NOT_EXECUTABLE, f"{argv[0]}: {error}", bounds)

    @contextlib.contextmanager
    def _protected(self, view: View) -> Iterator[View]:
        """The view in which no repository of the worktree can be written, where that matters."""
        if not (self.keeps_repositories and self.sandboxed and view.worktree_writable):
            yield view
            return
        with repositories.kept(view.worktree) as protected:
            closed = [view.worktree / path for path in self.closed]
            inside = [str(path) for path in closed if path.is_dir() and not path.is_symlink()]
            shown = outermost([*map(str, protected), *inside])
            yield view._replace(protected=tuple(map(Path, shown)))

    def _limits(self) -> dict[str, int]:
        """What each process may use, by the names of prlimit(1): bytes, and numbers. Never more than
        we may use ourselves.
        """
        limits = {
            "core": (resource.RLIMIT_CORE, 0),
            "fsize": (resource.RLIMIT_FSIZE, self.limits.file_size),
            "nofile": (resource.RLIMIT_NOFILE, self.limits.open_files),
        }
        if self.sandboxed:  # outside of a user namespace all processes of the user count
            limits["nproc"] = (resource.RLIMIT_NPROC, self.limits.processes)
        allowed = {}
        for name, (number, limit) in limits.items():
            hard = resource.getrlimit(number)[1]
            allowed[name] = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        return allowed

    def _ulimit(self) -> str:
        """The commands of bash that set the limits of what comes after them."""
        letters = {"core": "c", "fsize": "f", "nofile": "n", "nproc": "u"}
        units = {"core": 1024, "fsize": 1024}  # see ulimit in bash(1)
        words = [
            f"-{letters[name]} {limit // units.get(name, 1)}"
            for name, limit in self._limits().items()
        ]
        return f"ulimit {' '.join(words)}; "

    def _posix_ulimit(self) -> str:
        """The same commands for every sh: dash takes one limit at a time, and has another letter
        for processes.
        """
        limits = self._limits()
        lines = [
            f"ulimit -c {limits['core'] // 512}",
            f"ulimit -f {limits['fsize'] // 512}",
            f"ulimit -n {limits['nofile']}",
        ]
        if "nproc" in limits:
            lines.append(f"ulimit -u {limits['nproc']} 2>/dev/null || ulimit -p {limits['nproc']}")
        return "; ".join([*lines, ""])

    def _prlimit(self, path: str) -> Sequence[str]:
        """The prlimit command to put in front, inside the sandbox, where only processes of that
        sandbox count. Empty where prlimit is missing (macOS).
        """
        prlimit = environment.program("prlimit", path)
        if prlimit is None:
            return ()
        options = (f"--{name}={limit}" for name, limit in self._limits().items())
        return (prlimit, *options, "--")


def _cannot_be_hidden(home: Path) -> bool:
    """Whether hiding this home directory would hide paths that commands need; accounts of services
    have such homes.
    """
    place = Path(os.path.normpath(home))
    return (
        place in site_map.SHARED
        or any(
            needed.is_relative_to(place) or place.is_relative_to(needed)
            for needed in site_map.NEEDED
        )
        or (any(place.is_relative_to(shown) for shown in _READ_ONLY) and not place.is_dir())
    )


def _with_places(view: View) -> View:
    """The view with those shares that are still what they were, and have a place in the worktree, and
    in what is written there.
    """
    present = (share for share in view.shares if share.is_there())
    shares = mount_points.make(view.worktree, present)
    if view.writes is not None:
        for share in shares:
            upper, work = share_layers(view.writes, share)
            if share.lasting and os.path.isdir(share.source) and not work.exists():
                upper.mkdir(mode=0o700, parents=True, exist_ok=True)
                upper.chmod(stat.S_IMODE(os.stat(share.source).st_mode) | 0o700)
                work.mkdir(mode=0o700)
    return view._replace(shares=shares)


def _environment(view: View, source: Mapping[str, str]) -> dict[str, str]:
    """The variable by which tools know the environment whose programs come first."""
    for share in view.shares:
        if share.environment and share.programs:
            conda = os.path.isdir(os.path.join(share.source, "conda-meta"))
            place = str(view.site_map.top / share.place)
            return {"CONDA_PREFIX" if conda else "VIRTUAL_ENV": place}
    active = environment.activated(source)
    if active is None or os.path.join(active[1], "bin") not in view.path.split(os.pathsep):
        return {}
    return dict([active])


def _program(name: str, view: View) -> str | None:
    """The program to start: on PATH, or where a name with a slash says, seen from the worktree."""
    if os.sep in name:
        if view.checkout is not None:  # an absolute path or link may mean another file than here
            return name
        there = [str(view.worktree / name), *_sources(view, str(view.worktree / name))]
        return name if any(map(os.path.isfile, there)) else None
    for directory in view.path.split(os.pathsep):
        for place in (directory, *_sources(view, directory)):
            if environment.program(name, place) is not None:
                return os.path.join(directory, name)
    return None


def _sources(view: View, path: str) -> Iterator[str]:
    """Where this machine has what a command sees at a path in a share."""
    for share in view.shares:
        place = str(view.site_map.top / share.place)
        if f"{path}/".startswith(f"{place}/"):
            yield share.source + path.removeprefix(place)
