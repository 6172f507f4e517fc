"""Running a plan without git: its steps work in a directory, and nothing is written down anywhere.

For those who ask for it by name, also where there is no repository. There is no undo, no log and no
branch.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.attempt import checks
from git_orch.flow.machine import sandbox
from git_orch.flow.reports import CheckEnded, Note, Reporter, StepDone, StepStarted
from git_orch.plans import graph, redact, sentences
from git_orch.plans.history.status import CheckResult
from git_orch.plans.plan import RUN_TIMEOUT, Check, FileContent, Plan, Step
from git_orch.repo import git as gits
from git_orch.sandbox import secrecy
from git_orch.sandbox.files import PathRefused, Tree
from git_orch.sandbox.walls import environment, repositories, sandboxes
from git_orch.sandbox.walls.launcher import Launcher

_SHOWN = 2_000  # characters of what a command printed


class Ended(NamedTuple):
    """How many steps were done, in seconds; `failed` is the number of the step that was not, with
    why.
    """

    done: int
    seconds: float
    failed: int | None = None
    error: str | None = None


def execute(plan: Plan, directory: Path, launcher: Launcher, reporter: Reporter) -> Ended:
    """Do all steps in `directory`, one after the other; stops at the first failure. Raises Refused.

    Only commands and literal files can be done so: a model's work has to be reviewed, and a
    person's handed in.
    """
    for step in plan.steps:
        if step.kind not in ("run", "files") or step.network or step.pointers or step.reviews:
            asked = "asks for the network" if step.network else f"is a step of kind '{step.kind}'"
            asked = "moves a submodule" if step.pointers else asked
            asked = "has a review" if step.reviews else asked
            raise errors.Refused(
                f"step {plan.position(step.id)} {asked}, which needs a repository",
                "git init && git orch plan --from FILE",
            )
    sandbox.refuse_home(launcher, directory)
    repositories.refuse_unfit(directory)
    launcher = replace(launcher, keeps_repositories=True)
    reporter.emit(Note("without git, nothing is recorded and nothing can be rolled back"))
    begun = time.monotonic()
    order = graph.order(plan)
    for count, step_id in enumerate(order):
        step, number = plan.step(step_id) or plan.steps[0], plan.position(step_id)
        reporter.emit(StepStarted(number, len(order), step.title, step.kind))
        try:
            _do(step, directory, launcher)
            _check(step, number, directory, launcher, reporter)
        except errors.StepFailed as failed:
            return Ended(count, time.monotonic() - begun, number, failed.cause)
        reporter.emit(StepDone(number))
    return Ended(len(order), time.monotonic() - begun)


def launcher_outside() -> Launcher:
    """A launcher for commands where there is no repository, as the user's own configuration has it.
    Raises Refused.
    """
    variables = gits.environment(os.environ)
    configured = (
        gits.start(["git", "config", "--get", "orch.sandbox"], variables, "/", None)
        .stdout.decode()
        .strip()
    )
    return Launcher(
        source=environment.without_own_programs(os.environ),
        home=environment.home(os.environ) or Path("/nonexistent"),
        sandbox=sandboxes.choose(
            "none" if configured.lower() == "none" else "auto", os.environ.get("PATH", "")
        ),
    )


def _do(step: Step, directory: Path, launcher: Launcher) -> None:
    if step.files:
        with repositories.kept(directory):
            _write(step, Tree(directory))
    if step.command is not None:
        result = _result(
            Check("run", step.command, timeout=step.timeout or RUN_TIMEOUT), directory, launcher
        )
        if not result.passed:
            detail = f": {result.output}" if result.output else ""
            raise errors.StepFailed(
                f"'{result.command}' {result.reason}{detail}", "git orch exec -h"
            )


def _write(step: Step, tree: Tree) -> None:
    try:
        # What goes first makes room, as in a worktree.
        for path, content in sorted(step.files.items(), key=lambda item: item[1] is not None):
            if isinstance(content, FileContent):
                tree.write(path, content.text.encode("utf-8"), executable=content.executable)
            else:
                tree.delete(path)
    except PathRefused as refused:
        raise errors.StepFailed(refused.cause, refused.hint) from refused


def _check(
    step: Step, number: int, directory: Path, launcher: Launcher, reporter: Reporter
) -> None:
    for check in step.checks:
        result = _result(check, directory, launcher)
        reporter.emit(CheckEnded(number, result))
        if not result.passed:
            raise errors.StepFailed(
                f"check {sentences.command(result.command)} {result.reason}", "git orch exec -h"
            )


def _result(check: Check, directory: Path, launcher: Launcher) -> CheckResult:
    outcome = launcher.run(check.command, worktree=directory, timeout=check.timeout)
    secrets = secrecy.secrets()
    passed = outcome.reason == "exited" and outcome.status == check.expected_exit
    return CheckResult(
        type=check.type,
        command=redact.redacted(check.command.text(), secrets),
        exit=outcome.status,
        passed=passed,
        seconds=outcome.seconds,
        output=redact.redacted(outcome.excerpt(_SHOWN).strip(), secrets),
        reason="ok" if passed else checks.ended(outcome, check.timeout, check.expected_exit),
    )
