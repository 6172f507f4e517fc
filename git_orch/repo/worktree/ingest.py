"""Objects from a sandbox into the repository, the way git takes them from a remote that nobody
trusts.

A pack is checked in a quarantine (`index-pack --strict`), looked at by the gate, and only then let
in.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.repo import ask, settings
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.objects import packs
from git_orch.repo.objects.catfile import Reader
from git_orch.repo.worktree import enclosed, gate
from git_orch.repo.worktree.enclosed import Enclosure
from git_orch.repo.worktree.gate import Change, Contents, Directory

if TYPE_CHECKING:
    from git_orch.repo.objects.packs import Held
    from git_orch.repo.repository import Repository

_UNSYNCED = ("-c", "core.fsync=none")  # a quarantine does not outlive us
LARGEST_PACK = 1024**3  # bytes
_PATCH_LIMIT = 64 * 1024**2  # bytes of changed files; of more only the names are kept


@dataclass(frozen=True)
class Quarantine:
    """Objects of a snapshot that are not in the repository yet; `git` and `objects` see both."""

    repository: Repository
    directory: Path
    git: Git
    objects: Reader

    def take(self, pack: int) -> None:
        """Check the pack that the descriptor gives, and take it in. Raises GitFailed."""
        if int.from_bytes(os.pread(pack, 4, 8), "big"):  # it has objects
            arguments = (
                "index-pack",
                "--strict",
                "--stdin",
                "--fix-thin",
                f"--max-input-size={LARGEST_PACK}",
            )
            self.git.run(*_UNSYNCED, *arguments, stdin=pack)

    def changes(self, old: str, new: str) -> tuple[Change, ...]:
        """The changes from the commit or tree `old` to the tree `new`. Raises GitFailed, also when
        that is no tree.
        """
        [info] = self.objects.infos([new])
        if info is None or info.kind != "tree":
            kind = info.kind if info is not None else "missing object"
            raise GitFailed("on the worktree", 1, f"fatal: its tree is a {kind}")
        return changes(self.git, old, new)

    def inspect(
        self,
        changes: Sequence[Change],
        between: tuple[str, str],
        secrets: Iterable[str],
        pointers: Mapping[str, str] | None = None,
    ) -> tuple[str, ...]:
        """The changed files that run code; the changes are those `between` two trees. Raises
        GateRefused.
        """
        old, new = between

        def directories(paths: Sequence[str]) -> Mapping[str, Directory]:
            before, after = self._names(old, paths), self._names(new, paths)
            return {path: Directory(before.get(path, {}), after.get(path, {})) for path in paths}

        def known(texts: Sequence[str]) -> frozenset[str]:
            return frozenset(text for text in texts if ask.has_line(self.git, old, text))

        allowed = settings.allowed_secrets(self.repository)
        contents = Contents(self._sizes, self._read, directories, known, allowed)
        return gate.inspect(changes, contents, secrets, pointers)

    def _names(self, tree: str, directories: Sequence[str]) -> dict[str, dict[str, bool]]:
        """The names in directories of a tree, each with whether it is a directory."""
        names: dict[str, dict[str, bool]] = {}
        for directory, entry in ask.directories(self.git, tree, directories):
            names.setdefault(directory, {})[entry.name] = entry.is_directory
        return names

    def _sizes(self, oids: Sequence[str]) -> Mapping[str, int]:
        infos = zip(oids, self.objects.infos(oids), strict=True)
        return {oid: info.size for oid, info in infos if info is not None}

    def _read(self, oids: Sequence[str]) -> Mapping[str, bytes]:
        blobs = zip(oids, self.objects.read_many(oids), strict=True)
        return {oid: blob.data for oid, blob in blobs if blob is not None}

    def patch(self, changes: Sequence[Change], old: str, new: str) -> bytes:
        """The refused change as a patch; of a very large one only what changed."""
        sizes = self._sizes(
            [
                change.oid
                for change in changes
                if change.mode != gate.GITLINK and change.status != "D"
            ]
        )
        form = (
            ("--raw", "--abbrev=40") if sum(sizes.values()) > _PATCH_LIMIT else ("--binary", "-p")
        )
        return self.git.run(
            "diff-tree", "-r", *form, "--no-renames", "--no-ext-diff", "--no-textconv", old, new
        )

    def admit(self) -> Held | None:
        """Let the objects into the repository, as the pack they came in; it stays until it is
        released. None where there is nothing new.
        """
        made = sorted((self.directory / "pack").glob("*.pack"))
        return packs.take_in(self.repository, made[0]) if made else None


@contextlib.contextmanager
def quarantine(repository: Repository, enclosure: Enclosure) -> Iterator[Quarantine]:
    """A place for objects that may turn out to be unwanted; gone afterwards. No sandbox sees it."""
    with enclosure.directory(enclosed.QUARANTINE) as objects:
        (objects / "info").mkdir()
        (objects / "pack").mkdir()
        own = repository.common_dir / "objects"
        (objects / "info" / "alternates").write_bytes(os.fsencode(own) + b"\n")
        variables = {**repository.variables, "GIT_OBJECT_DIRECTORY": str(objects)}
        git = Git(repository.common_dir, None, variables)
        # What is looked at is what is stored, whatever `git replace` shows in its place.
        exact = git._replace(variables={**variables, "GIT_NO_REPLACE_OBJECTS": "1"})
        with contextlib.closing(Reader(exact)) as reader:
            yield Quarantine(repository, objects, git, reader)


def changes(git: Git, old: str, new: str) -> tuple[Change, ...]:
    """The changes from the commit or tree `old` to the tree `new`, as `git` finds it."""
    listed = git.run("diff-tree", "-r", "-z", "--raw", "--abbrev=64", "--no-renames", old, new)
    fields = ask.names(listed)
    return tuple(
        _change(head.split(), path) for head, path in zip(fields[::2], fields[1::2], strict=False)
    )


def _change(words: Sequence[str], path: str) -> Change:
    old_mode, mode, old_oid, oid, status = words
    return Change(status[0], path, mode, oid, old_mode.removeprefix(":"), old_oid)
