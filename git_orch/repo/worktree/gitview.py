"""The repository as commands in the sandbox see it: its objects and refs, and a configuration
without secrets.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.plans import redact
from git_orch.repo import git_settings, scopes, settings
from git_orch.repo.git_settings import Care
from git_orch.repo.worktree import alternates, file_system, linked
from git_orch.sandbox.walls import environment, git_config
from git_orch.sandbox.walls.view import GitView

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

# Sections that say how files become objects and what branches are called. The others hold URLs,
# credentials, helpers.
_SECTIONS = frozenset(
    {
        "core",
        "extensions",
        "filter",
        "diff",
        "merge",
        "branch",
        "remote",
        "user",
        "lfs",
        "i18n",
        "init",
    }
)
# Beside those that lead anywhere but to what the repository has.
_LEFT_OUT = frozenset({"core.bare", "index.sparse", "lfs.storage"})
_SHOWN = (Care.DRIVER, Care.CONTENT)
_LFS_STORAGE = "/tmp/git-lfs"  # noqa: S108 - of the sandbox: git-lfs writes there even for `git status`


def of(repository: Repository) -> GitView:
    """The view of a repository. Raises Refused where it has objects or refs in what is none."""
    home = environment.home(os.environ)
    borrowed = alternates.stores(repository.common_dir / "objects", home)
    links = linked.places(repository.common_dir, home)
    files = tuple(user_files(repository).items())
    return GitView(repository.common_dir, config(repository), borrowed, files, links)


def config(repository: Repository) -> bytes:
    """The text of a configuration file with what counts for the user's worktree, as far as commands
    may know it.
    """
    hidden = tuple(care for care in Care if care not in _SHOWN)
    shown = [
        (redact.redacted(name), redact.redacted(value))  # a remote may be called by its URL
        for name, value in repository.settings
        if name.partition(".")[0] in _SECTIONS
        and name not in _LEFT_OUT
        and name not in file_system.NAMES
        and not git_settings.matches(name, *hidden)
    ]
    if any(name.startswith("filter.lfs.") for name in repository.drivers):
        shown.append(("lfs.storage", _LFS_STORAGE))
    return git_config.text(shown)


def readable(repository: Repository) -> tuple[Path, ...]:
    """The user's own ignore and attributes files."""
    return tuple(user_files(repository).values())


def user_files(repository: Repository) -> dict[str, Path]:
    """The ignore and the attributes file of the user that are there, by the settings that name
    them.
    """
    own = settings.of_own_scopes(repository, *scopes.USER_FILES)
    files = {}
    for name in scopes.USER_FILES:
        chosen = own.get(name, [None])[-1] or scopes.default_file(name, repository.variables)
        files[name] = Path(os.path.expanduser(chosen))
    return {name: path for name, path in files.items() if path.is_absolute() and path.is_file()}
