"""Storing loose objects: any number of them costs one sync.

As git does it with `core.fsyncMethod=batch`: each object is written under a name that `git gc` clears
away, its data is sent to the disk, one sync makes the disk keep all of them, and only then do they
get their names. After a power cut an object is there whole, or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch.repo import sync
from git_orch.repo.repository import unwritable

if TYPE_CHECKING:
    from collections.abc import Callable

_TRIES = 20  # somebody who collects again and again takes our files, and directories that are empty
_TEMPORARY = "tmp_obj_"  # how git names an object that has no name yet; gc removes old ones
_WRITE_BACK, _AND_WAIT = 2, 7  # the flags of sync_file_range(2)


class Object(NamedTuple):
    """An object to be stored: its type (blob, tree, commit) and its bytes."""

    kind: str
    data: bytes

    def stored(self) -> bytes:
        """The header and the bytes, which are what its ID is made from."""
        return b"%s %d\0" % (self.kind.encode("ascii"), len(self.data)) + self.data


def oid(content: Object, object_format: str) -> str:
    """The ID of an object in a repository of that format (sha1, sha256)."""
    return hashlib.new(object_format, content.stored(), usedforsecurity=False).hexdigest()


def store(directory: Path, contents: Mapping[str, Object]) -> None:
    """Store objects by their IDs in an object directory, with one sync for all of them.

    Raises UnfitRepository when the disk refuses.
    """
    left = {oid: content for oid, content in contents.items() if not _freshen(directory, oid)}
    for _ in range(_TRIES):
        if not left:
            return
        try:
            left = _store(directory, left)
        except OSError as failed:
            raise unwritable(failed, directory) from failed
    raise unwritable(FileNotFoundError("objects are removed as they are written"), directory)


def _store(directory: Path, contents: Mapping[str, Object]) -> dict[str, Object]:
    """Store objects; gives those that somebody removed before they had their names."""
    written: dict[str, str] = {}
    descriptors: list[int] = []
    try:
        for oid, content in contents.items():
            written[oid] = _write(directory / oid[:2], content, descriptors)
        _sync(descriptors)
        lost = {}
        for oid, path in written.items():
            try:
                os.rename(path, directory / oid[:2] / oid[2:])
            except FileNotFoundError:
                lost[oid] = contents[oid]
        return lost
    except BaseException:
        for path in written.values():
            with contextlib.suppress(OSError):
                os.unlink(path)
        raise
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _write(directory: Path, content: Object, descriptors: list[int]) -> str:
    """Write an object beside its place; gives the path, and adds the open file to `descriptors`."""
    path = f"{directory}/{_TEMPORARY}{os.urandom(6).hex()}"
    data = memoryview(zlib.compress(content.stored(), 1))
    for _ in range(_TRIES):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        except FileNotFoundError:  # git removes a directory that it finds empty
            with contextlib.suppress(FileExistsError):
                os.mkdir(directory)
        else:
            break
    else:
        raise FileNotFoundError(f"'{directory}' is removed again and again")
    descriptors.append(descriptor)
    while data:
        data = data[os.write(descriptor, data) :]
    return path


def _freshen(directory: Path, oid: str) -> bool:
    """Whether the object is there as a loose one; then it is as young as a new one to `git gc`."""
    try:
        os.utime(directory / oid[:2] / oid[2:])
    except OSError:  # it is not there, or somebody else's: then our own takes its place
        return False
    return True


def _sync(descriptors: list[int]) -> None:
    """Make the disk keep what was written, with one sync where the system can do that."""
    write_back = _sync_file_range() if sync.is_on() else None
    if write_back is None or len(descriptors) == 1:
        for descriptor in descriptors:
            sync.file(descriptor)
        return
    for flags in (_WRITE_BACK, _AND_WAIT):
        for descriptor in descriptors:
            write_back(descriptor, flags)
    sync.file(
        descriptors[-1]
    )  # the data is there: this brings the names, and empties the disk's cache


@cache
def _sync_file_range() -> Callable[[int, int], object] | None:
    """Start or await the writing of a file's data, by descriptor and flags; None where there is no
    such call.
    """
    if sys.platform != "linux":
        return None
    import ctypes  # 5 ms: only for commands that write

    call = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if call is None:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return lambda descriptor, flags: call(descriptor, 0, 0, flags)
