"""git-orch without syncing to disk: that is for power cuts, which no test has, and takes time.

Processes that tests start as a user would still sync.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys


def import_all() -> None:
    """Import all of git-orch, as a process does once that forks many runs of it; none of them
    syncs.
    """
    import git_orch

    for each in pkgutil.walk_packages(git_orch.__path__, "git_orch."):
        if not each.name.endswith("__main__"):
            importlib.import_module(each.name)
    from git_orch.sandbox.walls import bubblewrap

    bubblewrap._private_settings()  # this machine's: each run would look at all of /etc for it
    stop_syncing()


def stop_syncing() -> None:
    """From now on nothing in this process or started by it is synced."""
    import pygit2

    ours = [module for name, module in sys.modules.items() if name.startswith("git_orch.")]
    changed: list[tuple[object, str, object]] = [
        (module, "SYNCED", ()) for module in ours if hasattr(module, "SYNCED")
    ]
    changed.append((type(pygit2.settings), "enable_fsync_gitdir", lambda _settings, _value: None))
    changed.append((os, "fsync", lambda _descriptor: None))
    for owner, name, value in changed:
        setattr(owner, name, value)
