"""The object database: objects by ID, read through one `git cat-file`, stored as loose objects with
one sync for as many as there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from git_orch import checkpoints
from git_orch.repo import sync
from git_orch.repo.objects import loose, raw
from git_orch.repo.objects.catfile import Found, MissingObject, Reader
from git_orch.repo.objects.loose import Object
from git_orch.repo.objects.raw import CommitObject, Entry

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

__all__ = [
    "Database",
    "Found",
    "MissingObject",
    "Object",
    "Objects",
    "Written",
    "commit",
    "opened",
    "tree",
    "write_commit",
    "write_tree",
]


class Objects(Protocol):
    """Objects by ID."""

    oid_length: int

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        ...

    def write(self, kind: str, data: bytes) -> str:
        """Take an object in; gives its ID."""
        ...

    def flush(self) -> None:
        """Store what is only in memory: a git process is about to read it."""
        ...


class Database:
    """The objects of a repository, for any thread."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._reader = Reader(repository.git)
        self.oid_length = repository.oid_length

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        return self._reader.read_many(oids)

    def present(self, oids: Sequence[str]) -> list[bool]:
        """Whether each object is there."""
        return self._reader.present(oids)

    def ref(self, name: str) -> str | None:
        """The object that the ref of this full name has now. Where there is no such ref, it may be
        what another one has: `refs.value` is sure of it.
        """
        return self._reader.ref(name)

    def oid(self, content: Object) -> str:
        """The ID that an object has here."""
        return loose.oid(content, self._repository.object_format)

    def store(self, contents: Mapping[str, Object]) -> None:
        """Store objects by their IDs, synced to disk. Raises UnfitRepository."""
        if not contents:
            return
        with checkpoints.around("store objects", tuple(what.kind for what in contents.values())):
            if _is_plain(self._repository):
                loose.store(self._repository.common_dir / "objects", contents)
                return
            for kind, data in contents.values():
                command = ("hash-object", "-w", "-t", kind, "--stdin")
                self._repository.git.run(*sync.options(), *command, stdin=data)

    def write(self, kind: str, data: bytes) -> str:
        """Store an object, synced to disk; gives its ID. Raises UnfitRepository."""
        content = Object(kind, data)
        oid = self.oid(content)
        self.store({oid: content})
        return oid

    def flush(self) -> None:
        """Everything is stored already."""

    def close(self) -> None:
        """End the reading process."""
        self._reader.close()


def _is_plain(repository: Repository) -> bool:
    """Whether loose objects need nothing but their bytes: no permissions for a group, no second ID."""
    for name, value in repository.settings:
        if name == "core.sharedrepository" and value not in ("", "false", "umask", "0"):
            return False
        if name == "extensions.compatobjectformat":
            return False
    return True


class Written:
    """Objects that no ref holds yet, in memory: they are stored when a ref is about to move to them.

    Until a ref holds them, `git gc --prune=now` of somebody else may take them: `restore` stores
    them again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._contents: dict[str, Object] = {}
        self._stored: set[str] = set()
        self.oid_length = database.oid_length

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        elsewhere = [oid for oid in oids if oid not in self._contents]
        read = iter(self._database.read_many(elsewhere) if elsewhere else ())
        return [
            Found(*self._contents[oid]) if oid in self._contents else next(read) for oid in oids
        ]

    def write(self, kind: str, data: bytes) -> str:
        """Take an object in; gives its ID."""
        content = Object(kind, data)
        oid = self._database.oid(content)
        self._contents.setdefault(oid, content)
        return oid

    def oid(self, content: Object) -> str:
        """The ID that an object has here."""
        return self._database.oid(content)

    def flush(self) -> None:
        """Store what is only in memory, with one sync."""
        store([self])

    def restore(self) -> None:
        """Store again what is gone."""
        oids = list(self._contents)
        present = self._database.present(oids) if oids else []
        self._stored = {oid for oid, there in zip(oids, present, strict=True) if there}
        self.flush()

    def forget(self) -> None:
        """A ref holds all of it now."""
        self._contents.clear()
        self._stored.clear()

    def _unstored(self) -> dict[str, Object]:
        return {oid: what for oid, what in self._contents.items() if oid not in self._stored}


def store(written: Iterable[Written]) -> None:
    """Store what is only in memory of several, with one sync for all of them."""
    waiting = list(written)
    contents: dict[str, Object] = {}
    for each in waiting:
        contents |= each._unstored()  # noqa: SLF001 - of this class
    if contents:
        waiting[0]._database.store(contents)  # noqa: SLF001
    for each in waiting:
        each._stored.update(each._contents)  # noqa: SLF001


def opened(repository: Repository) -> Database:
    """The object database. Its process starts when something is read."""
    return Database(repository)


# -- what is built from the interface --------------------------------------------------------------


def read(objects: Objects, oid: str, kind: str) -> bytes:
    """The bytes of one object of that kind. Raises MissingObject."""
    found = objects.read_many([oid])[0]
    if found is None or found.kind != kind:
        raise MissingObject(oid)
    return found.data


def commit(objects: Objects, oid: str) -> CommitObject:
    """A commit. Raises MissingObject."""
    return raw.commit_object(read(objects, oid, "commit"))


def tree(objects: Objects, oid: str) -> list[Entry]:
    """The entries of a tree. Raises MissingObject."""
    return raw.tree_entries(read(objects, oid, "tree"), objects.oid_length)


def write_tree(objects: Objects, entries: Iterable[Entry]) -> str:
    """Store a tree; gives its ID."""
    return objects.write("tree", raw.tree_bytes(entries))


def write_commit(objects: Objects, fields: CommitObject) -> str:
    """Store a commit; gives its ID."""
    return objects.write("commit", raw.commit_bytes(fields))
