"""The programs of this machine, so that a plan names commands that exist.

Only programs outside the repository are looked at, and run for their version from the root
directory with an environment of their own: `cargo --version` in a repository runs what its
rust-toolchain.toml names.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints
from git_orch.plans import document as documents
from git_orch.plans import sentences
from git_orch.sandbox import private
from git_orch.sandbox.process import command as process
from git_orch.sandbox.process import limits, programs
from git_orch.sandbox.walls import environment

if TYPE_CHECKING:
    from collections.abc import Sequence

CACHE_NAME = "capabilities.json"
_FORMAT = 1
_PROBE_SECONDS = 2.0
_ALL_PROBES_SECONDS = 2.8  # the whole discovery takes less than three seconds
_PROBE_OUTPUT = 64 * 1024  # bytes

# Commands with the arguments that print their version.
COMMANDS: dict[str, tuple[str, ...]] = {
    "bash": ("--version",),
    "bun": ("--version",),
    "cargo": ("--version",),
    "clang": ("--version",),
    "cmake": ("--version",),
    "curl": ("--version",),
    "deno": ("--version",),
    "docker": ("--version",),
    "g++": ("--version",),
    "gcc": ("--version",),
    "git": ("--version",),
    "go": ("version",),
    "gradle": ("--version",),
    "java": ("-version",),
    "jq": ("--version",),
    "make": ("--version",),
    "mvn": ("--version",),
    "node": ("--version",),
    "npm": ("--version",),
    "php": ("--version",),
    "pip": ("--version",),
    "pnpm": ("--version",),
    "pytest": ("--version",),
    "python": ("--version",),
    "python3": ("--version",),
    "rg": ("--version",),
    "ruby": ("--version",),
    "ruff": ("--version",),
    "rustc": ("--version",),
    "uv": ("--version",),
    "yarn": ("--version",),
}
_LANGUAGES = {
    "Go": ("go",),
    "Python": ("python3", "python"),
    "Node": ("node",),
    "Rust": ("rustc",),
    "Java": ("java",),
    "Ruby": ("ruby",),
    "PHP": ("php",),
    "C": ("gcc", "clang"),
}
_VERSION = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """One command; `version` is None when it did not tell one in time."""

    name: str
    available: bool
    path: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The machine as a planner needs it; `os` and `arch` are what uname says."""

    commands: tuple[CommandInfo, ...]
    languages: tuple[str, ...]
    os: str
    arch: str
    pwd: str

    def document(self) -> dict[str, object]:
        """JSON-ready values."""
        return {
            "os": self.os,
            "arch": self.arch,
            "pwd": self.pwd,
            "languages": list(self.languages),
            "commands": [
                {
                    "name": info.name,
                    "available": info.available,
                    "path": info.path,
                    "version": info.version,
                }
                for info in self.commands
            ],
        }


class Loaded(NamedTuple):
    """Capabilities, and what was wrong with their cache; both are usable."""

    capabilities: Capabilities
    warning: str | None


class _Place(NamedTuple):
    """Where a program is and which file it is: a replaced program has another device, inode or
    time.
    """

    path: str
    device: int
    inode: int
    modified_ns: int


def discover(path: str, pwd: Path, excluded: Path | None) -> Capabilities:
    """Look for the commands in COMMANDS on `path` and ask them for their versions; nothing inside
    `excluded` counts or runs.
    """
    return _capabilities(_probe(_places(COMMANDS, path, excluded), path, excluded), pwd)


def find_present(path: str, pwd: Path, excluded: Path | None) -> Capabilities:
    """Look for the commands in COMMANDS without their versions: it runs nothing and takes a
    millisecond.
    """
    places = _places(COMMANDS, path, excluded)
    commands = (
        CommandInfo(name, available=place is not None, path=place and place.path)
        for name, place in places.items()
    )
    return _capabilities(tuple(commands), pwd)


def with_programs(present: Capabilities, directories: Sequence[str]) -> Capabilities:
    """The machine as a command sees it for which these directories come first on PATH; nothing is
    run for its version.
    """
    path = os.pathsep.join(directories)
    commands = tuple(
        CommandInfo(info.name, available=True, path=program)
        if (program := environment.program(info.name, path)) is not None
        else info
        for info in present.commands
    )
    return _capabilities(commands, Path(present.pwd))


def find_command(name: str, path: str, excluded: Path | None) -> CommandInfo:
    """One command, also one that is not in COMMANDS; a missing one is unavailable, never an error."""
    if os.sep in name or not name:
        return CommandInfo(name, available=False)
    return _probe(_places([name], path, excluded), path, excluded)[0]


def load_or_discover(
    cache_dir: Path, path: str, pwd: Path, excluded: Path | None, *, refresh: bool = False
) -> Loaded:
    """Capabilities from the cache while PATH and the programs' files are the same; else discover
    and cache them.
    """
    file = cache_dir / CACHE_NAME
    places = _places(COMMANDS, path, excluded)
    warning = None
    if not refresh:
        try:
            cached = _load(file, path, places)
        except (documents.BadDocument, OSError) as error:
            cached, warning = (
                None,
                f"the cache {sentences.quoted(file)} was unusable; made again: {error}",
            )
        if cached is not None:
            return Loaded(_capabilities(cached, pwd), None)
    commands = _probe(places, path, excluded)
    try:
        _save(file, path, places, commands)
    except OSError as error:
        warning = f"the cache {sentences.quoted(file)} could not be written: {error}"
    return Loaded(_capabilities(commands, pwd), warning)


def _capabilities(commands: tuple[CommandInfo, ...], pwd: Path) -> Capabilities:
    available = {info.name for info in commands if info.available}
    machine = os.uname()
    return Capabilities(
        commands=commands,
        languages=tuple(
            name for name, programs in _LANGUAGES.items() if not available.isdisjoint(programs)
        ),
        os=machine.sysname,
        arch=machine.machine,
        pwd=os.path.realpath(pwd),
    )


# -- finding ---------------------------------------------------------------------------------------


def _places(
    names: dict[str, tuple[str, ...]] | list[str], path: str, excluded: Path | None
) -> dict[str, _Place | None]:
    directories = environment.outside(programs.host_path(path), excluded)
    return {name: _place(name, directories, excluded) for name in names}


def _place(name: str, directories: list[str], excluded: Path | None) -> _Place | None:
    """The first program of that name that is not the repository's own and that not everybody may
    replace.
    """
    for directory in directories:
        candidate = f"{directory}/{name}"
        try:
            status = os.stat(candidate)
        except OSError:
            continue
        runs = stat.S_ISREG(status.st_mode) and os.access(candidate, os.X_OK)
        if (
            not runs
            or status.st_mode & stat.S_IWOTH
            or (excluded and environment.inside(candidate, excluded))
        ):
            continue
        return _Place(candidate, status.st_dev, status.st_ino, status.st_mtime_ns)
    return None


# -- asking for versions ---------------------------------------------------------------------------


def _probe(
    places: dict[str, _Place | None], path: str, excluded: Path | None
) -> tuple[CommandInfo, ...]:
    import threading  # with the pool, not needed while the cache is good
    from concurrent import futures

    stop = threading.Event()
    source = {"PATH": os.pathsep.join(environment.outside(programs.host_path(path), excluded))}
    # Rustup and others look for their programs in the home directory.
    home = environment.home(os.environ) or Path("/nonexistent")
    variables = environment.command_environment(
        source, home=home, worktree=excluded or Path(os.devnull)
    )
    bounds = limits.Bounds(_PROBE_SECONDS, stop=stop, output_limit=_PROBE_OUTPUT, grace=0)
    with futures.ThreadPoolExecutor(max_workers=max(1, len(places))) as pool:
        waiting = {
            name: pool.submit(
                _version, [place.path, *COMMANDS.get(name, ("--version",))], variables, bounds
            )
            for name, place in places.items()
            if place is not None
        }
        try:
            futures.wait(waiting.values(), timeout=_ALL_PROBES_SECONDS)
        finally:  # leaving the pool waits for its threads, also after Ctrl-C
            stop.set()
        versions = {name: version.result() for name, version in waiting.items()}
    return tuple(
        CommandInfo(
            name, available=place is not None, path=place and place.path, version=versions.get(name)
        )
        for name, place in places.items()
    )


def _version(argv: list[str], variables: dict[str, str], bounds: limits.Bounds) -> str | None:
    try:
        outcome = process.run(argv, env=variables, cwd=Path("/"), bounds=bounds)
    except OSError:
        # Not a program of this machine: a broken interpreter line, another architecture.
        return None
    match = _VERSION.search(outcome.output.decode("utf-8", "replace"))
    return match[0] if match is not None else None


# -- cache -----------------------------------------------------------------------------------------


def _save(
    file: Path, path: str, places: dict[str, _Place | None], commands: tuple[CommandInfo, ...]
) -> None:
    document = {
        "format": _FORMAT,
        "path": path,
        "commands": {
            info.name: {"place": places[info.name], "version": info.version} for info in commands
        },
    }
    private.make_directory(file.parent)
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.write_text(json.dumps(document, indent=1), "utf-8")
    with checkpoints.around("write file", file):
        beside.replace(file)


def _load(
    file: Path, path: str, places: dict[str, _Place | None]
) -> tuple[CommandInfo, ...] | None:
    """The commands in the cache; None when there is no cache or another machine state. Raises
    BadDocument, OSError.
    """
    try:
        fields = documents.parse(file.read_bytes(), "cache")
    except FileNotFoundError:
        return None
    if fields.get("format") != _FORMAT or fields.get("path") != path:
        return None
    entries = documents.mapping(fields.get("commands"), "commands")
    if entries.keys() != places.keys():
        return None
    commands = []
    for name, place in places.items():
        entry = documents.mapping(entries[name], name)
        if entry.get("place") != (list(place) if place is not None else None):
            return None
        version = documents.optional_text(entry, "version")
        commands.append(
            CommandInfo(
                name, available=place is not None, path=place and place.path, version=version
            )
        )
    return tuple(commands)
