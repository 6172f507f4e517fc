"""Which names make a directory a repository: git takes one with HEAD, objects and refs for it, with
no `.git` anywhere. Spelling only, nothing here reads a disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from git_orch.plans import invisible

Part = Literal["HEAD", "objects", "refs", "config", "commondir", "hooks", "config.worktree"]

_IGNORED = dict.fromkeys(invisible.UNSEEN)  # HFS+ drops some of them when it compares names
_PARTS: dict[str, Part] = {
    "head": "HEAD", "objects": "objects", "refs": "refs", "config": "config", "commondir": "commondir",
    "hooks": "hooks", "config.worktree": "config.worktree",
}  # fmt: skip
# What NTFS calls the names that are too long for MS-DOS.
_SHORT: tuple[tuple[re.Pattern[str], Part], ...] = (
    (re.compile(r"(?:common|co[0-9a-f]{4})~[0-9]+"), "commondir"),
    (re.compile(r"(?:config|co[0-9a-f]{4})~[0-9]+\.wor"), "config.worktree"),
)
_FURNITURE: frozenset[Part] = frozenset({"objects", "refs", "config"})
NEEDED: tuple[Part, ...] = ("HEAD", "objects", "refs", "commondir")
# What makes git start programs, or look for that elsewhere.
RUNNING: frozenset[Part] = frozenset({"config", "config.worktree", "hooks", "commondir"})


def part(name: str) -> Part | None:
    """The part of a repository that some file system takes `name` for: HFS+ and NTFS have several
    spellings.
    """
    plain = name.translate(_IGNORED).casefold().partition(":")[0].strip(" ").rstrip(". ")
    if plain in _PARTS:
        return _PARTS[plain]
    return next((meant for pattern, meant in _SHORT if pattern.fullmatch(plain)), None)


def suffices(parts: Iterable[str]) -> bool:
    """Whether git takes a directory with these parts for a repository: `commondir` leads to the
    rest.
    """
    present = frozenset(parts)
    return "HEAD" in present and ("commondir" in present or {"objects", "refs"} <= present)


def is_repository(entries: Mapping[str, bool]) -> bool:
    """Whether a directory with these names, each with whether it is a directory, is a repository to
    git. One of objects and refs may be missing beside a `config`: no tree has an empty directory.

    As in git's is_git_directory HEAD is a file or a link, and `commondir` leads to all the rest.
    """
    parts = {part(name) for name in entries}
    if all(is_directory for name, is_directory in entries.items() if part(name) == "HEAD"):
        return False
    return "commondir" in parts or len(parts & _FURNITURE) > 1


def places(paths: Iterable[str]) -> dict[str, str]:
    """The directories that a change of these paths may make a repository, or may make start
    programs as one; each with the first such path.
    """
    directories: dict[str, str] = {}
    for path in paths:
        names = path.split("/")
        for depth, name in enumerate(names):
            if part(name) is not None:
                directories.setdefault("/".join(names[:depth]), path)
    return directories
