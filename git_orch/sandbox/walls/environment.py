"""The environment of commands, built from nothing: no key, no token, no variable that makes git or
a pager wait.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Of the variables that name an environment, what lies in one.
ENVIRONMENTS = {"VIRTUAL_ENV": "pyvenv.cfg", "CONDA_PREFIX": "conda-meta"}
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

# By name: a pattern such as LC_* would let through whatever somebody hid behind that prefix.
_COPIED = (
    "USER", "LOGNAME", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_ADDRESS", "LC_COLLATE", "LC_CTYPE",
    "LC_IDENTIFICATION", "LC_MEASUREMENT", "LC_MESSAGES", "LC_MONETARY", "LC_NAME", "LC_NUMERIC",
    "LC_PAPER", "LC_TELEPHONE", "LC_TIME",
)  # fmt: skip

_FIXED = {
    "TERM": "dumb",
    "CI": "1",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "PIP_PROGRESS_BAR": "off",
    "TQDM_DISABLE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


# Tools that fetch packages work from their caches then, and what is in none ends at once, not after
# minutes of retries. pip has no such switch that leaves an index on the loopback to a test.
_OFFLINE = {
    "npm_config_offline": "true",  # npm, npx and pnpm
    "YARN_ENABLE_NETWORK": "0",
    "COREPACK_ENABLE_NETWORK": "0",
    "PIP_RETRIES": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_OFFLINE": "1",
    "CONDA_OFFLINE": "true",
    "CARGO_NET_OFFLINE": "true",
    "GOPROXY": "off",
    "MAVEN_ARGS": "--offline",
    "COMPOSER_DISABLE_NETWORK": "1",
    "HF_HUB_OFFLINE": "1",
}


def command_environment(
    source: Mapping[str, str],
    *,
    home: Path,
    worktree: Path,
    checkout: Path | None = None,
    extra: Iterable[str] = (),
    offline: bool = False,
) -> dict[str, str]:
    """Names and values for a command that works in `worktree`, which stands at `checkout`;
    `offline` is for one without the network.

    From `source` come only variables that cannot hold a secret, and the names in `extra`, which the
    user has listed.
    """
    copied = {name: source[name] for name in (*_COPIED, *extra) if name in source}
    temporary, places = source.get("TMPDIR", ""), (worktree, checkout)
    own = {name.lower() for name in copied}  # npm takes its variables in either case
    switches = {name: value for name, value in _OFFLINE.items() if name.lower() not in own}
    return {
        "LANG": "C.UTF-8",
        **(switches if offline else {}),
        **copied,
        **_FIXED,
        "HOME": str(home),
        "PATH": os.pathsep.join(outside(source.get("PATH", ""), *places)) or DEFAULT_PATH,
        "TMPDIR": next(_outside([temporary], places), "/tmp"),  # noqa: S108 - as without TMPDIR
    }


def without_own_programs(
    source: Mapping[str, str], places: Iterable[Path] = ()
) -> Mapping[str, str]:
    """The user's variables. The programs of git-orch's own environment are not on PATH: its `python3`
    would come before theirs. They stay if it is the environment that the user has activated, or lies
    in one of `places`.
    """
    theirs = source.get("VIRTUAL_ENV") == sys.prefix or any(
        inside(sys.prefix, place) for place in places
    )
    if theirs or sys.prefix == sys.base_prefix:
        return source
    own = os.path.realpath(os.path.join(sys.prefix, "bin"))
    path = source.get("PATH", "").split(os.pathsep)
    kept = [entry for entry in path if os.path.realpath(entry) != own]
    return source if kept == path else {**source, "PATH": os.pathsep.join(kept)}


def activated(source: Mapping[str, str]) -> tuple[str, str] | None:
    """The environment of Python or Conda that the user has activated, and the variable that names
    it.
    """
    for name, sign in ENVIRONMENTS.items():
        place = source.get(name, "")
        if os.path.isabs(place) and os.path.exists(os.path.join(place, sign)):
            return name, os.path.normpath(place)
    return None


def outside(path: str, *places: Path | None) -> list[str]:
    """The absolute directories in a PATH that are not inside one of `places`, without repetition:
    no program of a repository.
    """
    return list(_outside_once(path, places))


# Each command of a run asks, and to follow the links of all directories takes milliseconds. Commands
# in the sandbox cannot change what lies outside of the worktree.
@functools.lru_cache
def _outside_once(path: str, places: tuple[Path | None, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_outside(path.split(os.pathsep), places)))


def _outside(directories: list[str], places: tuple[Path | None, ...]) -> Iterator[str]:
    for directory in directories:
        if os.path.isabs(directory) and not any(
            place is not None and inside(directory, place) for place in places
        ):
            yield directory


def inside(path: str, directory: Path) -> bool:
    """Whether `path` lies in `directory`, as it is written or after all links."""
    real = Path(os.path.realpath(directory))
    return Path(os.path.normpath(path)).is_relative_to(directory) or Path(
        os.path.realpath(path)
    ).is_relative_to(real)


def program(name: str, path: str) -> str | None:
    """The absolute path of a program on a PATH of absolute directories."""
    for directory in path.split(os.pathsep):
        candidate = os.path.join(directory, name)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


def home(source: Mapping[str, str]) -> Path | None:
    """The home directory of whoever runs us; None for a user who has none."""
    path = source.get("HOME") or os.path.expanduser("~")
    return Path(path) if os.path.isabs(path) else None
