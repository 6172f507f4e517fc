"""The means of a process for all its attempts, and what it remembers between them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_orch.flow.attempt.setup import Furnishing, SetupFailed
from git_orch.flow.reports import Reporter
from git_orch.repo import settings
from git_orch.repo.identity import Identity
from git_orch.repo.objects.objects import Database, Written
from git_orch.repo.repository import Repository
from git_orch.repo.worktree.enclosed import Boundary
from git_orch.repo.worktree.standing import Standing
from git_orch.sandbox.walls.view import Share

if TYPE_CHECKING:
    from git_orch.flow.model.service import Service


@dataclass(frozen=True)
class Memory:
    """The knowledge of a process's attempts: the shares for each tree, those with submodules for
    what a tree says of them, the paths that a .gitmodules names, what failed for a key.
    """

    shares: dict[str, tuple[Share, ...]] = field(default_factory=dict)
    submodule_paths: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    submodules: dict[str, tuple[Share, ...]] = field(default_factory=dict)
    failed: dict[str, SetupFailed] = field(default_factory=dict)


@dataclass
class Means:
    """Means that the attempts of one process share. `service` replies to agent steps."""

    repository: Repository
    identity: Identity
    objects: Database
    boundary: Boundary
    reporter: Reporter
    furnishing: Furnishing
    service: Service | None = None
    use_cache: bool = True
    run_hooks: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    at: dict[str, str] = field(default_factory=dict)  # the tree that a worktree holds, by its name
    standings: dict[str, Standing] = field(default_factory=dict)  # of the worktrees, by name
    set_up: set[str] = field(default_factory=set)  # worktrees in which the setup command ran
    made: dict[str, Written] = field(default_factory=dict)  # what attempts made that no ref holds
    memory: Memory = field(default_factory=Memory)

    @property
    def with_setup(self) -> bool:
        """Whether the user has a setup command."""
        return settings.of_user(self.repository).setup is not None
