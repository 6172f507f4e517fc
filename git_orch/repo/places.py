"""The directories of git-orch outside of repositories: state and caches of this user."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.repo.repository import Repository
from git_orch.sandbox.walls import environment

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository


def place_of(repository: Repository, what: str) -> Path:
    """The directory of this machine for files about this repository; `what` is their kind."""
    import hashlib  # not for the commands that only look whether a branch is checked out

    home = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):  # to be ignored, says the XDG specification
        home = os.path.join(os.path.expanduser("~"), ".local", "state")
    if not os.path.isabs(home):
        raise errors.UnfitRepository("this user has no home directory", "export HOME=/somewhere")
    name = hashlib.sha256(os.fsencode(os.path.realpath(repository.common_dir))).hexdigest()[:16]
    return Path(home) / "git-orch" / what / name


def cache_directory() -> Path:
    """The directory of the capabilities' cache, outside of every repository."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(cache):
        return Path(cache) / "git-orch"
    home = environment.home(os.environ)
    if home is None:
        raise errors.UnfitRepository("this user has no home directory", "export HOME=/somewhere")
    return home / ".cache" / "git-orch"


def state_directory() -> Path:
    state = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):
        return Path(state) / "git-orch"
    home = environment.home(os.environ)
    return (
        home / ".local" / "state" / "git-orch" if home is not None else Path(tempfile.gettempdir())
    )
