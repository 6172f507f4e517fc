"""A file that a person asked for by its name: it appears whole, and over no other without their
leave.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path

from git_orch import checkpoints, errors
from git_orch.plans import sentences
from git_orch.repo import sync
from git_orch.repo.repository import unwritable

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # FAT and its kin


def write(path: Path, data: bytes, *, over: bool) -> None:
    """Write the file; `over` one that is there, whose mode it gets. Raises UsageError for a place
    where no file can be, Refused for a file that is there, UnfitRepository.
    """
    mode = require_place(path, over=over)
    beside = path.with_name(f".{path.name[:100]}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                file.flush()
                sync.file(file.fileno())
            with checkpoints.around("write file", path):
                _put(beside, path, over=over)
        finally:
            beside.unlink(missing_ok=True)
    except FileExistsError as first:
        raise _there(path) from first
    except OSError as failed:
        raise unwritable(failed, path) from failed


def _put(beside: Path, path: Path, *, over: bool) -> None:
    if over:
        beside.replace(path)
        return
    try:
        os.link(beside, path)
    except OSError as failed:
        if failed.errno not in _NO_LINKS:
            raise
        beside.replace(path)  # nobody was there a moment ago


def require_place(path: Path, *, over: bool) -> int | None:
    """The mode of the file that is there, if any. Raises UsageError, Refused, UnfitRepository."""
    shown = sentences.quoted(path)
    if "\0" in str(path) or not path.parent.is_dir():
        parent = shlex.quote(str(path.parent))
        raise errors.UsageError(f"there is no directory for {shown}", f"mkdir -p {parent}")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as failed:
        raise unwritable(failed, path) from failed
    if path.is_dir():
        inside = shlex.quote(str(path / "report.html"))
        raise errors.UsageError(f"{shown} is a directory", f"git orch report -o {inside}")
    if not over:
        raise _there(path)
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise errors.Refused(f"{shown} is not a regular file", "git orch report -o -")
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def _there(path: Path) -> errors.Refused:
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, 1000))
    free = next((name for name in names if not os.path.lexists(name)), Path("-"))
    return errors.Refused(
        f"{sentences.quoted(path)} is there already",
        f"git orch report -o {shlex.quote(str(free))}",
    )
