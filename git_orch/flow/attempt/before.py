"""Which checks of an agent step pass before its model begins: what fails is what the step is about,
and what passes already shows nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from git_orch.agents import prompts
from git_orch.flow.attempt import checks
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.site import Site
from git_orch.flow.reports import StepProgress
from git_orch.plans import sentences
from git_orch.plans.history.status import CheckResult
from git_orch.repo.worktree import worktrees

_LONGEST = 60  # seconds of one check; more is not worth knowing
_SECONDS = 120.0  # of all of them


def results(job: Job, site: Site) -> list[prompts.Before]:
    """How the checks end on the tree that the step starts from; nothing where only some of them can
    be known. The worktree is as it was afterwards.

    They do not run for a further attempt, which knows more, nor where somebody else works.
    """
    if job.last is not None or job.in_place or job.worktree is None or not job.step.checks:
        return []
    answers = [
        prompts.Before(result.command, result.passed, result.reason, result.output)
        for result in _ended(job, site)
    ]
    if len(answers) < len(job.step.checks):
        return []
    failing = sum(not check.passed for check in answers)
    of = f"{failing} of {sentences.count(len(answers), 'check')}"
    words = f"{of} {sentences.verb(failing, 'fails', 'fail')} before the model begins"
    site.reporter.emit(StepProgress(job.number, words))
    return answers


def _ended(job: Job, site: Site) -> Iterator[CheckResult]:
    """The results as far as time allows."""
    ran: list[Site] = []

    def enter() -> Site:
        ran.append(site)
        return site

    limited = [check._replace(timeout=min(check.timeout, _LONGEST)) for check in job.step.checks]
    stage = checks.Stage(site, job.tree, enter, site.is_clean)
    end = time.monotonic() + _SECONDS
    try:
        for result in checks.sequence(limited, stage, job.attempt):
            if checks.timed_out(result) or site.stop.is_set():
                return
            yield result
            if time.monotonic() > end:
                return
    finally:
        if ran:
            _put_back(job, site)


def _put_back(job: Job, site: Site) -> None:
    """The worktree without what the checks left in it and in shares."""
    worktree = site.worktree
    worktree.standing.forget()
    worktrees.point(worktree, job.base, ignored=not site.set_up)
    site.furnish(worktree)
    site.discard_writes()
    worktree.standing.begin()
