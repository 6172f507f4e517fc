"""Programs that run on the host: found on PATH, and never in what the repository brings along.

The one finder. An entry of PATH counts when it is absolute and lies below neither the repository
that we are in, nor one of its worktrees, nor the current directory; a program counts when it is no
link to one there. Whoever starts a tool gives it this PATH as well, so that git finds gpg and ssh in
the same places.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

from git_orch.sandbox import trees

_NAMES_WORKTREES = "worktrees"
# Where systems have their programs: whoever works there is not in a directory that came from others.
_SYSTEM = frozenset({
    "/usr", "/usr/local", "/opt", "/opt/homebrew", "/nix", "/nix/store", "/gnu", "/gnu/store", "/snap",
    "/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin",
})  # fmt: skip


def find(name: str, path: str) -> str | None:
    """The absolute path of a program on a PATH; one that is named with a slash has to be absolute,
    and is taken for the user's choice.
    """
    if os.sep in name:
        return name if os.path.isabs(name) else None
    for directory in directories(path):
        candidate = os.path.join(directory, name)
        if (
            os.path.isfile(candidate)
            and os.access(candidate, os.X_OK)
            and not _lies_below(candidate, _own_places())
        ):
            return candidate
    return None


def host_path(path: str) -> str:
    """A PATH without the entries that do not count."""
    return os.pathsep.join(directories(path))


def directories(path: str) -> tuple[str, ...]:
    """The entries of a PATH that count, without repetition."""
    return _directories(path, _own_places())


@functools.lru_cache
def _directories(path: str, places: tuple[str, ...]) -> tuple[str, ...]:
    entries = dict.fromkeys(path.split(os.pathsep))
    return tuple(
        entry for entry in entries if os.path.isabs(entry) and not _lies_below(entry, places)
    )


def _lies_below(path: str, places: tuple[str, ...]) -> bool:
    """Whether a path lies below one of the places, as it is written or after all links."""
    spellings = {os.path.normpath(path), trees.real(path)}
    return any(
        spelling == place or spelling.startswith(place.rstrip(os.sep) + os.sep)
        for spelling in spellings
        for place in places
    )


def _own_places() -> tuple[str, ...]:
    """The places that are not the host's, by where we are now."""
    try:
        here = os.getcwd()
    except FileNotFoundError:
        here = ""
    located = tuple(os.environ.get(name, "") for name in ("GIT_DIR", "GIT_WORK_TREE", "PWD"))
    return _places(here, located, os.path.expanduser("~"))


@functools.lru_cache
def _places(here: str, located: tuple[str, ...], home: str) -> tuple[str, ...]:
    places = dict.fromkeys(_of_repository(here)) if here else {}
    git_dir, work_tree, written = located
    for place in (git_dir, work_tree):
        if place:
            places |= dict.fromkeys(_around(os.path.join(here, place)))
    # The directory that somebody works in; but not all of a home, or of the machine.
    for place in (here, written):
        if os.path.isabs(place) and place not in _SYSTEM and not _lies_below(home, (place,)):
            places[place] = None
    return tuple(dict.fromkeys(spelling for place in places for spelling in _spellings(place)))


def _spellings(place: str) -> tuple[str, str]:
    return os.path.normpath(place), trees.real(place)


def _of_repository(here: str) -> Iterator[str]:
    """The repository that git finds from a directory, as it does: the first one on the way up."""
    while True:
        if os.path.lexists(os.path.join(here, ".git")):
            yield here
            yield from _around(_pointed_to(os.path.join(here, ".git"), b"gitdir:"))
            return
        if all(os.path.exists(os.path.join(here, name)) for name in ("HEAD", "objects", "refs")):
            yield from _around(here)
            return
        above = os.path.dirname(here)
        if above == here:
            return
        here = above


def _around(git_dir: str) -> Iterator[str]:
    """A git directory, the common one, and the worktrees of both."""
    common = _pointed_to(os.path.join(git_dir, "commondir"), b"", git_dir)
    yield git_dir
    yield common
    if os.path.basename(common) == ".git":
        yield os.path.dirname(common)
    try:
        names = os.listdir(os.path.join(common, _NAMES_WORKTREES))
    except OSError:
        return
    for name in names:
        pointer = os.path.join(common, _NAMES_WORKTREES, name, "gitdir")
        place = _pointed_to(pointer, b"")
        if place != pointer:
            yield os.path.dirname(place)


def _pointed_to(file: str, prefix: bytes, otherwise: str | None = None) -> str:
    """The path in a file of git's, after the prefix; `otherwise`, or the file, where there is none."""
    try:
        with open(file, "rb") as opened:
            text = opened.read(8192)
    except OSError:
        return otherwise if otherwise is not None else file
    # As for git, a path ends where a NUL is.
    path = os.fsdecode(text.removeprefix(prefix).partition(b"\0")[0].strip())
    return os.path.normpath(os.path.join(os.path.dirname(file), path))
