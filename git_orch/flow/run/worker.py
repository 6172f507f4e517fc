"""What a worker does: one step, from a text to a text, in a thread, another process or on another
machine.

A result is stored in git under the attempt's own ref before it is given back, and only if there is
none yet: whoever asks twice, or loses the answer, gets the same one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from git_orch.flow.attempt import attempt, prepare, setup
from git_orch.flow.attempt import job as jobs
from git_orch.flow.attempt.job import Job, Result
from git_orch.flow.attempt.prepare import Means
from git_orch.flow.attempt.setup import SetupFailed
from git_orch.flow.machine import sandbox
from git_orch.flow.model import service as models
from git_orch.flow.reports import Report
from git_orch.flow.run import in_place
from git_orch.repo import identity, repository, settings
from git_orch.repo.log import results
from git_orch.repo.objects import objects
from git_orch.repo.worktree.worktrees import Worktree

_HERE: dict[str, Means] = {}  # by run, for workers that are threads of the process that made it


@contextlib.contextmanager
def in_threads(run: str, means: Means) -> Iterator[None]:
    """Let workers in this process share what the run has open already."""
    _HERE[run] = means
    try:
        yield
    finally:
        del _HERE[run]


def run_step(job: str) -> str:
    """Do one job, a `jobs.Job` as JSON; gives a `jobs.Result` as JSON. Only trouble with the
    repository is raised.
    """
    read = jobs.read(job)
    with _means(read) as means:
        if read.verify:
            try:
                return _verified(read, means).text()
            except SetupFailed as failed:
                return _not_set_up(failed)
        known = results.found(means.repository, means.objects, read.plan_id, read.attempt)
        return known if known is not None else _tried(read, means)


def _tried(job: Job, means: Means) -> str:
    if job.delay:
        means.stop.wait(job.delay)
    try:
        worktree = _worktree(job, means)
    except SetupFailed as failed:
        return _not_set_up(failed)
    with prepare.at(means, worktree, job.plan_id, job.attempt, job.after) as site:
        result = attempt.run(job, site)
        if (
            job.in_place
            and result.outcome == "verified"
            and not in_place.on_branch(means.repository, job.plan_id)
        ):
            error = "another branch was checked out meanwhile: what is there now is not the work of the step alone"
            result = replace(result, outcome="failed", error=error, reason="moved")
        given = results.Given(job.plan_id, job.attempt, result.text(), result.commit)
        stored = results.store(means.repository, site.objects, means.identity, given)
    if job.worktree is not None and result.outcome == "verified" and result.tree is not None:
        means.at[job.worktree] = result.tree
    return stored


def _not_set_up(failed: SetupFailed) -> str:
    return Result("failed", 0.0, error=failed.cause, hint=failed.hint, reason="setup").text()


def _worktree(job: Job, means: Means) -> Worktree:
    if job.in_place:
        return prepare.users_own(means)
    if job.worktree is not None:
        return prepare.prepared(means, job.worktree, job.base, job.tree, job.setup)
    return prepare.of_person(means, job.plan_id, job.base)


def _verified(job: Job, means: Means) -> Result:
    """The checks of a step on the commit that is to land, which nobody has seen in this form yet."""
    with prepare.at(means, _worktree(job, means), job.plan_id, job.attempt, job.after) as site:
        return attempt.verified(job, site)


@contextlib.contextmanager
def _means(job: Job) -> Iterator[Means]:
    """What the run has open, in its own process; elsewhere opened anew."""
    shared = _HERE.get(job.run)
    if shared is not None:
        yield shared
        return
    found = repository.discover(Path(job.directory))
    chosen = settings.of_user(found)
    with contextlib.ExitStack() as stack:
        service = (
            stack.enter_context(models.service(chosen.prices)) if job.step.kind == "agent" else None
        )
        database = stack.enter_context(contextlib.closing(objects.opened(found, warm=True)))
        boundary, person = sandbox.boundary(found), identity.of_user(found)
        furnishing = setup.of(found, job.base)
        yield Means(
            found,
            person,
            database,
            boundary,
            _Nobody(),
            furnishing,
            service,
            run_hooks=chosen.runHooks,
        )


class _Nobody:
    """Nobody watches a worker in another process: its result says what there is to say."""

    def emit(self, report: Report) -> None:
        """Take one report."""
