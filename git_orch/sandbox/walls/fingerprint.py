"""A fingerprint of the machine: the result of a command depends on it besides the files in the
worktree.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import __version__
from git_orch.sandbox.walls.view import TOOLCHAINS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from git_orch.sandbox.walls.launcher import Launcher
    from git_orch.sandbox.walls.view import Share

_POLICY = 2  # to be raised when the same options of a sandbox come to mean something else
# Where installing a package leaves a trace, seen from a directory with programs.
_LIBRARIES = ("lib", "lib/node_modules")
_PYTHON = re.compile(r"python3[0-9.]*")
_PACKAGES = ("site-packages", "dist-packages")
_MOST_MARKED = 5_000  # entries of a directory; the directory's own time tells of more
# A branch or a remote that comes or goes changes no result.
_VOLATILE = re.compile(rb"^\[(?:branch|remote)[^\n]*\n(?:\t[^\n]*\n)*", re.MULTILINE)


class Machine(NamedTuple):
    """The machine as a command sees it. `places` maps directories and files to the time of their
    last change, in nanoseconds; `shares` are stamps of what commands see of the user's dependencies.
    """

    sandbox: str
    system: tuple[str, ...]
    variables: Mapping[str, str]
    configuration: str
    readable: tuple[str, ...]
    places: Mapping[str, int]
    shares: tuple[str, ...] = ()


def of(launcher: Launcher, worktree: Path) -> str:
    """The digest of the machine, equal for all worktrees of a repository. It takes about a
    millisecond.
    """
    view, variables = launcher.view_and_variables(worktree)
    system = os.uname()
    git = _VOLATILE.sub(b"", view.git_config)
    return digest(
        Machine(
            sandbox=f"{launcher.sandbox.name} {_POLICY} {__version__}",
            system=(system.sysname, system.release, system.machine),
            variables=variables,
            configuration=hashlib.sha256(git).hexdigest(),
            readable=tuple(map(str, view.readable)),
            places=_change_times(
                [*_programs(view.path), *(view.home / name for name in TOOLCHAINS), *view.readable]
            ),
            shares=tuple(_stamp(share) for share in view.shares if not share.cache),
        )
    )


def digest(machine: Machine) -> str:
    """SHA-256, in hexadecimal digits."""
    text = json.dumps(machine._asdict(), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _programs(path: str) -> Iterator[Path]:
    """The directories with programs, and those where what they load is installed."""
    for name in path.split(os.pathsep):
        directory = Path(name)
        yield directory
        yield from (directory.parent / inner for inner in _LIBRARIES)
        yield from _packages(directory.parent / "lib")


def _packages(libraries: Path) -> Iterator[Path]:
    try:
        with os.scandir(libraries) as entries:
            interpreters = [Path(entry.path) for entry in entries if _PYTHON.fullmatch(entry.name)]
    except OSError:
        return  # no such directory, or one that cannot be listed
    for interpreter in interpreters:
        yield from (interpreter / name for name in _PACKAGES)


def _change_times(places: Iterable[Path]) -> dict[str, int]:
    """The times of the last change of those places that exist, in nanoseconds."""
    times = {}
    for place in dict.fromkeys(map(str, places)):
        try:
            times[place] = os.stat(place).st_mtime_ns
        except OSError:
            continue  # not there: its absence tells the same
    return times


# -- shares ----------------------------------------------------------------------------------------


def _stamp(share: Share) -> str:
    """What changes when somebody installs something there: the names at the top, with the times and
    numbers of what is there, and those of the directories that an environment has its packages in.
    """
    marks = [share.place, *_marks(share.source)]
    for place in _package_places(share):
        marks += [os.path.relpath(place, share.source), *_marks(place)]
    return hashlib.sha256("\0".join(marks).encode("utf-8", "surrogateescape")).hexdigest()


def _package_places(share: Share) -> Iterator[str]:
    if share.environment:
        yield os.path.join(share.source, "conda-meta")
        yield from map(str, _packages(Path(share.source, "lib")))
    elif os.path.basename(share.place) == "node_modules":
        # A package of a scope is one level lower.
        for name in _names(share.source):
            if name.startswith("@"):
                yield os.path.join(share.source, name)


def _marks(directory: str) -> list[str]:
    marks = []
    for name in [".", *_names(directory)[:_MOST_MARKED]]:
        try:
            facts = os.lstat(os.path.join(directory, name))
        except OSError:
            continue  # gone, or no directory
        marks.append(f"{name} {facts.st_ino} {facts.st_mtime_ns} {facts.st_size}")
    return marks


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []
