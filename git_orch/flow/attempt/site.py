"""Where an attempt happens: the worktree, the sandbox, and what takes its results."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.reports import Reporter
from git_orch.plans.reasons import Reason
from git_orch.repo import own_files
from git_orch.repo.identity import Identity
from git_orch.repo.local import phases
from git_orch.repo.local.phases import Phase
from git_orch.repo.log.spool import Put
from git_orch.repo.objects.objects import Written
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import enclosed
from git_orch.repo.worktree.enclosed import Boundary
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox import secrecy
from git_orch.sandbox.walls.launcher import Launcher

if TYPE_CHECKING:
    from git_orch.flow.model.service import Service


Refit = Callable[[str], Boundary]


class AttemptFailed(errors.StepFailed):
    """The step could not be done; the message says why, `reason` in one word. Where it has a hint,
    that is better than what everybody knows.
    """

    def __init__(self, cause: str, reason: Reason = "failed", hint: str | None = None) -> None:
        super().__init__(cause, hint or "git orch show --attempts")
        self.reason = reason
        self.own_hint = hint


def _nothing(_worktree: Worktree) -> None:
    """Nothing is shared."""


@dataclass(frozen=True)
class Site:
    """Where an attempt happens, and who hears of it.

    The worktree is at `path`, and made by `open_worktree` when somebody first needs its files.
    `objects` takes what an attempt makes, until a ref holds it. `spool` puts an event on disk at
    once: what a model call has cost must survive us. With `run_hooks` the repository's pre-commit
    hook is the last check of every step. `set_up` says that the setup command left files in the
    worktree itself. `refit` gives the boundary that fits another tree. `shared` is the plan where a
    person works in the worktree as well, else None: then the checks of a commit run `elsewhere`.
    `furnish` puts what the user shares into a worktree.
    """

    repository: Repository
    identity: Identity
    objects: Written
    path: Path
    open_worktree: Callable[[], Worktree]
    launcher: Launcher
    reporter: Reporter
    stop: threading.Event
    spool: Put
    service: Service | None = None
    run_hooks: bool = False
    use_cache: bool = True
    copied: tuple[str, ...] = ()
    set_up: bool = False
    refit: Refit | None = None
    shared: str | None = None
    elsewhere: Callable[[str], AbstractContextManager[Site]] | None = None
    furnish: Callable[[Worktree], None] = _nothing

    @cached_property
    def worktree(self) -> Worktree:
        """The worktree, made if it is not there yet. Raises SetupFailed, UnfitRepository."""
        return self.open_worktree()

    @property
    def has_worktree(self) -> bool:
        """Whether somebody has needed the worktree."""
        return "worktree" in self.__dict__

    @property
    def is_clean(self) -> bool:
        """Whether a worktree that was just brought to a commit holds nothing but that."""
        return not self.set_up and not self.copied

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must not reach anything durable."""
        return secrecy.secrets()

    def refitted(self, tree: str) -> Site:
        """The same site, where commands see the dependencies that fit this tree, and nothing that
        others wrote to shares. Raises SetupFailed.
        """
        if self.refit is None:
            return self
        shares = self.refit(tree).launcher.shares
        if shares == self.launcher.shares:
            return self
        self.discard_writes()
        worktree = self.worktree
        enclosure = worktree.enclosure
        boundary = enclosure.boundary._replace(launcher=replace(enclosure.launcher, shares=shares))
        fitting = worktree._replace(enclosure=replace(enclosure, boundary=boundary))
        return replace(
            self, launcher=replace(self.launcher, shares=shares), open_worktree=lambda: fitting
        )

    def discard_writes(self) -> None:
        """Throw away what commands wrote to shares in this attempt."""
        if self.launcher.writes is not None:
            enclosed.discard(self.launcher.writes)

    def output_path(self, attempt: str, name: str) -> Path:
        """The local file that takes a command's whole output."""
        return self._private("output", attempt) / f"{name}.txt"

    def begin_phase(self, attempt: str, name: str) -> None:
        """Write down, for whoever looks, what the attempt does from now on."""
        phases.begin(self.repository, attempt, Phase(name))

    def trace_path(self, plan: str, attempt: str) -> Path:
        """The local file that takes the conversation with the model."""
        return self._private("traces", plan) / f"{attempt}.jsonl"

    def _private(self, *names: str) -> Path:
        directory = self.repository.state_dir
        own_files.make_directories(directory, names)
        own_files.require(directory, names)
        return directory.joinpath(*names)


@dataclass(frozen=True, slots=True)
class Work:
    """Results of a step besides changed files. `written` are the paths of all files that may have
    changed; None: any may have. With a `question` the step is not done.
    """

    summary: str = ""
    usd: float = 0.0
    model: str | None = None
    written: frozenset[str] | None = None
    question: str | None = None


def refused_path(repository: Repository, name: str) -> Path:
    """The local file that takes, as a patch, what must not enter the repository."""
    return repository.state_dir / "refused" / f"{name}.patch"
