"""The repository's own hooks: git-orch never lets git run them; one may be run as a check, in the
sandbox.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans import sentences
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
    top = repository.top
    if top is not None and hook.is_symlink():
        # One that leads to a script of the checkout means the worktree's.
        real = Path(os.path.realpath(hook))
        if real.is_relative_to(os.path.realpath(top)):
            hook = worktree / real.relative_to(os.path.realpath(top))
    if _is_program(hook):
        return hook
    if top is not None and chosen and _is_program(top / chosen[-1] / name):
        shown = sentences.quoted(Path(chosen[-1]) / name)
        raise errors.Refused(
            f"orch.runHooks: the hook {shown} is in your checkout, and no commit has it",
            "git config --global orch.runHooks false  # and name what it runs as a check",
        )
    return None


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
