"""The sandbox for a repository, under its user's settings."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.machine import shares
from git_orch.plans import sentences
from git_orch.repo import places, settings
from git_orch.repo.worktree import enclosed, gitview
from git_orch.repo.worktree.enclosed import Boundary
from git_orch.sandbox import private
from git_orch.sandbox.process import programs
from git_orch.sandbox.shares import choice
from git_orch.sandbox.walls import environment, sandboxes
from git_orch.sandbox.walls.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_orch.repo.repository import Repository
    from git_orch.repo.settings import Settings


def boundary(repository: Repository, tell: Callable[[str], None] = enclosed.silent) -> Boundary:
    """The boundary that runs commands for the repository, in its worktrees. Raises Refused where no
    sandbox works and the user did not choose to do without.
    """
    inside = launcher(repository, settings.of_user(repository))
    checkout = places.checkout(repository)
    link = places.link_to(checkout, os.environ.get("PWD", "")) if checkout is not None else None
    return Boundary(replace(inside, checkout=checkout, link=link), tell)


def launcher(repository: Repository, user_settings: Settings) -> Launcher:
    """The launcher that runs commands on the repository's files under these settings, without
    shares. Raises Refused where no sandbox works.
    """
    home = environment.home(os.environ) or Path("/nonexistent")
    nothing = choice.of_values(user_settings.share, str(home)).nothing
    copies = None if nothing else _place_of_copies()
    return Launcher(
        source=environment.without_own_programs(os.environ, repository.places),
        home=home,
        sandbox=sandboxes.choose(user_settings.sandbox, _programs(repository), copies),
        git=gitview.of(repository),
        readable=(*gitview.readable(repository), *map(Path, user_settings.readable)),
        extra=user_settings.environment,
        private_hosts=user_settings.privateHosts,
    )


def with_shares(
    launcher: Launcher, repository: Repository, user_settings: Settings | None = None
) -> Launcher:
    """The launcher whose commands see the checkout's dependencies and the tools' caches."""
    shared = shares.of(repository, user_settings or settings.of_user(repository))
    return replace(
        launcher,
        shares=shared.all,
        readable=(*launcher.readable, *map(Path, shared.tools.shown)),
        variables=shared.tools.variables,
    )


def _place_of_copies() -> Path | None:
    """A directory on the disk where worktrees are; None where there cannot be one."""
    try:
        place = places.own_directory()
        private.make_directory(place)
    except (OSError, errors.OrchError):
        return None
    return place


def _programs(repository: Repository) -> str:
    """PATH without what is in the repository: a planted bwrap would run everything outside of any
    sandbox.
    """
    path = programs.host_path(os.environ.get("PATH", ""))
    for place in repository.places:
        path = os.pathsep.join(environment.outside(path, place))
    return path


def refuse_home(launcher: Launcher, directory: Path) -> None:
    """Raises Refused for work in a directory that holds the home directory, which the sandbox then
    cannot hide.
    """
    home = environment.home(os.environ)
    if launcher.sandboxed and home is not None and environment.inside(str(home), directory):
        raise errors.Refused(
            f"commands that work in {sentences.quoted(directory)} "
            "would see and could change all of your home directory",
            "mkdir work && cd work",
        )
