"""Object directories that a repository borrows from, as `objects/info/alternates` names them.

That file is the repository's, and names any directory: the sandbox shows only what is an object
directory and nothing else.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import scopes
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 5  # git follows no more
# Where no repository of the user's is.
_SYSTEM = ("/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/var/run")
# What git, libgit2 and JGit leave in an object directory, and in those that it has.
_TEMPORARY = r"\.?tmp[-_].*|noz\d+\.tmp"
_FILES = re.compile(rf"(?:maintenance|schedule)\.lock|loose-object-idx|{_TEMPORARY}")
_LOOSE = re.compile(rf"[0-9a-f]{{38}}(?:[0-9a-f]{{24}})?|{_TEMPORARY}")
_PACKS = re.compile(rf"(?:pack|loose|prefetch|old)[-_].*|multi-pack-index.*|{_TEMPORARY}")
_INFO = re.compile(rf"alternates|http-alternates|packs|commit-graphs?|.*\.lock|{_TEMPORARY}")
_TWO_DIGITS = re.compile(r"[0-9a-f]{2}")
_QUARANTINE = re.compile(r"(?:tmp_objdir-|incoming-).*")
_ESCAPE = re.compile(rb"\\([abfnrtv\"\\]|[0-3][0-7]{2})")
_ESCAPED = dict(zip(b'abfnrtv"\\', b'\a\b\f\n\r\t\v"\\', strict=True))


def stores(objects: Path, home: Path | None) -> tuple[Path, ...]:
    """The object directories that this one borrows from, and those that these do.

    Raises Refused where a directory is named that is none, or lies where no repository does.
    """
    places: dict[Path, None] = {}
    waiting = [(objects, 0)]
    while waiting:
        store, depth = waiting.pop()
        for path in _named(store, depth):
            if path in places or not os.path.isdir(path):
                continue
            _refuse_other(path, store, objects, home)
            places[path] = None
            if depth < _DEEPEST:
                waiting.append((path, depth + 1))
    return tuple(places)


def _named(store: Path, depth: int) -> Iterator[Path]:
    """The directories that a store names, as git reads them."""
    listed = scopes.contents(str(store / "info" / "alternates")) or b""
    for line in listed.split(b"\n"):
        if not line or line.startswith(b"#"):
            continue
        name = os.fsdecode(_unquoted(line) if line.startswith(b'"') else line)
        if os.path.isabs(name):
            yield Path(os.path.normpath(name))
        elif depth == 0:  # git ignores others
            yield Path(os.path.normpath(os.path.join(os.path.realpath(store), name)))


def _unquoted(line: bytes) -> bytes:
    """A name in double quotes, with the escapes of C."""

    def meant(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([_ESCAPED[code[0]] if len(code) == 1 else int(code, 8)])

    return _ESCAPE.sub(meant, line[1:].rpartition(b'"')[0])


def _refuse_other(path: Path, store: Path, objects: Path, home: Path | None) -> None:
    real = Path(os.path.realpath(path))
    if not is_private(real, home) and is_object_directory(real):
        return
    file = store / "info" / "alternates"
    own = str(objects / "info" / "alternates")
    move = shlex.join(("mv", own, trees.free_name(f"{own}.aside")))
    raise errors.Refused(
        f"{sentences.quoted(file)} names {sentences.quoted(path)}, "
        "which is no object directory that commands may see",
        f"git repack -a && {move}  # the repository has all objects itself then",
    )


def is_private(real: Path, home: Path | None) -> bool:
    """Whether a path is where the system or the user's programs keep their own."""
    if any(real.is_relative_to(directory) for directory in _SYSTEM):
        return True
    homes = {Path(os.path.realpath(place)) for place in (home, os.path.expanduser("~")) if place}
    for own in homes:
        if own.is_relative_to(real):
            return True
        if real.is_relative_to(own) and real.relative_to(own).parts[0].startswith("."):
            return True
    return False


def is_object_directory(real: Path) -> bool:
    """Whether a directory has nothing in it but what git puts there."""
    try:
        with os.scandir(real) as entries:
            return all(
                _is_of_objects(entry)
                if entry.is_dir(follow_symlinks=False)
                else _FILES.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                for entry in entries
            )
    except OSError:
        return False


def _is_of_objects(directory: os.DirEntry[str]) -> bool:
    """Whether a directory is one that an object directory has, and so is all that is in it."""
    return bool(_QUARANTINE.fullmatch(directory.name)) or is_in_object_directory(
        directory.name, Path(directory.path)
    )


def is_in_object_directory(name: str, directory: Path) -> bool:
    """Whether a directory has nothing in it but what git puts below this name of its objects."""
    inner = {"info": _INFO, "pack": _PACKS}.get(name)
    if inner is None and _TWO_DIGITS.fullmatch(name):
        inner = _LOOSE
    try:
        return inner is not None and all(map(inner.fullmatch, os.listdir(directory)))
    except OSError:
        return False
