"""Files that a command leaves mean no more than their bytes: bits of mode by which others would run
them with the rights of their owner go, without following a link.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from git_orch.sandbox import trees

SPECIAL = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX

_CAPABILITIES = "security.capability"


def has_special(facts: os.stat_result) -> bool:
    """Whether it is a file or directory with the set-user-ID, set-group-ID or sticky bit."""
    return bool(facts.st_mode & SPECIAL) and (
        stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)
    )


def take_away(directory: int, name: str, bits: int) -> None:
    """Take bits from the mode of a file or directory, unless somebody has put a link there."""
    if not hasattr(os, "O_PATH"):  # macOS, where the mode of a link can be changed
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        os.chmod(name, stat.S_IMODE(mode) & ~bits, dir_fd=directory, follow_symlinks=False)
        return
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISLNK(mode):
            os.chmod(f"/proc/self/fd/{descriptor}", stat.S_IMODE(mode) & ~bits)
    finally:
        os.close(descriptor)


def make_plain(top: Path) -> None:
    """Take the special bits from everything below `top`, which nobody else uses; for root also the
    capabilities of programs, and what belongs to somebody else becomes root's.
    """
    root = os.geteuid() == 0
    for directory in trees.walk(top, passable=True):
        facts = os.fstat(directory.descriptor)
        if has_special(facts):
            os.fchmod(directory.descriptor, stat.S_IMODE(facts.st_mode) & ~SPECIAL)
        for name in (*directory.inner, *directory.others) if root else directory.others:
            with contextlib.suppress(FileNotFoundError):
                facts = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
                if root:
                    _make_roots(directory.descriptor, name, facts)
                if has_special(facts):
                    take_away(directory.descriptor, name, SPECIAL)


def _make_roots(directory: int, name: str, facts: os.stat_result) -> None:
    """Make a file root's; as the kernel says, it has no capabilities and special bits then."""
    if facts.st_uid != 0 or _is_capable(directory, name, facts):
        os.chown(name, 0, 0, dir_fd=directory, follow_symlinks=False)


def _is_capable(directory: int, name: str, facts: os.stat_result) -> bool:
    if not stat.S_ISREG(facts.st_mode) or not hasattr(os, "getxattr"):
        return False
    try:
        os.getxattr(f"/proc/self/fd/{directory}/{name}", _CAPABILITIES, follow_symlinks=False)
    except OSError:
        return False
    return True
