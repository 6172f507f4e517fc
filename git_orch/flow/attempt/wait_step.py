"""One look at what a step of kind `wait` waits for. Between two looks the step has neither a worker
nor a worktree.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from git_orch.flow.attempt import visits
from git_orch.flow.attempt.ending import Ending, Failed, Made, NotYet, Verified
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.site import Site
from git_orch.plans import messages, redact, sentences, trailers, waits
from git_orch.plans.waits import Look, Wait
from git_orch.repo import settings
from git_orch.sandbox.process import tools

_LONGEST_LOOK = 60  # seconds for a program
_MOST = 100  # CI runs and pull requests that gh lists


def look(job: Job, site: Site) -> Ending:
    """Look once. The commit of a wait that is over has the tree of its base."""
    wait = job.step.wait
    if wait is None:
        return Failed(Made(), "the step waits for nothing", "failed")
    seen = Look(True, "a person said so") if job.by_hand else _look(job, site, wait)
    if job.waited_until is not None and seen.passed is None and time.time() >= job.waited_until:
        cause = f"it waited {job.step.timeout} s for {wait.text()}: {seen.words}"
        return Failed(Made(), redact.redacted(cause, site.secrets), "timeout")
    if seen.passed is None:
        return NotYet(Made(), redact.redacted(seen.words, site.secrets))
    if not seen.passed:
        return Failed(Made(), redact.redacted(seen.words, site.secrets), "failed")
    site.spool("attempt.started", step=job.step.id, attempt=job.attempt)
    summary = redact.redacted(f"Waited for {wait.text()}: {seen.words}.", site.secrets)
    return Verified(Made(summary=summary), _commit(job, site, summary), job.tree)


def _look(job: Job, site: Site, wait: Wait) -> Look:
    commit = job.waited_on or job.base
    match wait.what:
        case "time":
            return _time(wait)
        case "file":
            return _file(site, wait)
        case "command":
            return _command(job, site)
        case "ci":
            asked = ("run", "list", "--commit", commit, "--limit", str(_MOST))
            text = _gh(site, *asked, "--json", "name,status,conclusion")
            return text if isinstance(text, Look) else waits.ci(text)
        case "pull_request":
            words = ("--search", commit, "--state", "all", "--limit", str(_MOST))
            fields = "number,state,headRefOid,statusCheckRollup"
            text = _gh(site, "pr", "list", *words, "--json", fields)
            return text if isinstance(text, Look) else waits.pull_request(text, commit)
        case "person":
            return Look(None, "nobody has said so")


def _time(wait: Wait) -> Look:
    moment = waits.seconds_of(wait.value)
    if moment is None:
        return Look(False, f"'{wait.value}' is no time")
    return Look(True if time.time() >= moment else None, wait.value)


def _file(site: Site, wait: Wait) -> Look:
    """A path is relative to the top of the user's checkout."""
    top = site.repository.top or site.repository.common_dir
    there = os.path.lexists(Path(top, os.path.expanduser(wait.value)))
    state = "is there" if there else "is not there"
    return Look(True if there else None, f"{sentences.quoted(wait.value)} {state}")


def _command(job: Job, site: Site) -> Look:
    command = job.step.command
    if command is None:
        return Look(False, "the step has no command")
    outcome = site.step_launcher.run(
        command,
        worktree=site.worktree.path,
        timeout=_LONGEST_LOOK,
        output_path=site.output_path(job.attempt, "wait"),
        stop=site.stop,
        network=job.network,
    )
    visits.write_down(job, site, outcome.visits)
    if outcome.reason == "exited" and outcome.status == 0:
        return Look(True, "it exited 0")
    how = f"exited {outcome.status}" if outcome.reason == "exited" else outcome.reason
    return Look(None, f"it {how}")


def _gh(site: Site, *words: str) -> str | Look:
    """What the gh program of the user prints, with their own login."""
    top = site.repository.top or site.repository.common_dir
    try:
        done = tools.capture(["gh", *words], env=os.environ, cwd=str(top), timeout=_LONGEST_LOOK)
    except FileNotFoundError:
        return Look(False, "there is no 'gh' program on PATH to ask")
    except TimeoutError:
        return Look(None, "gh gave no answer")
    if done.status != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Look(None, f"gh ended with {done.status}: {lines[0] if lines else 'no word'}")
    return done.stdout.decode("utf-8", "replace")


def _commit(job: Job, site: Site, summary: str) -> str:
    claim = trailers.Claim(job.plan_id, job.step.id, job.attempt)
    wanted = settings.of_user(site.repository)
    extra = [
        *messages.requirement_trailers(job.step),
        *trailers.attribution(wanted.attribution, []),
        *site.identity.signoff(wanted=wanted.signoff),
    ]
    message = messages.step_message(job.step, claim, (), extra, summary=summary)
    return site.identity.commit(site.objects, job.tree, [job.base], message)
