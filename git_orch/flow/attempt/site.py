"""The site of an attempt: the worktree, the sandbox, and the store for its results."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.agents import telemetry
from git_orch.flow import reports
from git_orch.flow.reports import Reporter
from git_orch.plans import redact
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
from git_orch.sandbox import keeping, secrecy
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
    `furnish` puts what the user shares into a worktree. `number` is that of the step, None for
    checks of the whole plan.
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
    number: int | None = None

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
    def step_launcher(self) -> Launcher:
        """What runs the commands of the step itself: they know the span that they work for."""
        span = telemetry.carrier()
        variables = {telemetry.TRACE_VARIABLES[name]: value for name, value in span.items()}
        if not variables:
            return self.launcher
        source = {**self.launcher.source, **variables}
        return replace(self.launcher, source=source, extra=(*self.launcher.extra, *variables))

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

    def outputs(self, attempt: str) -> Path | None:
        """The local directory that takes whole outputs; None where the system refuses one."""
        return self._private(keeping.OUTPUTS, "output", attempt)

    def output_path(self, attempt: str, name: str) -> Path | None:
        """The local file that takes a command's whole output."""
        directory = self.outputs(attempt)
        return directory / f"{name}.txt" if directory is not None else None

    def begin_phase(self, attempt: str, name: str, about: str = "") -> None:
        """Write down, for whoever looks, what the attempt does from now on; `about` is the command."""
        phases.begin(self.repository, attempt, Phase(name))
        self.report_phase(name, about)

    def report_phase(self, name: str, about: str = "") -> None:
        """Tell the watcher of the run what the attempt does from now on."""
        shown = redact.redacted(about, self.secrets) if about else ""
        self.reporter.emit(reports.Phase(self.number, name, shown))

    def trace_path(self, plan: str, attempt: str) -> Path | None:
        """The local file that takes the conversation with the model."""
        directory = self._private(keeping.CONVERSATION, "traces", plan)
        return directory / f"{attempt}.jsonl" if directory is not None else None

    def _private(self, what: str, *names: str) -> Path | None:
        directory = self.repository.state_dir
        with keeping.unnecessary(what):
            own_files.make_directories(directory, names)
            own_files.require(directory, names)
            return directory.joinpath(*names)
        return None


@dataclass(frozen=True, slots=True)
class Work:
    """Results of a step besides changed files. `written` are the paths of all files that may have
    changed; None: any may have. With a `question` the step is not done. `agent` is the program that
    did it, where that was not git-orch.
    """

    summary: str = ""
    usd: float = 0.0
    model: str | None = None
    written: frozenset[str] | None = None
    question: str | None = None
    agent: str | None = None


def refused_path(repository: Repository, name: str) -> Path:
    """The local file that takes, as a patch, what must not enter the repository."""
    return repository.state_dir / "refused" / f"{name}.patch"
