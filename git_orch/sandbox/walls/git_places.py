"""The repositories below a directory: every `.git`, and every directory that is a repository without
one, each with what it leads to.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from git_orch import errors
from git_orch.plans import bare, paths, sentences
from git_orch.sandbox import modes, trees
from git_orch.sandbox.trees import Directory
from git_orch.sandbox.walls.view import outermost

Kind = Literal["directory", "file", "link", "bare", "closed"]
Number = tuple[int, int]

MOST = 1_000  # mounts of one command

_LONGEST_POINTER = 64 * 1024  # bytes
_LONGEST_PATH = 4_000  # bytes, below PATH_MAX
_POINTS = b"gitdir:"


class Place(NamedTuple):
    """A `.git`, a directory that is a repository without one, or one that we may not look into.

    `text` is that of a pointer. `leads` are the real paths of what counts as its parts and is
    elsewhere, each with its number.
    """

    kind: Kind
    number: Number
    text: bytes = b""
    leads: tuple[tuple[str, Number | None], ...] = ()

    def is_still(self, now: Place) -> bool:
        """Whether it is the same now. A pointer is what it says: git writes such a file anew."""
        same = self.text == now.text if self.kind == "file" else self.number == now.number
        return same and (self.kind, self.leads) == (now.kind, now.leads)


@dataclass(slots=True)
class Survey:
    """The places below `top`, by their paths seen from there, and the special bits that directories
    have.
    """

    top: Path
    begun: int
    places: dict[str, Place] = field(default_factory=dict)
    bits: dict[Number, int] = field(default_factory=dict)

    def protected(self) -> tuple[Path, ...]:
        """The paths that a command must not write, but for those below others. Raises Refused where
        they cannot be shown read-only.
        """
        for path, place in self.places.items():
            if place.kind == "link":
                raise errors.Refused(
                    f"{sentences.quoted(self.top / path)} "
                    "is a link: commands could change its target",
                    "git orch exec  # in a worktree: without --in-place and --no-git",
                )
        named = dict.fromkeys([*(self.top / path for path in self.places), *self._leads_below()])
        inside = [path for path in named if path != self.top]
        if len(inside) > MOST:
            raise errors.Refused(
                f"{sentences.quoted(self.top)} has {len(inside)} repositories in it: at most "
                f"{MOST} can be protected",
                "run it in a directory with fewer of them",
            )
        deep = [path for path in inside if len(os.fsencode(path)) > _LONGEST_PATH]
        if deep:
            raise errors.Refused(
                f"a repository below {sentences.quoted(self.top)} is too deep to be protected",
                "git clean -n -d",
            )
        return tuple(map(Path, outermost(map(str, inside))))

    def _leads_below(self) -> Iterator[Path]:
        """What places lead to below `top` itself, which may have a link above it."""
        real = trees.real(self.top)
        for place in self.places.values():
            for lead, number in place.leads:
                if number is not None and Path(lead).is_relative_to(real):
                    yield self.top / Path(lead).relative_to(real)


def is_part_of_one(top: Path) -> bool:
    """Whether git, looking upwards, comes to a git directory before it comes to a work tree."""
    for directory in (top, *top.parents):
        if os.path.lexists(directory / ".git"):
            return False
        there = {name for name in bare.NEEDED if os.path.lexists(directory / name)}
        if bare.suffices(there):
            return True
    return False


# -- looking ---------------------------------------------------------------------------------------


def survey(top: Path) -> Survey:
    """All places below a directory. Raises Refused for an unreadable directory."""
    made = Survey(top, time.time_ns())
    try:
        for directory in trees.walk(top, closed=True):
            for path, place in in_directory(top, directory):
                made.places[path] = place
            facts = os.fstat(directory.descriptor)
            if modes.has_special(facts):
                made.bits[trees.number(facts)] = facts.st_mode & modes.SPECIAL
    except OSError as failed:
        raise errors.Refused(
            f"the repositories below {sentences.quoted(top)} cannot be listed: "
            f"{failed.strerror or failed}",
            f"ls -ld {shlex.quote(str(top))}",
        ) from failed
    return made


def in_directory(top: Path, directory: Directory) -> Iterator[tuple[str, Place]]:
    """The places in a directory, and itself if it is one; the walk does not go into them."""
    number = trees.number(os.fstat(directory.descriptor))
    if directory.closed:
        yield directory.path, Place("closed", number)
        return
    if _is_bare(directory):
        directory.inner.clear()
        path = directory.path
        yield path, Place("bare", number, leads=_leads(top / path, "bare"))
        return
    for names, kind in ((directory.inner, "directory"), (directory.others, "file")):
        for name in [name for name in names if is_control_directory(name)]:
            names.remove(name)
            path = f"{directory.path}/{name}" if directory.names else name
            with contextlib.suppress(FileNotFoundError):
                yield path, _place(top / path, name, directory.descriptor, is_file=kind == "file")


def _place(path: Path, name: str, directory: int, *, is_file: bool) -> Place:
    facts = os.stat(name, dir_fd=directory, follow_symlinks=False)
    number = trees.number(facts)
    if stat.S_ISLNK(facts.st_mode):
        return Place("link", number)
    if is_file:
        return Place("file", number, _text(path), _leads(path, "file"))
    return Place("directory", number, leads=_leads(path, "directory"))


def is_control_directory(name: str) -> bool:
    """Whether some file system takes the name for `.git`."""
    # Most names are ASCII and say nothing of git.
    may_be = not name.isascii() or "git" in name.lower()
    return may_be and paths.is_control_directory(name)


def _is_bare(directory: Directory) -> bool:
    """Whether it is a repository without a `.git`, on a file system that may not tell case."""
    if not any(is_head(name) for name in directory.others):
        return False
    names = {name.lower() for name in (*directory.inner, *directory.others)}
    return bare.suffices({name for name in bare.NEEDED if name.lower() in names})


def is_head(name: str) -> bool:
    """Whether a file system may take the name for HEAD."""
    return len(name) == len("HEAD") and name.upper() == "HEAD"


# -- what a place leads to -------------------------------------------------------------------------


def _leads(place: Path, kind: Kind) -> tuple[tuple[str, Number | None], ...]:
    """The real paths of what git takes for parts of the repository and that lies elsewhere: the git
    directory of a pointer, the common one, and what links in these lead to.
    """
    real = trees.real(place)
    directories = [real] if kind != "file" else []
    if kind == "file" and (target := _named(_text(place).removeprefix(_POINTS))):
        directories.append(trees.real(os.path.join(place.parent, target)))
    directories += [
        trees.real(os.path.join(directory, common))
        for directory in directories
        if (common := _named(_text(Path(directory, "commondir"))))
    ]
    links = [link for directory in directories for link in _links(directory)]
    elsewhere = [path for path in dict.fromkeys([*directories, *links]) if path != real]
    return tuple((path, _number(path)) for path in elsewhere)


def _named(text: bytes) -> str:
    """The path that a file of git's names; as for git, it ends where a NUL is."""
    return os.fsdecode(text.partition(b"\0")[0].strip())


def _links(directory: str) -> list[str]:
    """What the links in a git directory lead to, as `git-new-workdir` makes them."""
    try:
        with os.scandir(directory) as entries:
            links = sorted(entry.path for entry in entries if entry.is_symlink())
    except OSError:
        return []
    return [trees.real(link) for link in links if os.path.exists(link)]


def _number(path: str) -> Number | None:
    try:
        return trees.number(os.stat(path, follow_symlinks=False))
    except OSError:
        return None


def _text(path: Path) -> bytes:
    """The text of a small file; b"" for whatever else is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return os.read(descriptor, _LONGEST_POINTER)
    finally:
        os.close(descriptor)
