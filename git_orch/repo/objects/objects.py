"""The object database: objects by ID, read through one `git cat-file`, stored in packs that are held
until a ref holds what is in them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from git_orch import checkpoints
from git_orch.repo import sync
from git_orch.repo.objects import packs, raw
from git_orch.repo.objects.catfile import Found, MissingObject, Reader
from git_orch.repo.objects.packs import Held, Object, oid_of
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

_MANY = 8  # packs that are stored before somebody looks whether there are too many


class Objects(Protocol):
    """Objects by ID."""

    oid_length: int

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        ...

    def sizes(self, oids: Sequence[str]) -> list[int | None]:
        """The bytes that each object has, none of it read; None for a missing one."""
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
        self._guard = threading.Lock()
        self._held: list[Held] = []
        self._stored = 0  # packs
        self.oid_length = repository.oid_length

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        return self._reader.read_many(oids)

    def sizes(self, oids: Sequence[str]) -> list[int | None]:
        """The bytes that each object has, none of it read; None for a missing one."""
        return [info.size if info is not None else None for info in self._reader.infos(oids)]

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
        return oid_of(content, self._repository.object_format)

    def store(self, contents: Mapping[str, Object]) -> Held | None:
        """Store objects by their IDs, synced to disk; they stay until what is given is released, or
        until this is closed. Raises UnfitRepository.
        """
        with checkpoints.around("store objects", tuple(what.kind for what in contents.values())):
            if _has_second_ids(self._repository):
                for kind, data in contents.values():
                    command = ("hash-object", "-w", "-t", kind, "--stdin")
                    self._repository.git.run(*sync.options(), *command, stdin=data)
                return None
            held = packs.store(self._repository, contents)
        with self._guard:
            self._held = [*(each for each in self._held if each.holds), held]
        self._stored += 1
        if self._stored % _MANY == 0:
            packs.roll_up(self._repository)
        return held

    def write(self, kind: str, data: bytes) -> str:
        """Store an object, synced to disk; gives its ID. It stays until this is closed. Raises
        UnfitRepository.
        """
        content = Object(kind, data)
        oid = self.oid(content)
        self.store({oid: content})
        return oid

    def flush(self) -> None:
        """Everything is stored already."""

    def close(self) -> None:
        """End the reading process; what no ref holds by now is garbage."""
        self._reader.close()
        with self._guard:
            for held in self._held:
                held.end()
            self._held.clear()
        if self._stored:
            packs.roll_up(self._repository)
            self._stored = 0


def _has_second_ids(repository: Repository) -> bool:
    """Whether objects have an ID of another format as well, which only git writes down."""
    return any(name == "extensions.compatobjectformat" for name, _ in repository.settings)


class Written:
    """Objects that no ref holds yet, in memory: they are stored when a ref is about to move to them,
    and stay until they are forgotten, whatever somebody else collects.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._contents: dict[str, Object] = {}
        self._stored: set[str] = set()
        self._held: list[Held] = []
        self.oid_length = database.oid_length

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        elsewhere = [oid for oid in oids if oid not in self._contents]
        read = iter(self._database.read_many(elsewhere) if elsewhere else ())
        return [
            Found(*self._contents[oid]) if oid in self._contents else next(read) for oid in oids
        ]

    def sizes(self, oids: Sequence[str]) -> list[int | None]:
        """The bytes that each object has, none of it read; None for a missing one."""
        elsewhere = [oid for oid in oids if oid not in self._contents]
        known = iter(self._database.sizes(elsewhere) if elsewhere else ())
        return [
            len(self._contents[oid].data) if oid in self._contents else next(known) for oid in oids
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

    def forget(self) -> None:
        """A ref holds all of it now."""
        self._contents.clear()
        self._stored.clear()
        for held in self._held:
            held.release()
        self._held.clear()

    def _unstored(self) -> dict[str, Object]:
        return {oid: what for oid, what in self._contents.items() if oid not in self._stored}


def store(written: Iterable[Written]) -> None:
    """Store what is only in memory of several, with one sync for all of them."""
    waiting = list(written)
    contents: dict[str, Object] = {}
    for each in waiting:
        contents |= each._unstored()  # noqa: SLF001 - of this class
    held = waiting[0]._database.store(contents) if contents else None  # noqa: SLF001
    for each in waiting:
        each._stored.update(each._contents)  # noqa: SLF001
        if held is not None:
            each._held.append(held.share())  # noqa: SLF001
    if held is not None:
        held.release()


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
