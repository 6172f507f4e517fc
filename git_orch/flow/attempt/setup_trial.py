"""Trying out what a project's tests need: the test command in the sandbox as it is, and again after
a setup command.
"""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.attempt import checks, dependencies, prepare, setup
from git_orch.flow.attempt.dependencies import Start
from git_orch.flow.attempt.means import Means
from git_orch.flow.attempt.setup import Furnishing
from git_orch.flow.machine import sandbox
from git_orch.flow.reports import Nobody
from git_orch.plans import missing, projects, redact, sentences
from git_orch.plans.approval import Setup
from git_orch.plans.missing import Missing
from git_orch.plans.plan import Check, Command
from git_orch.plans.projects import Project
from git_orch.repo import ask, identity, localfiles
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import worktrees
from git_orch.repo.worktree.enclosed import Boundary
from git_orch.repo.worktree.worktrees import Worktree
from git_orch.sandbox import private, secrecy
from git_orch.sandbox.process.outcome import Outcome

_NAME = "setup"  # of the worktree, and of the lock
_OUTPUT = 20_000  # characters that are looked at
_SHOWN = 12  # lines of what a setup printed that failed
_LONGEST_TEXT = 1 << 20  # bytes of a file that says what a project is made with


class Tried(NamedTuple):
    """The end of one command: `words` say how it ended, `lacked` what it did not have, and `file`
    has its whole output.
    """

    command: str
    passed: bool
    words: str
    seconds: float
    lacked: Missing | None
    file: Path


class Request(NamedTuple):
    """A trial: the commit, the setup command, and the commands that must pass. `report` hears of
    each as it ends.
    """

    commit: str
    setup: Setup | None
    checks: tuple[Check, ...]
    timeout: float
    report: Callable[[str, Tried], None]


def look(repository: Repository, commit: str) -> Project:
    """The project at a commit, by its files."""
    paths = ask.names(repository.git.run("ls-tree", "-r", "-z", "--name-only", commit))
    texts = {}
    for name in set(projects.READ).intersection(paths):
        data = ask.file(repository.git, commit, name)
        if data is not None and len(data) < _LONGEST_TEXT:
            texts[name] = data.decode("utf-8", "replace")
    return projects.look(paths, texts)


def check(command: str) -> Check:
    """A command line of the user's as a check."""
    return Check("run", Command(shell=command))


def is_needed(repository: Repository, request: Request) -> bool:
    """Whether one of the checks, tried without a setup, lacks something. Raises StepFailed where
    one fails and does not say that it lacks anything.
    """
    with _worktree(repository, request.commit) as worktree:
        for tried in _checked(repository, worktree, request):
            if not tried.passed:
                if tried.lacked is None:
                    raise _failed(tried)
                return True
    return False


def require_setup(repository: Repository, request: Request) -> None:
    """Try the setup, and the checks after it. Raises StepFailed where one fails."""
    if request.setup is None:
        return
    boundary = prepare.with_shares(sandbox.boundary(repository), repository)
    furnishing = Furnishing(PlanPlace(repository, _NAME), request.timeout, origin=request.commit)
    begun = time.monotonic()
    if dependencies.works_with(boundary, repository):
        with _in_words(request.setup), contextlib.closing(odb.opened(repository)) as database:
            person = identity.of_user(repository)
            of = Means(repository, person, database, boundary, Nobody(), furnishing)
            tree = odb.commit(database, request.commit).tree
            start = Start(Written(database), tree, request.commit)
            # A plan that starts from this commit finds it made.
            boundary = dependencies.made_by_setup(of, start, request.setup)
    with _worktree(repository, request.commit, boundary) as worktree:
        if not dependencies.works_with(boundary, repository):
            with _in_words(request.setup):
                place = _output(repository, "setup")
                stop = threading.Event()
                setup.run(furnishing, worktree, request.setup, place, stop, Nobody())
        _report_setup(request, request.setup, time.monotonic() - begun, _output(repository, ""))
        for tried in _checked(repository, worktree, request):
            if not tried.passed:
                raise _failed(tried)


def _report_setup(request: Request, entry: Setup, seconds: float, file: Path) -> None:
    shown = redact.redacted(entry.command, secrecy.secrets())
    request.report("setup", Tried(shown, True, "passed", seconds, None, file))


@contextlib.contextmanager
def _in_words(entry: Setup) -> Iterator[None]:
    """A setup that fails says so in one line, shows the end of its output, and names our option."""
    try:
        yield
    except setup.SetupFailed as failed:
        failed.cause, *lines = failed.cause.splitlines()
        failed.details = tuple(lines[-_SHOWN:])
        if failed.lacked in setup.OF_NETWORK and not entry.network:
            failed.hint = "git orch setup --network"
        raise


def _checked(repository: Repository, worktree: Worktree, request: Request) -> Iterator[Tried]:
    for number, entry in enumerate(request.checks, start=1):
        output = _output(repository, f"check-{number}")
        outcome = worktree.enclosure.launcher.run(
            entry.command, worktree=worktree.path, timeout=entry.timeout, output_path=output
        )
        tried = _tried(entry.command.text(), outcome, entry.timeout, output, entry.expected_exit)
        request.report("check", tried)
        yield tried


def _tried(
    command: str, outcome: Outcome, timeout: float, output: Path, expected: int = 0
) -> Tried:
    passed = outcome.reason == "exited" and outcome.status == expected
    lacked = None if passed else missing.of(outcome.status, outcome.excerpt(_OUTPUT))
    words = "passed" if passed else checks.ended(outcome, timeout, expected)
    shown = redact.redacted(command, secrecy.secrets())
    return Tried(shown, passed, words, outcome.seconds, lacked, output)


def _failed(tried: Tried) -> errors.StepFailed:
    failing = sentences.command(tried.command)
    if tried.lacked is None:
        return errors.StepFailed(
            f"check {failing} {tried.words}", f"less {shlex.quote(str(tried.file))}"
        )
    return errors.StepFailed(
        f"check {failing} {tried.words}: {tried.lacked.value}",
        f"less {shlex.quote(str(tried.file))}; then: git orch setup --command COMMAND",
    )


def _output(repository: Repository, name: str) -> Path:
    directory = repository.state_dir / "output" / _NAME
    private.make_directory(directory)
    return directory / f"{name}.txt"


@contextlib.contextmanager
def _worktree(
    repository: Repository, commit: str, boundary: Boundary | None = None
) -> Iterator[Worktree]:
    """A worktree at the commit, for one process at a time; removed afterwards. Raises Busy."""
    boundary = boundary or prepare.with_shares(sandbox.boundary(repository), repository)
    with localfiles.lock(PlanPlace(repository, _NAME)):
        try:
            yield worktrees.made(repository, _NAME, boundary, commit, "verify")
        finally:
            worktrees.remove(repository, _NAME, "verify")
