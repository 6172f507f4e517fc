"""Reading objects, and refs, through one long `git cat-file`: it works in every repository that git
opens.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.repo.git import USAGE_STATUS, GitFailed
from git_orch.sandbox.process import tools

if TYPE_CHECKING:
    from git_orch.repo.git import Git

# Requests in flight: 50 to 74 bytes each, so that they always fit into a pipe of 64 KiB.
_CHUNK = 400


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


class Info(NamedTuple):
    """An object's ID, its type (blob, tree, commit, tag) and its size in bytes."""

    oid: str
    kind: str
    size: int


class Reader:
    """What git has, for any thread; the process starts at the first question."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._guard = threading.Lock()
        self._tool: tools.Session | None = None

    def read_many(self, oids: Sequence[str]) -> list[Found | None]:
        """Type and bytes of each object, None for one that is missing or cannot be read."""
        with self._guard:
            return self._read_many(oids)

    def present(self, oids: Sequence[str]) -> list[bool]:
        """Whether each object is there."""
        return [info is not None for info in self.infos(oids)]

    def ref(self, name: str) -> str | None:
        """The object that a ref names now; of a name that is no ref, what git takes it for."""
        [info] = self.infos([name])
        return info.oid if info is not None else None

    def close(self) -> None:
        """End the process; the next question starts another."""
        with self._guard:
            self._end()

    def _end(self) -> None:
        if self._tool is not None:
            ended, self._tool = self._tool.close(), None
            if ended.status == USAGE_STATUS:
                raise GitFailed("cat-file --batch-command", ended.status, "")

    def _read_many(self, oids: Sequence[str]) -> list[Found | None]:
        try:
            return self._contents(oids)
        except EOFError:
            # A terminal's Ctrl-C ends it, too; what is written down after that needs another.
            self._end()
        if len(oids) > 1:
            return [found for oid in oids for found in self._read_many([oid])]
        try:
            return self._contents(oids)
        except EOFError:  # git ends at an object that is broken
            self._end()
            return [None]

    def _contents(self, oids: Sequence[str]) -> list[Found | None]:
        contents: list[Found | None] = []
        for start in range(0, len(oids), _CHUNK):
            chunk = oids[start : start + _CHUNK]
            self._ask("contents", chunk)
            contents += [self._content() for _ in chunk]
        return contents

    def _content(self) -> Found | None:
        words = self._answer()
        if words is None:
            return None
        data = self._opened().read(int(words[2]) + 1)
        return Found(words[1], data[:-1])

    def infos(self, names: Sequence[str]) -> list[Info | None]:
        """What is named, None for what is missing; git looks at refs anew each time."""
        infos: list[Info | None] = []
        with self._guard:
            for start in range(0, len(names), _CHUNK):
                chunk = names[start : start + _CHUNK]
                try:
                    infos += self._asked_infos(chunk)
                except EOFError:
                    self._end()
                    infos += self._asked_infos(chunk)
        return infos

    def _asked_infos(self, names: Sequence[str]) -> list[Info | None]:
        self._ask("info", names)
        answers = [self._answer() for _ in names]
        return [Info(words[0], words[1], int(words[2])) if words else None for words in answers]

    def _ask(self, command: str, names: Sequence[str]) -> None:
        lines = "".join(f"{command} {name}\n" for name in names)
        self._opened().send(f"{lines}flush\n".encode("utf-8", "surrogateescape"))

    def _answer(self) -> list[str] | None:
        """ID, type and size; None for what is missing, or could be several."""
        words = self._opened().read_line().decode("utf-8", "replace").split()
        return words if len(words) == 3 and words[2].isdigit() else None

    def _opened(self) -> tools.Session:
        if self._tool is None:
            self._tool = self._git.session("cat-file", "--batch-command", "--buffer")
        return self._tool
