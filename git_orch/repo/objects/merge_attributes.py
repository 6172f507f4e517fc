"""The attributes of the tree in a merge without a work tree, such as `merge=union`.

git takes them from the files of the work tree, and knows only from 2.41 on how to take them from a
tree. A directory that has nothing but the `.gitattributes` of our side serves every git.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from git_orch.repo import settings
from git_orch.repo.git import Git
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw

if TYPE_CHECKING:
    from git_orch.repo.objects.objects import Objects
    from git_orch.repo.repository import Repository

_NAME = b".gitattributes"
_MOST_DIRECTORIES = 20_000  # a tree may be in very many places
_LONGEST_PATH = 2000  # bytes
_DEEPEST = 100  # directories inside each other
_FILES = ("100644", "100755")  # git follows no link here


@contextlib.contextmanager
def git(
    repository: Repository, objects: Objects, base: str, ours: str, theirs: str
) -> Iterator[Git]:
    """The git for a merge of these trees. It starts no driver; one of the user's own that only keeps
    our side (`true`) counts, any other one reports a conflict.
    """
    drivers = _drivers(repository)
    files = dict(_files(objects, base, ours, theirs))
    if not files:
        yield Git(repository.common_dir, None, repository.variables, drivers)
        return
    with tempfile.TemporaryDirectory(prefix="git-orch-") as top:
        for directory, data in files.items():
            os.makedirs(os.path.join(os.fsencode(top), directory), exist_ok=True)
            with open(os.path.join(os.fsencode(top), directory, _NAME), "xb") as file:
                file.write(data)
        yield Git(repository.common_dir, top, repository.variables, drivers)


def _drivers(repository: Repository) -> tuple[str, ...]:
    """The settings of drivers that do not count in a merge."""
    own = settings.of_own_scopes(repository, "merge.")
    return tuple(name for name in repository.drivers if own.get(name.lower(), [""])[-1] != "true")


class _Place(NamedTuple):
    """A directory, and the trees that it is in the base and on the sides; None where it is not."""

    path: bytes
    base: str | None
    ours: str | None
    theirs: str | None


def _files(objects: Objects, base: str, ours: str, theirs: str) -> Iterator[tuple[bytes, bytes]]:
    """The attributes of our side by their directories: of those that a side has changed, and of all
    above them.
    """
    waiting = deque([_Place(b"", base, ours, theirs)])
    for _ in range(_MOST_DIRECTORIES):
        if not waiting:
            return
        place = waiting.popleft()
        trees = [_entries(objects, oid) for oid in place[1:]]
        attributes = trees[1].get(_NAME)
        if attributes is not None and attributes.mode in _FILES:
            yield place.path, odb.read(objects, attributes.oid, "blob")
        for name in trees[1].keys() | trees[2].keys():
            inner = [_directory(tree.get(name)) for tree in trees]
            path = b"/".join(part for part in (place.path, name) if part)
            if inner[1] is None or inner[0] == inner[1] == inner[2] or not _is_plain(name, path):
                continue
            waiting.append(_Place(path, *inner))


def _is_plain(name: bytes, path: bytes) -> bool:
    """Whether a name of a tree, which anybody may have written, leads just below its directory."""
    return name not in (b"", b".", b"..") and b"/" not in name and _is_short(path)


def _is_short(path: bytes) -> bool:
    return len(path) < _LONGEST_PATH and path.count(b"/") < _DEEPEST


def _entries(objects: Objects, oid: str | None) -> dict[bytes, raw.Entry]:
    return {entry.name: entry for entry in odb.tree(objects, oid)} if oid is not None else {}


def _directory(entry: raw.Entry | None) -> str | None:
    return entry.oid if entry is not None and entry.mode == raw.TREE_MODE else None
