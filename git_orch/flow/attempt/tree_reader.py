"""The files of a tree in the object database, by their paths: what a check sees of it."""

from __future__ import annotations

from git_orch.plans import paths
from git_orch.plans.needs_review import LARGEST
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Objects
from git_orch.repo.objects.raw import TREE_MODE, Entry
from git_orch.repo.worktree import gitlinks

_SYMLINK = "120000"


class TreeReader:
    """The files of one tree. Directories are read once."""

    def __init__(self, objects: Objects, tree: str) -> None:
        self._objects = objects
        self._tree = tree
        self._entries: dict[str, dict[bytes, Entry]] = {}

    def text(self, path: str) -> str | None:
        """The text of a file; None where there is none, or none of a reasonable size."""
        entry = self._entry(path)
        if entry is None or not entry.mode.startswith("100"):
            return None
        return self._blob(entry.oid)

    def data(self, path: str) -> bytes | None:
        """The bytes of a file; None where there is none, or none of a reasonable size."""
        entry = self._entry(path)
        if entry is None or not entry.mode.startswith("100"):
            return None
        [blob] = self._objects.read_many([entry.oid])
        return blob.data if blob is not None and len(blob.data) <= LARGEST else None

    def gitlink(self, path: str) -> str | None:
        """The commit of a submodule; None for anything else."""
        entry = self._entry(path)
        return entry.oid if entry is not None and entry.mode == gitlinks.MODE else None

    def link(self, path: str) -> str | None:
        """The target of a symbolic link; None for anything else."""
        entry = self._entry(path)
        return self._blob(entry.oid) if entry is not None and entry.mode == _SYMLINK else None

    def _blob(self, oid: str) -> str | None:
        [blob] = self._objects.read_many([oid])
        if blob is None or len(blob.data) > LARGEST:
            return None
        return blob.data.decode("utf-8", "replace")

    def _entry(self, path: str) -> Entry | None:
        names = paths.parts(path)
        tree, entry = self._tree, None
        for at, name in enumerate(names):
            if at and (entry is None or entry.mode != TREE_MODE):
                return None
            tree = entry.oid if entry is not None else tree
            entry = self._directory(tree).get(name.encode("utf-8", "surrogateescape"))
        return entry

    def _directory(self, tree: str) -> dict[bytes, Entry]:
        if tree not in self._entries:
            [stored] = self._objects.read_many([tree])
            entries = odb.tree(self._objects, tree) if stored is not None else []
            self._entries[tree] = {entry.name: entry for entry in entries}
        return self._entries[tree]
