"""The paths in which two trees differ, from the object database alone: no program starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from git_orch.repo.objects import raw
from git_orch.repo.objects.objects import Objects
from git_orch.repo.objects.raw import TREE_MODE, Entry

_MOST_TREES = 20_000
_DEEPEST = 64


class Incomplete(Exception):
    """A tree is missing, or there are more than anybody has."""


class _Pair(NamedTuple):
    """A directory of both trees, "" or with a slash at its end, and its trees; None where it is not
    there.
    """

    directory: str
    old: str | None
    new: str | None


def changed_paths(
    objects: Objects, old: str, new: str, is_asked: Callable[[str], bool]
) -> list[str]:
    """The paths of files, links and submodules that differ, sorted. Only directories of which
    `is_asked` is true are looked into. Raises Incomplete.
    """
    paths: list[str] = []
    level = [_Pair("", old, new)] if old != new else []
    trees = 0
    for _ in range(_DEEPEST):
        trees += len(level)
        if trees > _MOST_TREES:
            raise Incomplete
        below: list[_Pair] = []
        for pair, (before, after) in _read(objects, level):
            for name in before.keys() | after.keys():
                was, now = before.get(name), after.get(name)
                if was == now:
                    continue
                path = pair.directory + name.decode("utf-8", "surrogateescape")
                inner = _Pair(f"{path}/", _tree(was), _tree(now))
                if (was is not None and inner.old is None) or (
                    now is not None and inner.new is None
                ):
                    paths.append(path)
                if (inner.old or inner.new) is not None and is_asked(path):
                    below.append(inner)
        level = below
        if not level:
            return sorted(paths)
    raise Incomplete


def _tree(entry: Entry | None) -> str | None:
    return entry.oid if entry is not None and entry.mode == TREE_MODE else None


def _read(
    objects: Objects, level: list[_Pair]
) -> Iterator[tuple[_Pair, tuple[dict[bytes, Entry], dict[bytes, Entry]]]]:
    oids = [oid for pair in level for oid in (pair.old, pair.new) if oid is not None]
    read = dict(zip(oids, objects.read_many(oids), strict=True)) if oids else {}

    def entries(oid: str | None) -> dict[bytes, Entry]:
        if oid is None:
            return {}
        tree = read[oid]
        if tree is None or tree.kind != "tree":
            raise Incomplete
        listed = raw.tree_entries(tree.data, objects.oid_length)
        return {entry.name: entry for entry in listed}

    for pair in level:
        yield pair, (entries(pair.old), entries(pair.new))
