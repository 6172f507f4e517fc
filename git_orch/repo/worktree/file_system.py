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
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from git_orch.repo.repository import Repository

# No file is left out either: a worktree has all files of its tree, see git-sparse-checkout(1).
WHOLE = {"core.sparsecheckout": "false", "core.sparsecheckoutcone": "false"}
NAMES = frozenset(("core.filemode", "core.symlinks", "core.ignorecase", *WHOLE))


@functools.lru_cache(maxsize=64)
def settings(directory: Path) -> Mapping[str, str]:
    """The settings for worktrees below a directory; it is tried out as `git init` does it."""
    found = dict(WHOLE)
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=directory) as scratch:
        name = os.path.join(scratch, "name")
        with open(name, "x", encoding="ascii"):
            pass
        os.chmod(name, 0o700)
        executable = os.stat(name).st_mode & stat.S_IXUSR
        os.chmod(name, 0o600)
        has_modes = executable and not os.stat(name).st_mode & stat.S_IXUSR
        found["core.filemode"] = "true" if has_modes else "false"
        found["core.ignorecase"] = "true" if os.path.lexists(name.upper()) else "false"
        found["core.symlinks"] = "true" if _has_links(f"{name}-link") else "false"
    return found


def of_user(repository: Repository) -> Mapping[str, str]:
    """The settings for the user's own checkout: theirs."""
    return {name: value for name, value in repository.settings if name in NAMES}


def _has_links(path: str) -> bool:
    try:
        os.symlink("target", path)
    except OSError:
        return False
    return os.path.islink(path)
