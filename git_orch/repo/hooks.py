"""The repository's own hooks: git-orch never lets git run them; one may be run as a check, in the
sandbox.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.repo import ask

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository


def find(repository: Repository, worktree: Path, name: str) -> Path | None:
    """The hook that git would run for a commit in `worktree`; None where there is no executable
    one.

    A `core.hooksPath` of the repository counts: it chooses the program in the sandbox, not whether
    one runs.
    """
    asked = ("config", "--get-all", "-z", "--type=path", "core.hooksPath")
    listed = ask.names(repository.git.run(*asked, expect=(0, 1)))
    chosen = listed[:-1]  # the last one is our own, which means none
    directory = worktree / chosen[-1] if chosen else repository.common_dir / "hooks"
    hook = directory / name
    return hook if hook.is_file() and os.access(hook, os.X_OK) else None
