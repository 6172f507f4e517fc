"""The one switch for syncing to disk: whatever syncs asks here.

It is always on in git-orch. Tests that only kill processes switch it off: what was written outlives
the process, and syncing is for power cuts.
"""

from __future__ import annotations

import os

from git_orch import checkpoints

# git's defaults would lose a landing in a power cut: neither loose objects nor refs are synced.
_OPTIONS = ("-c", "core.fsync=committed,reference", "-c", "core.fsyncMethod=batch")


class _Switch:
    on = True


def switch(*, on: bool) -> None:
    """Sync, or do not, from now on in this process."""
    _Switch.on = on


def is_on() -> bool:
    """Whether what is written is synced."""
    return _Switch.on


def options() -> tuple[str, ...]:
    """The options before its verb that make a git command sync the objects and refs that it writes."""
    return _OPTIONS if _Switch.on else ()


def file(descriptor: int) -> None:
    """Sync an open file or directory."""
    if _Switch.on:
        with checkpoints.around("sync", descriptor):
            os.fsync(descriptor)
