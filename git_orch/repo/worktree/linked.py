"""Parts of a git directory that are links to another place, as on a second disk or after
`git-new-workdir`.

A link of a copied repository leads anywhere: the sandbox shows only what is what git keeps there.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import scopes
from git_orch.repo.worktree import alternates

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_REFS = 200_000  # files and directories that are looked at
_REF = re.compile(rb"(?:ref: refs/[^\n]*|[0-9a-f]{40}(?:[0-9a-f]{24})?)\n?|")
_PACKED = re.compile(rb"(?:# pack-refs [^\n]*\n)?(?:[0-9a-f]{40}(?:[0-9a-f]{24})? refs/[^\n]*\n)?")


def places(common_dir: Path, home: Path | None) -> tuple[tuple[Path, Path], ...]:
    """The links in the git directory where commands need what they lead to, objects and refs, each
    with the real place.

    Raises Refused where a link leads to something else, or to where no repository is.
    """
    found = []
    for link in _links(common_dir):
        real = Path(os.path.realpath(link))
        if not real.exists():
            continue
        if alternates.is_private(real, home) or not _is_right(link, real, common_dir):
            raise errors.Refused(
                f"{sentences.quoted(link)} is a link to {sentences.quoted(os.readlink(link))}, "
                "which is not what git keeps there",
                f"ls -l {shlex.quote(str(link))}",
            )
        if not real.is_relative_to(common_dir.resolve()):
            found.append((link, real))
    return tuple(found)


def _links(common_dir: Path) -> Iterator[Path]:
    """The links among the objects and refs of a git directory."""
    objects, refs = common_dir / "objects", common_dir / "refs"
    for path in (objects, refs, common_dir / "packed-refs"):
        if path.is_symlink():
            yield path
    for directory in (objects, refs):
        if not directory.is_symlink() and directory.is_dir():
            with os.scandir(directory) as entries:
                yield from (Path(entry.path) for entry in entries if entry.is_symlink())


def _is_right(link: Path, real: Path, common_dir: Path) -> bool:
    """Whether a place has nothing in it but what git keeps where the link is."""
    if link.name == "packed-refs":
        return _PACKED.match(scopes.contents(str(real)) or b"-") is not None
    if link == common_dir / "objects":
        return alternates.is_object_directory(real)
    if link.parent == common_dir / "objects":
        return alternates.is_in_object_directory(link.name, real)
    return _has_refs_alone(real)


def _has_refs_alone(real: Path) -> bool:
    waiting, seen = [real], 0
    while waiting and seen < _MOST_REFS:
        path = waiting.pop()
        seen += 1
        if path.is_symlink():
            return False
        if path.is_dir():
            waiting += path.iterdir()
        elif _REF.fullmatch(scopes.contents(str(path)) or b"") is None:
            return False
    return not waiting
