"""Settings of git that say what a file system can: those of git-orch's own worktrees, whatever the
user's checkout lies on.

A clone that came from another system, or that its user set up so, says that modes do not count, or
that letters have no case. Then git would store something else than what a check saw in a worktree.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_orch.repo import temporary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from git_orch.repo.repository import Repository

# No file is left out either: a worktree has all files of its tree, see git-sparse-checkout(1).
WHOLE = {"core.sparsecheckout": "false", "core.sparsecheckoutcone": "false"}
NAMES = frozenset(("core.filemode", "core.symlinks", "core.ignorecase", *WHOLE))


class Modes(NamedTuple):
    """The modes that git gives what it checks out."""

    file: int
    program: int
    directory: int

    def fit(self, facts: os.stat_result) -> bool:
        """Whether a file or directory has one of these, and no second name."""
        mode = stat.S_IMODE(facts.st_mode)
        if stat.S_ISDIR(facts.st_mode):
            return mode == self.directory
        return mode in (self.file, self.program) and facts.st_nlink == 1


@functools.lru_cache(maxsize=64)
def modes(directory: Path) -> Modes:
    """The modes of what is made below a directory: by the umask, and by what the directory hands
    down.
    """
    with temporary.directory(directory) as scratch:
        inner = os.path.join(scratch, "directory")
        os.mkdir(inner)
        made = [inner]
        for name, mode in (("program", 0o777), ("file", 0o666)):
            path = os.path.join(scratch, name)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
            made.insert(0, path)
        return Modes(*(stat.S_IMODE(os.stat(path).st_mode) for path in made))


@functools.lru_cache(maxsize=64)
def settings(directory: Path) -> Mapping[str, str]:
    """The settings for worktrees below a directory; it is tried out as `git init` does it."""
    tried = dict(WHOLE)
    with contextlib.suppress(OSError), temporary.directory(directory) as scratch:
        name = os.path.join(scratch, "name")
        with open(name, "x", encoding="ascii"):
            pass
        os.chmod(name, 0o700)
        executable = os.stat(name).st_mode & stat.S_IXUSR
        os.chmod(name, 0o600)
        has_modes = executable and not os.stat(name).st_mode & stat.S_IXUSR
        tried["core.filemode"] = "true" if has_modes else "false"
        tried["core.ignorecase"] = "true" if os.path.lexists(name.upper()) else "false"
        tried["core.symlinks"] = "true" if _has_links(f"{name}-link") else "false"
    return tried


def of_user(repository: Repository) -> Mapping[str, str]:
    """The settings for the user's own checkout: theirs."""
    return {name: value for name, value in repository.settings if name in NAMES}


def _has_links(path: str) -> bool:
    try:
        os.symlink("target", path)
    except OSError:
        return False
    return os.path.islink(path)
