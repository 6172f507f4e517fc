"""The user's settings for their terminal: colours and the pager, by git's own rules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from git_orch import errors
from git_orch.repo import git, scopes, settings
from git_orch.repo.repository import around

if TYPE_CHECKING:
    from collections.abc import Mapping

Colour = Literal["auto", "always", "never"]


def colour(*, on_terminal: bool) -> Colour:
    """What color.ui says here. Where nobody would see colours, git is asked only if a file of the
    user's may have the setting.
    """
    if not on_terminal and not scopes.user_mentions(os.environ, frozenset({b"ui"})):
        return "auto"
    argv = ["git", "config", "--get", "color.ui"]
    done = git.start(argv, git.environment(os.environ, keep_location=True), os.curdir, None)
    value = done.stdout.decode("utf-8", "replace").strip().lower()
    if value == "always":
        return "always"
    return "never" if value in ("never", "false", "no", "off", "0") else "auto"


def pager(variables: Mapping[str, str] = os.environ) -> str | None:
    """The command line of the pager that git would start for the user; None for none. That of a
    repository's own configuration does not count.
    """
    chosen = variables.get("GIT_PAGER")
    if chosen is None:
        try:
            chosen = settings.pager(around())
        except errors.OrchError:  # outside of a repository, or in one that cannot be read
            chosen = None
    if chosen is None:
        chosen = variables.get("PAGER", "less")
    return chosen if chosen.strip() not in ("", "cat") else None
