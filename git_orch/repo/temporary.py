"""Temporary directories among git-orch's own files: one that a killed process left goes with the next
one that is made in its place.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch.sandbox import trees

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = ".temporary-"


@contextlib.contextmanager
def directory(place: Path) -> Iterator[Path]:
    """A new and empty directory in `place`, with the mode and the group that directories get there;
    it and those of ended processes are gone afterwards. Raises OSError.
    """
    for left in place.glob(f"{_NAME}*"):
        process = left.name.removeprefix(_NAME).partition("-")[0]
        with contextlib.suppress(FileNotFoundError):  # another one removes it
            if left.lstat().st_uid == os.geteuid() and not _is_alive(process):
                trees.remove(left)
    made = place / f"{_NAME}{os.getpid()}-{os.urandom(4).hex()}"
    made.mkdir()
    try:
        yield made
    finally:
        trees.remove(made)


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    except PermissionError:
        return True
    return True
