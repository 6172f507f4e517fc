"""A scratch repository for the tour, and the environment of the commands in it: nothing of the user's
counts there, and nothing of the user's changes.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import git
from git_orch.repo.repository import unwritable
from git_orch.sandbox import secrecy
from git_orch.sandbox.process import tools

if TYPE_CHECKING:
    from collections.abc import Mapping

_IDENTITY = """\
[user]
	name = Tour
	email = tour@example.com
[init]
	defaultBranch = main
[advice]
	defaultBranchName = false
"""
# Not by a variable: an entry of PATH below the current directory would not count.
_WITH_OURS = 'PATH=$1:$PATH; export PATH; eval "$2"'
# Where git and git-orch keep what is the user's, and what asks for traces of it.
_PLACES = ("GIT_", "XDG_", "OTEL_", "TRACEPARENT", "PAGER", "LESS")


class Scratch(NamedTuple):
    """A directory of the tour's own: the repository in it, and the variables of its commands."""

    directory: Path
    repository: Path
    variables: Mapping[str, str]

    def attend(self, line: str) -> int:
        """Run a line of shell in the repository, on our terminal; gives its exit status."""
        return tools.attend(self._shell(line), env=self.variables, cwd=str(self.repository))

    def capture(self, line: str) -> tools.Finished:
        """Run a line of shell in the repository, and take what it prints."""
        return tools.capture(self._shell(line), env=self.variables, cwd=str(self.repository))

    def _shell(self, line: str) -> list[str]:
        programs = str(self.directory / "bin")
        return ["sh", "-c", _WITH_OURS, "sh", programs, line]


def made(asked: str | None) -> Scratch:
    """The scratch repository's place, at the path that was asked for. Raises UsageError where
    something is there.
    """
    place = _empty(asked) if asked is not None else Path(tempfile.mkdtemp(prefix="git-orch-tour-"))
    repository, config = place / "repo", place / "gitconfig"
    try:
        repository.mkdir()
        _write_program(place / "bin")
        config.write_text(_IDENTITY + _sandbox(), encoding="utf-8")
    except OSError as failed:
        raise unwritable(failed, place) from failed
    own = {
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PAGER": "cat",
        "XDG_CONFIG_HOME": str(place / "config"),
        "XDG_STATE_HOME": str(place / "state"),
        "XDG_CACHE_HOME": str(place / "cache"),
    }
    return Scratch(place, repository, {**_inherited(), **own})


def _write_program(directory: Path) -> None:
    """Write the program by which `git orch` is this git-orch, wherever it is installed."""
    directory.mkdir()
    program = directory / "git-orch"
    ourselves = shlex.join([sys.executable, "-E", "-P", "-m", "git_orch"])
    program.write_text(f'#!/bin/sh\nexec {ourselves} "$@"\n', encoding="utf-8")
    program.chmod(0o755)


def _empty(asked: str) -> Path:
    place = Path(os.path.abspath(asked))
    try:
        place.mkdir(parents=True, exist_ok=True)
        taken = any(os.scandir(place))
    except FileExistsError:
        taken = True
    except OSError as failed:
        raise unwritable(failed, place) from failed
    if taken:
        raise errors.UsageError(
            f"the directory {sentences.quoted(asked)} is not empty",
            f"git orch tour --dir {shlex.quote(asked.rstrip('/') + '-2')}",
        )
    return place


def _inherited() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_PLACES)}
    for name in secrecy.PROVIDER_KEYS:
        kept.pop(name, None)
    return kept


def _sandbox() -> str:
    """The user's own orch.sandbox as a line of configuration: without one that works here nothing
    would run.
    """
    asked = git.start(["git", "config", "--global", "--get", "orch.sandbox"], os.environ, "/", None)
    chosen = asked.stdout.decode("utf-8", "replace").strip()
    return f"[orch]\n\tsandbox = {chosen}\n" if chosen.isalpha() else ""
