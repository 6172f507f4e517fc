"""The work of a worker: one step, from a text to a text, in a thread, another process or on another
machine.

A result is stored in git under the attempt's own ref before it is given back, and only if there is
none yet: whoever asks twice, or loses the answer, gets the same one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from git_orch.agents import telemetry
from git_orch.flow.attempt import ending, prepare, setup
from git_orch.flow.attempt import job as jobs
from git_orch.flow.attempt.attempt import Attempt
from git_orch.flow.attempt.ending import Ending, Failed, Interrupted, Made, Verified
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.means import Means
from git_orch.flow.attempt.setup import SetupFailed
from git_orch.flow.attempt.site import Site
from git_orch.flow.machine import sandbox
from git_orch.flow.model import service as models
from git_orch.flow.reports import Nobody
from git_orch.flow.run import in_place
from git_orch.repo import identity, repository, settings
from git_orch.repo.log import results
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace

_MOVED = "another branch was checked out during the step: the files there are not its work alone"
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
                return ending.text(_verify(read, means))
            except SetupFailed as failed:
                return _not_set_up(failed)
        earlier = (
            results.result_of(
                PlanPlace(means.repository, read.plan_id), means.objects, read.attempt
            )
            if read.held
            else None
        )
        return earlier if earlier is not None else _try(read, means)


def _try(job: Job, means: Means) -> str:
    if job.delay:
        means.stop.wait(job.delay)
    try:
        site = prepare.site(means, job)
    except SetupFailed as failed:
        return _not_set_up(failed)
    try:
        result = _attempt(job, site)
    except SetupFailed as failed:
        return _not_set_up(failed)
    finally:
        site.discard_writes()
    if (
        job.in_place
        and isinstance(result, Verified)
        and not in_place.on_branch(PlanPlace(means.repository, job.plan_id))
    ):
        result = ending.failed(result, _MOVED, "moved")
    stored = _hand_over(job, means, site, result)
    holds = job.step.kind != "wait"  # a command that only looks may have left anything
    if holds and job.worktree is not None and site.has_worktree and isinstance(result, Verified):
        means.at[job.worktree] = result.tree
    return stored


def _attempt(job: Job, site: Site) -> Ending:
    """Try the step, in a span of its own."""
    step = job.step
    model = (step.model if job.agent else job.model) if step.kind == "agent" else None
    with telemetry.step(step.id, step.kind, model, job.span) as span:
        span.note(
            plan__id=telemetry.name_of(job.plan_id), step__attempt=job.attempt, step__kind=step.kind
        )
        result = _done(job, site)
        made = result.made
        span.note(cost__usd=made.usd, step__checks=len(made.checks), step__commit=result.commit)
        if isinstance(result, Failed | Interrupted):
            span.failed = result.reason
    return result


def _done(job: Job, site: Site) -> Ending:
    """The end of one try at the step of a job."""
    if job.step.kind == "wait":
        from git_orch.flow.attempt import wait_step  # few plans wait

        return wait_step.look(job, site)
    return Attempt(job, site).run()


def _hand_over(job: Job, means: Means, site: Site, result: Ending) -> str:
    """The result as JSON, now that a ref holds what the attempt made, or this process does."""
    content = ending.text(result)
    if not job.held:
        means.made[job.attempt] = site.objects
        return content
    given = results.Given(job.attempt, content, result.commit)
    place = PlanPlace(means.repository, job.plan_id)
    return results.store(place, site.objects, means.identity, given)


def _not_set_up(failed: SetupFailed) -> str:
    return ending.text(Failed(Made(), failed.cause, "setup", failed.hint))


def _verify(job: Job, means: Means) -> Verified | Failed:
    """The checks of a step on the commit that is to land, which nobody has seen in this form yet."""
    site = prepare.site(means, job)
    try:
        return Attempt(job, site).verify()
    finally:
        site.discard_writes()


@contextlib.contextmanager
def _means(job: Job) -> Iterator[Means]:
    """The means of the run, if it is in this process; elsewhere they are opened anew."""
    shared = _HERE.get(job.run)
    if shared is not None:
        yield shared
        return
    repo = repository.discover(Path(job.directory))
    chosen = settings.of_user(repo)
    with contextlib.ExitStack() as stack:
        service = (
            stack.enter_context(models.service(chosen, chosen.waitLimits))
            if job.step.reviews or (job.step.kind == "agent" and not job.agent)
            else None
        )
        database = stack.enter_context(contextlib.closing(objects.opened(repo)))
        boundary = prepare.with_shares(sandbox.boundary(repo), repo)
        person = identity.of_user(repo)
        furnishing = setup.furnishing(PlanPlace(repo, job.plan_id), job.base)
        yield Means(
            repo,
            person,
            database,
            boundary,
            Nobody(),
            furnishing,
            service,
            run_hooks=chosen.runHooks,
        )
