"""One try at one step, in a worktree: do it, take the snapshot, run the checks on exactly that,
make the commit.

Nothing here moves a branch: an attempt makes objects, the landing thread moves refs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from git_orch import checkpoints, errors
from git_orch.flow.attempt import checks
from git_orch.flow.attempt.job import Job, Result
from git_orch.flow.attempt.site import AttemptFailed, Site, Work, refused_path
from git_orch.flow.reports import CheckEnded
from git_orch.plans import messages, reasons, redact, review, sentences, trailers
from git_orch.plans.history.status import CheckResult
from git_orch.plans.plan import RUN_TIMEOUT, Command, Step
from git_orch.repo.worktree import gate, snapshot
from git_orch.sandbox.files import PathRefused, Tree

_LETTERS: dict[str, Literal["A", "M", "D"]] = {
    "A": "A",
    "M": "M",
    "D": "D",
    "T": "M",
}  # of git, to review's
_ERROR_TAIL = 2000  # characters of a failed command's output in its error


def run(job: Job, site: Site) -> Result:
    """Try the step once. Its failure is a result; only trouble with the repository itself is
    raised.
    """
    begun = time.monotonic()
    site.spool("attempt.started", step=job.step.id, attempt=job.attempt)
    work, result = Work(), Result("verified", 0.0)
    try:
        with checkpoints.around("do step", (job, site)):
            work = _done(job, site)
    except errors.OrchError as failed:
        result = _failed(result, failed, site)
    result = _verified(job, site, result)
    if site.stop.is_set() and result.outcome == "failed":
        result = replace(result, outcome="interrupted", reason="interrupted")
    result = replace(
        result, summary=redact.redacted(work.summary, site.secrets), usd=work.usd, model=work.model
    )
    result = replace(result, seconds=time.monotonic() - begun)
    nothing_to_keep = result.tree is None or (result.outcome != "verified" and not result.changed)
    return result if nothing_to_keep else replace(result, commit=_commit(job, site, work, result))


def _failed(result: Result, failed: errors.OrchError, site: Site) -> Result:
    ours = isinstance(
        failed, AttemptFailed
    )  # then whoever shows it knows a better hint: the plan's name
    reason = failed.reason if isinstance(failed, AttemptFailed) else reasons.of(failed)
    hint = None if ours else failed.hint
    error = redact.redacted(failed.cause, site.secrets)
    return replace(
        result, outcome="failed", error=error, hint=hint, reason=reason, exit_code=failed.exit_code
    )


def _done(job: Job, site: Site) -> Work:
    match job.step.kind:
        case "files":
            return _write_files(job, site)
        case "run":
            return _run_command(job, site)
        case "agent":
            from git_orch.flow.attempt import (
                agent_step,  # the conversation and its tools: only plans with agent steps pay
            )

            return agent_step.done(job, site)
        case "manual":
            return Work()  # a person has done it in the worktree


def _write_files(job: Job, site: Site) -> Work:
    tree = Tree(site.worktree.path)
    try:
        for path, content in job.step.files.items():
            if content is not None:
                tree.write(path, content.text.encode("utf-8"), executable=content.executable)
            elif tree.kind(path) == "absent":
                raise AttemptFailed(f"cannot delete '{path}': there is no such file")
            else:
                tree.delete(path)
    except PathRefused as refused:
        raise AttemptFailed(refused.cause, "path") from refused
    return Work()


def _run_command(job: Job, site: Site) -> Work:
    command = job.step.command
    if command is None:
        raise AttemptFailed("the step has no command")
    outcome = site.launcher.run(
        command,
        worktree=site.worktree.path,
        timeout=job.step.timeout or RUN_TIMEOUT,
        output_path=site.output_path(job.attempt, "run"),
        stop=site.stop,
        network=job.network,
    )
    if outcome.reason != "exited" or outcome.status != 0:
        ended = checks.ended(outcome, job.step.timeout or RUN_TIMEOUT)
        said = outcome.excerpt(_ERROR_TAIL).strip()
        place = "\n" if "\n" in said else ": "
        told = f"{sentences.command(command.text())} {ended}" + (f"{place}{said}" if said else "")
        raise AttemptFailed(redact.redacted(told, site.secrets))
    return Work()


def _verified(job: Job, site: Site, result: Result) -> Result:
    """The result with its snapshot; while nothing has failed, with the checks run on exactly that
    snapshot.
    """
    try:
        result = _snapshot(job, site, result)
        return _checked(job, site, result) if result.outcome == "verified" else result
    except errors.Interrupted:
        raise
    except errors.OrchError as failed:  # the worktree is in a state that git cannot work with
        if result.outcome == "failed":
            return result  # the first cause is the one to tell
        error = f"the result cannot be stored: {failed.cause}"
        return replace(
            result, outcome="failed", tree=None, error=error, hint=failed.hint, reason="snapshot"
        )


def _snapshot(job: Job, site: Site, result: Result) -> Result:
    # In the sandbox the index is read-only; in the user's own checkout what git is told not to look
    # at is theirs.
    foreign = job.step.kind not in ("files", "manual") and not site.launcher.sandboxed
    if foreign and site.worktree.enclosure.own:
        snapshot.look_at_everything(site.worktree)
    terms = snapshot.Terms(site.secrets, refused_path(site.repository, job.attempt), site.copied)
    try:
        taken = snapshot.taken(site.repository, site.worktree, job.base, terms)
    except gate.GateRefused as refused:
        if result.outcome == "failed":
            return result  # the first cause is the one to tell
        error = redact.redacted(refused.cause, site.secrets)
        hint = f"less '{terms.refused}'  # nothing of it is stored in the repository"
        return replace(result, outcome="failed", tree=None, error=error, reason="gate", hint=hint)
    changed = tuple(change.path for change in taken.changes)
    review = _review(job, site, taken.changes) if result.outcome == "verified" else ()
    result = replace(result, tree=taken.tree, changed=changed, code=taken.code, review=review)
    if result.outcome != "verified":
        return result
    written = [path for path, content in job.step.files.items() if content is not None]
    ignored = snapshot.left_out(site.worktree, written)
    if taken.nested:
        error = (
            f"'{taken.nested[0]}' is a repository inside the tree; the attempt is kept without it"
        )
        return replace(result, outcome="failed", reason="nested", error=error)
    if ignored:
        error = f"git ignores '{ignored[0]}': it would not be in the commit"
        return replace(result, outcome="failed", reason="ignored", error=error)
    return result


def _review(job: Job, site: Site, changes: Sequence[gate.Change]) -> tuple[str, ...]:
    """Why somebody should look at what the step made: it may have had a hand in how it is judged."""
    listed = [review.Change(each.path, _LETTERS[each.status]) for each in changes]
    read = set(review.paths_to_read(listed))
    wanted = [
        each
        for each in changes
        if each.path in read and gate.GITLINK not in (each.mode, each.old_mode)
    ]
    found = site.objects.read_many([oid for each in wanted for oid in (each.old_oid, each.oid)])
    texts = [_text(each.data) if each is not None else None for each in found]
    with_texts = {
        each.path: (texts[2 * number], texts[2 * number + 1]) for number, each in enumerate(wanted)
    }
    compared = []
    for each in listed:
        before, after = with_texts.get(each.path, (None, None))
        compared.append(each._replace(before=before, after=after))
    return review.reasons(job.step, job.plan_checks, compared)


def _text(data: bytes) -> str | None:
    return None if b"\0" in data or len(data) > review.LARGEST else data.decode("utf-8", "replace")


def verified(job: Job, site: Site) -> Result:
    """The step's checks on the tree that the worktree holds, as a result without a commit."""
    begun = time.monotonic()
    result = _checked(job, site, Result("verified", 0.0, tree=job.tree))
    return replace(result, seconds=time.monotonic() - begun)


def _checked(job: Job, site: Site, result: Result) -> Result:
    outcomes: list[CheckResult] = []
    nothing_ignored = (
        (job.step.kind == "files" or job.verify) and job.setup is None and not site.copied
    )
    clean = nothing_ignored and not job.in_place
    for ended in checks.sequence(
        job.step.checks, site, job.attempt, result.tree or "", clean=clean
    ):
        outcomes.append(ended)
        site.reporter.emit(CheckEnded(job.number, ended))
        if not ended.passed:
            return _check_failed(
                result, outcomes, f"check {sentences.command(ended.command)} {ended.reason}"
            )
    if site.run_hooks:
        hook = checks.run_hook(site, site.output_path(job.attempt, "pre-commit"), result.tree or "")
        if hook is not None:
            outcomes.append(hook)
            site.reporter.emit(CheckEnded(job.number, hook))
            if not hook.passed:
                return _check_failed(result, outcomes, f"the pre-commit hook {hook.reason}")
    return replace(result, checks=tuple(outcomes))


def _check_failed(result: Result, outcomes: list[CheckResult], error: str) -> Result:
    return replace(result, outcome="failed", reason="check", error=error, checks=tuple(outcomes))


def _commit(job: Job, site: Site, work: Work, result: Result) -> str:
    """The attempt as a commit on its base."""
    claim = trailers.Claim(job.plan_id, job.step.id, job.attempt)
    lines = [messages.CheckLine(each.command, each.reason, each.seconds) for each in result.checks]
    extra = []
    if work.model is not None:
        extra = [
            trailers.Trailer(trailers.COST, f"{work.usd:.4f} USD"),
            trailers.Trailer(trailers.MODEL, work.model),
        ]
    # Redacted before the trailers are added: a "secret" that is a word of the plan's ID must not
    # change a claim.
    step = _redacted(job.step, site.secrets)
    message = messages.step_message(step, claim, _told(result), lines, extra, review=result.review)
    return site.identity.commit(site.objects, result.tree or "", [job.base], message)


def _redacted(step: Step, secrets: tuple[str, ...]) -> Step:
    """The step as its commit message tells of it."""
    command = step.command
    if command is not None:
        command = Command(shell=redact.redacted(command.text(), secrets))
    return step._replace(
        title=redact.redacted(step.title, secrets),
        prompt=redact.redacted(step.prompt, secrets) if step.prompt is not None else None,
        command=command,
    )


def _told(result: Result) -> str:
    if result.error is not None:
        return f"FAILED: {result.error}"
    return result.summary
