"""Directories that git-orch makes outside of worktrees: for this user alone, whatever the umask."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MODE = 0o700


def make_directory(path: str | Path) -> None:
    """Make a directory, and so those above it that are missing. One that is there stays as it is.
    Raises OSError.

    `os.makedirs` gives those above the mode of the umask: git-orch itself would refuse them next
    time, because others could write to them.
    """
    missing = list[str]()
    place = os.path.abspath(path)
    while not os.path.lexists(place):
        missing.append(place)
        place = os.path.dirname(place)
    for made in reversed(missing):
        with contextlib.suppress(FileExistsError):  # somebody was first
            os.mkdir(made, MODE)
