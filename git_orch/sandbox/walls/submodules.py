"""The submodules that somebody filled in a worktree.

The git directory of each is among the worktree's own, and it and the submodule name each other by
relative paths. Those lead nowhere where the worktree stands elsewhere inside.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from git_orch.sandbox.walls import git_config
from git_orch.sandbox.walls.site_map import SiteMap

_WORKTREE = re.compile(rb'^[ \t]*worktree[ \t]*=[ \t]*("?)(.*?)\1[ \t]*$', re.MULTILINE)
_ESCAPED = re.compile(rb'\\(["\\])')


def contents(git_dir: Path, site_map: SiteMap) -> Iterator[tuple[Path, bytes]]:
    """Paths inside, with what is there, so that git finds the submodules of the worktree that
    `git_dir` belongs to.
    """
    for module in _modules(git_dir / "modules"):
        config = (module / "config").read_bytes()
        named = _WORKTREE.search(config)
        if named is None:
            continue
        place = Path(os.path.normpath(module / os.fsdecode(_ESCAPED.sub(rb"\1", named[2]))))
        if _is_filled(place, site_map.worktree):
            here = site_map.inside(place)
            setting = git_config.text([("core.worktree", str(here))])
            yield site_map.inside(module / "config"), config + setting
            pointer = b"gitdir: " + os.fsencode(site_map.inside(module)) + b"\n"
            yield here / ".git", pointer


def _modules(directory: Path) -> Iterator[Path]:
    """The git directories below one, whose names may have slashes in them."""
    waiting = [directory]
    while waiting:
        try:
            entries = sorted(entry.path for entry in os.scandir(waiting.pop()) if entry.is_dir())
        except OSError:
            continue
        for path in map(Path, entries):
            if (path / "HEAD").is_file() and (path / "config").is_file():
                yield path
                waiting.append(path / "modules")
            else:
                waiting.append(path)


def _is_filled(place: Path, worktree: Path) -> bool:
    """Whether a submodule is there, with no link on the way from the worktree, which a command may
    have made.
    """
    pointer = place / ".git"
    real = Path(os.path.realpath(worktree)) / os.path.relpath(pointer, worktree)
    return (
        place.is_relative_to(worktree)
        and os.path.realpath(pointer) == str(real)
        and pointer.is_file()
    )
