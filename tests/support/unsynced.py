"""git-orch without syncing to disk: that is for power cuts, which no test has, and takes time.

Processes that tests start as a user would still sync.
"""

from __future__ import annotations

import importlib
import pkgutil

MODEL = "git_orch.agents.messages"  # brings with it as much as all other modules together


def import_all(*, but: str | None = None) -> None:
    """Import all of git-orch, as a process does once that forks many runs of it, perhaps but one
    module; none of them syncs.
    """
    import git_orch

    for module in pkgutil.walk_packages(git_orch.__path__, "git_orch."):
        if not module.name.endswith("__main__") and module.name != but:
            importlib.import_module(module.name)
    from git_orch.repo import sync
    from git_orch.sandbox.walls import bubblewrap

    bubblewrap.private_settings()  # this machine's: each run would look at all of /etc for it
    sync.switch(on=False)
