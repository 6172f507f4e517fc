"""The object database: one small interface, served by libgit2 in long runs and by the git command
everywhere else.

This is the one user of pygit2. libgit2 is only asked for objects by ID in repositories it is known
to read right (SHA-1, ref files, no promisor remote); importing it costs as much as fifty git calls,
so short commands do without.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from git_orch import checkpoints, errors
from git_orch.repo import sync
from git_orch.repo.objects import raw
from git_orch.repo.objects.catfile import CommandObjects, Found, MissingObject
from git_orch.repo.objects.raw import CommitObject, Entry

if TYPE_CHECKING:
    from pygit2 import Repository as LibraryRepository

    from git_orch.repo.repository import Repository

__all__ = [
    "Found",
    "MissingObject",
    "Objects",
    "Written",
    "commit",
    "opened",
    "tree",
    "write_commit",
    "write_tree",
]


class Objects(Protocol):
    """Objects by ID. Two implementations pass the same contract tests."""

    oid_length: int

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        ...

    def write(self, kind: str, data: bytes) -> str:
        """Store an object; gives its ID."""
        ...

    def another(self) -> Objects:
        """A second handle, for another thread."""
        ...

    def close(self) -> None:
        """Give back what is held open."""
        ...


class LibraryObjects:
    """Objects written through libgit2, where a warm write costs microseconds, and read through git.

    libgit2 (1.9) reads a loose object that a power cut has truncated for ever, and no signal ends
    that.
    """

    def __init__(self, library: LibraryRepository, reader: CommandObjects) -> None:
        self._library = library
        self._reader = reader
        self.oid_length = reader.oid_length

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        return self._reader.read_many(oids)

    def write(self, kind: str, data: bytes) -> str:
        """Store an object, synced to disk; gives its ID. Raises UnfitRepository when the disk
        refuses.
        """
        import pygit2

        try:
            with checkpoints.around("write object", kind):
                return str(self._library.write(pygit2.enums.ObjectType[kind.upper()], data))
        except (OSError, pygit2.GitError) as failed:
            raise errors.UnfitRepository(
                f"cannot write an object: {failed}", "df -h . && git fsck"
            ) from failed

    def another(self) -> LibraryObjects:
        """A second handle: libgit2's are not for two threads."""
        import pygit2

        return LibraryObjects(pygit2.Repository(self._library.path), self._reader.another())

    def close(self) -> None:
        """Give back file descriptors, maps and the reading process."""
        self._library.free()
        self._reader.close()


class Written:
    """Objects that nothing holds yet, with the bytes of each: `git gc --prune=now` of somebody else
    may take them.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._kinds: dict[str, tuple[str, bytes]] = {}
        self.oid_length = objects.oid_length

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for a missing one."""
        return self._objects.read_many(oids)

    def write(self, kind: str, data: bytes) -> str:
        """Store an object and remember it; gives its ID."""
        oid = self._objects.write(kind, data)
        self._kinds[oid] = (kind, data)
        return oid

    def another(self) -> Objects:
        """A second handle, which remembers nothing."""
        return self._objects.another()

    def close(self) -> None:
        """Give back what is held open."""
        self._objects.close()

    def restore(self) -> None:
        """Store again what is gone."""
        for oid, found in zip(self._kinds, self.read_many(list(self._kinds)), strict=True):
            if found is None:
                self._objects.write(*self._kinds[oid])

    def forget(self) -> None:
        """A ref holds all of it now."""
        self._kinds.clear()


def opened(repository: Repository, *, warm: bool) -> Objects:
    """The object database. With `warm`, many writes are coming and libgit2 is worth its start-up,
    if it fits.
    """
    if warm and _library_fits(repository):
        found = _library(repository)
        if found is not None:
            return found
    return CommandObjects(repository)


def _library_fits(repository: Repository) -> bool:
    """Whether libgit2 reads this repository right: extensions and promisor remotes are what it gets
    wrong.
    """
    if repository.object_format != "sha1":
        return False
    listed = repository.git.run(
        "config", "-z", "--get-regexp", r"^(extensions|remote)\.", expect=(0, 1)
    )
    for item in listed.decode("utf-8", "replace").split("\0"):
        name = item.partition("\n")[0].lower()
        if name == "extensions.worktreeconfig" or not name:
            continue
        if name.startswith("extensions.") or name.endswith((".promisor", ".partialclonefilter")):
            return False
    return True


def _library(repository: Repository) -> LibraryObjects | None:
    import pygit2

    # libgit2 does not read core.fsync, and syncs nothing by itself.
    pygit2.settings.enable_fsync_gitdir(sync.is_on())
    pygit2.settings.enable_caching(
        False
    )  # its cache still has what `git gc` of somebody else has taken
    try:
        return LibraryObjects(
            pygit2.Repository(str(repository.common_dir)), CommandObjects(repository)
        )
    except pygit2.GitError:
        return None  # an extension or an owner that libgit2 does not accept; git itself did


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
