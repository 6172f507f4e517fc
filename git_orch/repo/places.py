"""The directories of git-orch outside of repositories: state and caches of this user."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.repo import own_files
from git_orch.sandbox.walls import environment

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository


def place_of(repository: Repository, what: str) -> Path:
    """The directory of this machine for files about this repository; `what` is their kind. Raises
    NotOurs.
    """
    return own_directory() / what / name_of(repository)


def own_directory() -> Path:
    """The directory of git-orch's own, outside of every repository, that this user has. Raises
    NotOurs where others could change what is in it.
    """
    home = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):  # to be ignored, says the XDG specification
        home = os.path.join(os.path.expanduser("~"), ".local", "state")
    if not os.path.isabs(home):
        raise errors.UnfitRepository("this user has no home directory", "export HOME=/somewhere")
    return Path(own_files.real_path(os.path.join(home, "git-orch")))


def name_of(repository: Repository) -> str:
    """The name that this copy of a repository has in git-orch's own directory: a hash of its path,
    so that another copy has another one.
    """
    import hashlib  # not for the commands that only look whether a branch is checked out

    common_dir = os.path.realpath(repository.directories.common_dir)
    return hashlib.sha256(os.fsencode(common_dir)).hexdigest()[:16]


def checkout(repository: Repository) -> Path | None:
    """The user's checkout, at whose path worktrees stand: where they are; None in a bare
    repository. From a worktree of git-orch's own it is the main one, if git names it.
    """
    top = repository.top
    if top is None:
        return None
    real = Path(os.path.realpath(top))
    if real.is_relative_to(place_of(repository, "worktrees")):
        common = Path(os.path.realpath(repository.common_dir))
        return common.parent if common.name == ".git" else real
    return real


def link_to(checkout: Path, directory: str) -> Path | None:
    """The path by which the user went into their checkout, when that goes through links; the shell
    knows their `directory` by it.
    """
    if not os.path.isabs(directory) or os.path.realpath(directory) == directory:
        return None
    plain = Path(os.path.normpath(directory))
    for place in (plain, *plain.parents):
        if place != checkout and os.path.realpath(place) == str(checkout):
            return place
    return None


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
    if home is not None:
        return home / ".local" / "state" / "git-orch"
    import tempfile  # for users without a home alone: it takes long

    return Path(tempfile.gettempdir())


def worktree_names(repository: Repository) -> list[str]:
    """The names in the directory with the worktrees of all plans of the repository."""
    try:
        return sorted(os.listdir(place_of(repository, "worktrees")))
    except FileNotFoundError:
        return []
