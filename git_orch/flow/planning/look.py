"""The look of a model that plans at the files of the plan's base: in a worktree that is made when the
first of its tools is used, and goes when the plan is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from git_orch import errors
from git_orch.agents import exchange, reports, tool_definitions, toolbox
from git_orch.agents.toolbox import Result
from git_orch.agents.trace import Trace
from git_orch.flow.machine import sandbox
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import paths, redact
from git_orch.repo import localfiles
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import worktrees
from git_orch.sandbox import secrecy
from git_orch.sandbox.files import Tree

_TOOLS = ("read_file", "search")
_AT_ONCE = 8  # plans that are made at once, each with a worktree of its own
_READ: frozenset[tool_definitions.Permission] = frozenset({"read"})


class Look:
    """The tools of a planning model on a commit. What they show has no secrets in it, and files that
    hold some by their names are not there.
    """

    def __init__(
        self, repository: Repository, commit: str, reporter: Reporter, trace: Trace
    ) -> None:
        self._repository = repository
        self._commit = commit
        self._reporter = reporter
        self._trace = trace
        self._calls = 0
        self._opened = contextlib.ExitStack()
        self._box: toolbox.Toolbox | None = None
        self._secrets = secrecy.secrets()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._opened.close()

    def definitions(self) -> tuple[exchange.Block, ...]:
        """The definitions of the tools, for the request to the model."""
        return tuple(tool_definitions.OFFERS[name].definition() for name in _TOOLS)

    def result(self, call: exchange.ToolCall) -> Result:
        """Run a tool, show it and write it down. Whatever the model sent gives a result."""
        self._calls += 1
        answer = self._answer(call)
        self._trace.record(reports.Used(self._calls, call, answer))
        return answer

    def _answer(self, call: exchange.ToolCall) -> Result:
        if call.name not in _TOOLS:
            return Result(f"there is no tool '{call.name}' here: {', '.join(_TOOLS)}", "invalid")
        try:
            self._box = self._box or self._open()
        except (errors.Refused, errors.UnfitRepository, errors.Busy) as failed:
            return Result(f"nobody can look: {failed.cause}", "failed")
        answer = self._box.result(call)
        line = f"{call.name} {reports.subject(call)}: {answer.verdict}"
        self._reporter.emit(Note(redact.redacted(line, self._secrets)))
        return replace(answer, text=redact.redacted(answer.text, self._secrets))

    def _open(self) -> toolbox.Toolbox:
        repository = self._repository
        boundary = sandbox.boundary(repository, lambda text: self._reporter.emit(Note(text)))
        name = self._opened.enter_context(_name(repository))
        self._opened.callback(worktrees.remove, repository, name, "verify")
        worktree = worktrees.made(repository, name, boundary, self._commit, "verify")
        _take_away_secrets(Tree(worktree.path))
        outputs = repository.state_dir / "output" / name
        launcher = boundary.launcher
        tops = launcher.site_map(worktree.path).tops
        return toolbox.Toolbox(toolbox.Place(worktree.path, outputs, launcher, tops=tops), _READ)


@contextlib.contextmanager
def _name(repository: Repository) -> Iterator[str]:
    """The name of a worktree that nobody else has meanwhile. Raises Busy."""
    for number in range(_AT_ONCE):
        name = f"look-{number}"
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(localfiles.lock(PlanPlace(repository, name)))
            except errors.Busy:
                continue
            yield name
            return
    raise errors.Busy(f"{_AT_ONCE} plans are being made already", "git orch plan --no-look TASK")


def _take_away_secrets(tree: Tree) -> None:
    """Remove the files that hold secrets by their names: nobody commits what is here."""
    for path in list(tree.listing()):
        if paths.holds_secrets(path):
            tree.delete(path)
