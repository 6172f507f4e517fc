"""Contents that git-lfs keeps beside the objects: taken over from a scratch directory when they are
what they claim.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans import sentences
from git_orch.repo import localfiles, settings
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository
    from git_orch.repo.sharing import Sharing

_NAME = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1024**2  # bytes


def admit(repository: Repository, scratch: Path) -> None:
    """Copy what a snapshot's filter stored in `scratch` to where git-lfs looks for it.

    A file's name is the SHA-256 of its contents; one that lies is left behind. Anything may stand
    in `scratch`: no link is followed.
    """
    if scratch.is_symlink() or (scratch / "objects").is_symlink():
        return
    for directory in trees.walk(scratch / "objects"):
        for name in directory.others:
            target = _target(repository, name)
            if _NAME.fullmatch(name) and not target.exists():
                _copy(name, directory.descriptor, target, repository.sharing)


def _target(repository: Repository, name: str) -> Path:
    """Where git-lfs keeps these contents. Raises Refused where only the repository leads out of the
    git directory.
    """
    own = settings.of_own_scopes(repository, "lfs.storage").get("lfs.storage", [])
    stored = (value for name, value in reversed(repository.settings) if name == "lfs.storage")
    chosen = next(stored, "lfs")
    # relative to the git directory, git-lfs-config(5)
    target = repository.common_dir / chosen / "objects" / name[:2] / name[2:4] / name
    common = os.path.realpath(repository.common_dir)
    if chosen not in own and not Path(os.path.realpath(target)).is_relative_to(common):
        raise errors.Refused(
            "the repository's own configuration has git-lfs keep its files in "
            f"{sentences.quoted(chosen)}",
            f"git config --global lfs.storage {shlex.quote(chosen)}  # if that is what you want",
        )
    return target


def _copy(name: str, directory: int, target: Path, sharing: Sharing) -> None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except OSError:
        return  # a link, or a file that nobody may read: git-lfs makes no such thing
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        if digest.hexdigest() == target.name:
            file.seek(0)
            localfiles.copy(file, target, sharing=sharing)
