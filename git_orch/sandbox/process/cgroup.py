"""A control group for one command, where we may make one: limits that the kernel enforces at once,
also for root.

It is made below the group that we are in ourselves (or, with version 2, beside it), so that a
command never leaves a limit that was set for us. With version 1 the thread that starts a command
is in the group while it does; with version 2 a shell enters it before it becomes the command.
Nothing is forked outside. The group of a run that was killed is removed by the next run. See
cgroups(7).
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from git_orch.sandbox.process import table

_PREFIX = "git-orch"
_SHELL = "/bin/sh"
_ENTER = """groups=$1
while shift; [ "$groups" -gt 0 ]; do
    echo $$ > "$1" || exit 126
    groups=$((groups - 1))
done
exec "$@"
"""
_GIVE_UP = 2.0  # seconds after which a group that does not get empty is left to the next run
_PASS = 0.002  # seconds between two tries to remove one
_number = itertools.count()


@dataclass(frozen=True, slots=True)
class Place:
    """A directory in which groups can be made, and the controllers (memory, pids) that they then
    have.
    """

    path: Path
    controllers: frozenset[str]
    version: int


@dataclass(frozen=True, slots=True)
class Group:
    """One group: several directories with version 1, which has one for every controller.

    `homes` are the groups that our threads are in; empty where a thread cannot move alone.
    """

    directories: tuple[Path, ...]
    homes: tuple[Path, ...] = ()

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words in front of a command line that run it in the group; exit status 126 when it
        cannot be entered.
        """
        members = [str(directory / "cgroup.procs") for directory in self.directories]
        return (_SHELL, "-c", _ENTER, "sh", str(len(members)), *members)

    @contextlib.contextmanager
    def enter(self) -> Iterator[tuple[str, ...]]:
        """Run commands in the group; gives the words to put in front of their command lines.

        A thread that moves itself takes none of our memory along, and waits for no lock that the
        kernel's readers hold: a shell does, and is one program more.
        """
        try:
            moved = bool(self.homes) and _move_thread(self.directories)
            yield () if moved else self.prefix
        finally:
            if self.homes:
                _move_thread(self.homes)

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel killed a process of the group because it was at its memory limit."""
        for directory in self.directories:
            counts = _text(directory / "memory.events") + _text(directory / "memory.oom_control")
            if re.search(r"^oom_kill [1-9]", counts, re.MULTILINE):
                return True
        return False


@contextlib.contextmanager
def group(*, memory: int | None, processes: int | None) -> Iterator[Group | None]:
    """A new group with these limits, in bytes and in processes and threads; None where the kernel
    cannot hold them.

    At the end its processes are killed and it is removed.
    """
    limits = {
        name: limit
        for name, limit in (("memory", memory), ("pids", processes))
        if limit is not None
    }
    new_group = _make_group(find_places(), limits) if limits else None
    try:
        yield new_group
    finally:
        for directory in new_group.directories if new_group is not None else ():
            _remove(directory)


@functools.cache
def find_places() -> tuple[Place, ...]:
    """The places where we may make groups. The first call looks for them and removes the groups of
    dead runs.
    """
    places = tuple(
        _places_in(_text(Path("/proc/self/mountinfo")), _text(Path("/proc/self/cgroup")))
    )
    for place in places:
        sweep(place.path)
    return places


def _places_in(mounts: str, own: str) -> Iterator[Place]:
    """The places in the lines of /proc/self/mountinfo (`mounts`) and /proc/self/cgroup (`own`)."""
    paths = {names: path for _, names, path in (line.split(":", 2) for line in own.splitlines())}
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        root, mounted = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup":
            controllers = {"memory", "pids"} & set(options.split(","))
            own_path = next(
                (path for names, path in paths.items() if controllers & set(names.split(","))), None
            )
            if controllers and own_path is not None:
                yield from _usable(
                    _path_in_mount(mounted, root, own_path), frozenset(controllers), 1
                )
        elif kind == "cgroup2" and "" in paths:
            group = _path_in_mount(mounted, root, paths[""])
            for path in (group, group.parent) if paths[""] != "/" else (group,):
                enabled = {"memory", "pids"} & set(_text(path / "cgroup.subtree_control").split())
                yield from _usable(path, frozenset(enabled), 2)


def _path_in_mount(mounted: str, root: str, path: str) -> Path:
    """The directory of a group in a mount that shows the hierarchy from `root` on."""
    return Path(mounted) / os.path.relpath(path, root) if root != "/" else Path(mounted + path)


def _usable(path: Path, controllers: frozenset[str], version: int) -> Iterator[Place]:
    if controllers and os.access(path, os.W_OK) and os.access(path / "cgroup.procs", os.W_OK):
        yield Place(path, controllers, version)


def _make_group(places: tuple[Place, ...], limits: dict[str, int]) -> Group | None:
    """A group for as many of the limits as can be held; None when that is none of them."""
    directories: list[Path] = []
    for place in places:
        own_limits = {name: limits.pop(name) for name in place.controllers if name in limits}
        if own_limits:
            directories += _make_directory(place, own_limits)
    if not directories:
        return None
    by_thread = all(place.version == 1 for place in places)
    homes = tuple(directory.parent for directory in directories) if by_thread else ()
    return Group(tuple(directories), homes)


def _move_thread(directories: Sequence[Path]) -> bool:
    """Move this thread into groups; whether it is in all of them now."""
    try:
        for directory in directories:
            (directory / "tasks").write_bytes(b"0")
    except OSError:
        return False
    return True


def _make_directory(place: Place, limits: dict[str, int]) -> list[Path]:
    directory = place.path / f"{_owner(os.getpid())}.{next(_number)}"
    try:
        directory.mkdir()
    except OSError:  # not ours to use after all, such as a read-only mount
        return []
    try:
        for name, limit in limits.items():
            _set_limit(directory, name, limit, place.version)
    except OSError:
        _remove(directory)
        return []
    return [directory]


def _set_limit(directory: Path, name: str, limit: int, version: int) -> None:
    if name == "pids":
        (directory / "pids.max").write_text(str(limit))
    elif version == 1:
        (directory / "memory.limit_in_bytes").write_text(str(limit))
        # A kernel that does not account swap has no such file.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            (directory / "memory.memsw.limit_in_bytes").write_text(str(limit))
    else:
        (directory / "memory.max").write_text(str(limit))
        (directory / "memory.oom.group").write_text("1")
        with contextlib.suppress(FileNotFoundError, PermissionError):
            (directory / "memory.swap.max").write_text("0")


def _owner(pid: int) -> str:
    """The beginning of the name of a process's groups: an ID alone is used again, and means others
    in containers.
    """
    line = table.process(pid)
    started = line.started if line is not None else 0
    return f"{_own_prefix()}{pid}.{started}"


def _own_prefix() -> str:
    """The names of groups that were made in our PID namespace begin so."""
    return f"{_PREFIX}.{os.stat('/proc/self/ns/pid').st_ino}."


def sweep(path: Path) -> None:
    """Remove the groups of dead runs of git-orch that were made in our own PID namespace."""
    ours = _own_prefix()
    for name in os.listdir(path):
        owner, _, number = name.rpartition(".")
        pid = name.removeprefix(ours).partition(".")[0]
        if (
            name.startswith(ours)
            and pid.isdigit()
            and number.isdigit()
            and owner != _owner(int(pid))
        ):
            _remove(path / name)


def _remove(directory: Path) -> None:
    """Kill what is in a group and remove it; one that does not get empty in time is left to the
    next run.
    """
    give_up = time.monotonic() + _GIVE_UP
    while time.monotonic() < give_up:
        members = map(int, _text(directory / "cgroup.procs").split())
        table.send((pid for pid in members if pid != os.getpid()), signal.SIGKILL)
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(_PASS)
        else:
            return


def _text(path: Path) -> str:
    """The content of a file of the kernel; empty when it cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""
