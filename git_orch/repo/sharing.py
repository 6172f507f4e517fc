"""Repositories that several users of a machine work in (core.sharedRepository): the modes of what
git-orch itself writes among git's files, which are those that git gives its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.repo import git_settings
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from pathlib import Path

    from git_orch.repo.git import Git

NAME = "core.sharedrepository"  # as git prints it
_WORDS = frozenset({b"sharedrepository"}) | git_settings.INCLUDING
_GROUP, _ALL = 0o660, 0o664
_NAMED = {
    "umask": 0, "false": 0, "no": 0, "off": 0, "": 0,
    "group": _GROUP, "true": _GROUP, "yes": _GROUP, "on": _GROUP,
    "all": _ALL, "world": _ALL, "everybody": _ALL,
}  # fmt: skip
_OLD = {0: 0, 1: _GROUP, 2: _ALL}  # as numbers
_OWNER = 0o600


class Sharing(NamedTuple):
    """The permission bits of files, as git has them: beside those that the umask gives or, with
    `exact`, in their place.
    """

    bits: int = 0
    exact: bool = False

    @property
    def is_on(self) -> bool:
        """Whether other users are to read the repository, or to write in it, too."""
        return bool(self.bits & 0o066)

    def mode(self, mode: int) -> int:
        """The mode of a file or directory that would have this one otherwise."""
        bits = self.bits if mode & stat.S_IWUSR else self.bits & ~0o222
        if stat.S_ISDIR(mode) or mode & stat.S_IXUSR:
            bits |= (bits & 0o444) >> 2
        permissions = stat.S_IMODE(mode)
        permissions = (permissions & ~0o777 if self.exact else permissions) | bits
        # What is made in there belongs to the same group.
        return permissions | (stat.S_ISGID if stat.S_ISDIR(mode) and permissions & 0o060 else 0)

    def adjust(self, place: str | Path | int) -> None:
        """Give a file or directory of this user, or what a descriptor leads to, its mode. Raises
        OSError.
        """
        facts = os.stat(place)
        if not self.bits or facts.st_uid != os.geteuid():
            return
        mode = self.mode(facts.st_mode)
        if mode != stat.S_IMODE(facts.st_mode):
            os.chmod(place, mode)

    def adjust_tree(self, top: Path) -> None:
        """Do that with a directory and all in it, where no link is. Raises OSError."""
        if not self.bits:
            return
        for directory in trees.walk(top):
            self.adjust(directory.descriptor)
            for name in directory.others:
                self.adjust(os.path.join(top, *directory.names, name))

    def make_directory(self, path: Path) -> None:
        """Make a directory; one that is there stays as it is. Raises OSError."""
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            self.adjust(path)

    def make_directories(self, path: Path) -> None:
        """Make a directory, and those above it that are missing. Raises OSError."""
        for missing in reversed([place for place in (path, *path.parents) if not place.exists()]):
            self.make_directory(missing)


ALONE = Sharing()


def of_git(git: Git) -> Sharing:
    """What git's configuration says. Raises UnfitRepository for a value that git does not take."""
    if not git.mentions(_WORDS):
        return ALONE
    values = [setting.value for setting in git.settings() if setting.name == NAME]
    return of_value(values[-1]) if values else ALONE


def of_value(value: str | None) -> Sharing:
    """What a value of core.sharedRepository means; None is the name alone. Raises
    UnfitRepository.
    """
    if value is None:
        return Sharing(_GROUP)
    if value.lower() in _NAMED:
        return Sharing(_NAMED[value.lower()])
    number = int(value, 8) if re.fullmatch(r"[0-7]{1,6}", value) else None
    if number in _OLD:
        return Sharing(_OLD[number])
    if number is None or number & _OWNER != _OWNER:
        raise errors.UnfitRepository(
            f"core.sharedRepository is '{value}', which git does not take",
            "git config --show-origin --get-all core.sharedRepository",
        )
    return Sharing(number & 0o666, exact=True)


def state_path(common_dir: str, sharing: Sharing) -> str:
    """The directory of this user's local files in a repository: one that others share has one for
    each user. What a user had before it was shared stays theirs.
    """
    first = os.path.join(common_dir, "orch")
    if not sharing.is_on:
        return first
    try:
        is_ours = os.lstat(first).st_uid == os.geteuid()
    except OSError:
        is_ours = False
    return first if is_ours else f"{first}-{os.geteuid()}"
