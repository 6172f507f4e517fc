"""The files of a tree, from the object database alone: no link is followed, no filter runs, and a
tree that somebody made endless ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from git_orch.repo.objects import raw
from git_orch.repo.objects.objects import Objects
from git_orch.repo.objects.raw import TREE_MODE

_MOST_TREES = 20_000
_DEEPEST = 64
_LARGEST_TREE = 16 << 20  # bytes


class TreeFile(NamedTuple):
    """A file of a tree; bytes of its path that are not UTF-8 are surrogates."""

    path: str
    oid: str
    size: int


class Listing(NamedTuple):
    """The files of a tree; where not `complete`, it has more."""

    files: tuple[TreeFile, ...]
    complete: bool


def listing(objects: Objects, tree: str, most: int) -> Listing:
    """At most so many files of a tree, those that stand high up first; links and submodules are
    none. The size of one that is not here is 0.
    """
    named: list[tuple[str, str]] = []
    level, trees, complete = [("", tree)], 0, True
    for _ in range(_DEEPEST):
        level, cut = level[: _MOST_TREES - trees], len(level) > _MOST_TREES - trees
        complete = complete and not cut
        trees += len(level)
        below: list[tuple[str, str]] = []
        for directory, entries in _read(objects, level):
            for entry in entries:
                path = directory + entry.name.decode("utf-8", "surrogateescape")
                if entry.mode == TREE_MODE:
                    below.append((f"{path}/", entry.oid))
                elif entry.mode.startswith("100"):
                    named.append((path, entry.oid))
        level = below
        if not level or len(named) > most:
            break
    complete = complete and not level and len(named) <= most
    named = named[:most]
    sizes = objects.sizes([oid for _, oid in named])
    files = [TreeFile(path, oid, size or 0) for (path, oid), size in zip(named, sizes, strict=True)]
    return Listing(tuple(files), complete)


def _read(objects: Objects, level: Sequence[tuple[str, str]]) -> list[tuple[str, list[raw.Entry]]]:
    """The entries of these directories; those of a tree that is missing are none."""
    sizes = objects.sizes([oid for _, oid in level])
    fit = [where for where, size in zip(level, sizes, strict=True) if (size or 0) <= _LARGEST_TREE]
    read = objects.read_many([oid for _, oid in fit])
    return [
        (directory, raw.tree_entries(data.data, objects.oid_length))
        for (directory, _), data in zip(fit, read, strict=True)
        if data is not None and data.kind == "tree"
    ]


def texts(objects: Objects, files: Sequence[TreeFile], largest: int) -> dict[str, str]:
    """The texts of those of the files that have at most so many bytes, by their paths; binary ones
    and those that are not here have none.
    """
    fit = [file for file in files if 0 < file.size <= largest]
    read = objects.read_many([file.oid for file in fit])
    return {
        file.path: blob.data.decode("utf-8", "replace")
        for file, blob in zip(fit, read, strict=True)
        if blob is not None and b"\0" not in blob.data[:8000]
    }
