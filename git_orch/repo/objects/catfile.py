"""Objects through the git command: one long `cat-file` process for reading, one short process per
write.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints, errors
from git_orch.repo import sync
from git_orch.sandbox.process import tools

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

_CHUNK = (
    400  # requests in flight: 50 to 74 bytes each, so that they always fit into a pipe of 64 KiB
)


class MissingObject(errors.OrchError):
    """The repository lacks an object that something names."""

    exit_code = 128

    def __init__(self, oid: str) -> None:
        super().__init__(f"object '{oid[:12]}' is missing", "git fsck")
        self.oid = oid


class Found(NamedTuple):
    """An object: its type (blob, tree, commit, tag) and its bytes."""

    kind: str
    data: bytes


class CommandObjects:
    """Objects through git itself: works in every repository that git opens."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._git = repository.git
        self.oid_length = repository.oid_length

    @cached_property
    def _session(self) -> tools.Session:
        return tools.Session(
            self._git.argv("cat-file", "--batch-command", "--buffer"), env=self._git.variables
        )

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for one that is missing or cannot be read."""
        try:
            return self._asked(oids)
        except (
            EOFError
        ):  # a terminal's Ctrl-C ends it, too; what is written down after that needs another
            self._begin_again()
        if len(oids) > 1:
            return [found for oid in oids for found in self.read_many([oid])]
        try:
            return self._asked(oids)
        except EOFError:  # git ends at an object that is broken
            self._begin_again()
            return [None]

    def _begin_again(self) -> None:
        self.close()
        del self._session

    def _asked(self, oids: Sequence[str]) -> list[Found | None]:
        found: list[Found | None] = []
        for start in range(0, len(oids), _CHUNK):
            chunk = oids[start : start + _CHUNK]
            requests = "".join(f"contents {oid}\n" for oid in chunk)
            self._session.send(f"{requests}flush\n".encode("ascii"))
            found += [self._answer() for _ in chunk]
        return found

    def _answer(self) -> Found | None:
        words = self._session.read_line().decode("ascii", "replace").split()
        if len(words) != 3:  # "OID missing"
            return None
        data = self._session.read(int(words[2]) + 1)
        return Found(words[1], data[:-1])

    def write(self, kind: str, data: bytes) -> str:
        """Store an object, synced to disk; gives its ID."""
        command = (*sync.options(), "hash-object", "-w", "-t", kind, "--stdin")
        with checkpoints.around("write object", kind):
            return self._git.run(*command, stdin=data).decode("ascii").strip()

    def another(self) -> CommandObjects:
        """A second handle with a reading process of its own."""
        return CommandObjects(self._repository)

    def close(self) -> None:
        """End the reading process."""
        if "_session" in self.__dict__:
            self._session.close()
