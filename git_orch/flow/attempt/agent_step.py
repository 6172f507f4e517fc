"""An agent step: a model with a few tools works in the worktree; checks, not the model, decide
whether it is done.
"""

from __future__ import annotations

from collections.abc import Callable

from git_orch import errors
from git_orch.agents import conversation, exchange, prompts, reports, toolbox, trace
from git_orch.flow.attempt import before
from git_orch.flow.attempt.brief import Knowledge, brief, instructions_for
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.site import AttemptFailed, Site, Work
from git_orch.flow.machine import command_policy
from git_orch.flow.model import purse as spending
from git_orch.flow.reports import StepProgress
from git_orch.plans import ids, redact
from git_orch.repo.local import ledger
from git_orch.repo.plan_place import PlanPlace


def done(job: Job, site: Site) -> Work:
    """Let the model work on the step. Raises AttemptFailed, LimitReached, ProviderFailed,
    UsageError.
    """
    service = site.service
    if service is None:
        raise AttemptFailed("there is no model to do it")
    calls: list[float] = []

    def called(call: exchange.Call) -> None:
        body = spending.call_document(call, job.model, service.prices)
        calls.append(float(str(body["usd"])))
        site.spool("model.called", purpose="step", step=job.step.id, attempt=job.attempt, **body)

    again = f"git orch exec {ids.short(job.plan_id)}"
    purse = ledger.Ledger(PlanPlace(site.repository, job.plan_id))
    model = spending.LimitedModel(
        service.model, purse, service.prices, spending.About(job.attempt, job.step.id), again
    )
    outputs = site.output_path(job.attempt, "tools").parent
    tops = site.launcher.site_map(site.worktree.path).tops
    policy = command_policy.policy(
        job.plan,
        tops[0],
        site.repository.top,
        site.launcher,
        network=job.network,
    )
    place = toolbox.Place(
        site.worktree.path,
        outputs,
        site.launcher,
        policy,
        network=job.network,
        tops=tops,
        closed=site.launcher.closed,
    )
    box = toolbox.Toolbox(
        place,
        frozenset(tool for tool in ("read", "write", "command") if tool in job.tools),
        may_ask=job.may_ask,
    )
    about = {"plan": job.plan_id, "step": job.step.id, "attempt": job.attempt}
    with trace.Trace(
        site.trace_path(job.plan_id, job.attempt), about, secrets=site.secrets
    ) as record:
        ending = conversation.converse(
            brief(job, service.prices, service.delimiter, _knowledge(job, site)),
            model,
            box,
            on_call=called,
            report=_both(record.record, _shown(job, site)),
            stop=site.stop,
        )
    _refuse_unfinished(ending, f"git orch edit {ids.short(job.plan_id)}")
    written = frozenset(box.written) if box.written is not None else None
    if ending.outcome == "asked":
        return Work("", sum(calls), job.model, written, ending.summary)
    return Work(ending.summary, sum(calls), job.model, written)


def _knowledge(job: Job, site: Site) -> Knowledge:
    """What is known of the step before the model begins."""
    text = instructions_for(site.repository, site.objects, job.tree, job.step.paths)
    return Knowledge(_last_try(job, site), text, tuple(before.results(job, site)))


def _last_try(job: Job, site: Site) -> prompts.Failure | None:
    """Why the last attempt failed and what it had changed; the commit that kept it may be gone by
    now.
    """
    last = job.last
    if last is None:
        return None
    diff = b""
    if last.commit is not None:
        asked = (
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            f"{last.commit}^",
            last.commit,
            "--",
        )
        diff = site.repository.git.finished(*asked, expect=(0, 128)).stdout
    return prompts.Failure(last.reason, last.output, diff.decode("utf-8", "replace"))


def _both(
    first: Callable[[reports.Event], None], second: Callable[[reports.Event], None]
) -> Callable[[reports.Event], None]:
    def tell(event: reports.Event) -> None:
        first(event)
        second(event)

    return tell


def _shown(job: Job, site: Site) -> Callable[[reports.Event], None]:
    """A listener that reports the model's texts between tools, every call with its end, and every
    wait.
    """
    number = job.number

    def tell(event: reports.Event) -> None:
        text = _line(event)
        if text:
            site.reporter.emit(StepProgress(number, redact.redacted(text, site.secrets)))

    return tell


def _line(event: reports.Event) -> str:
    match event:
        case reports.Replied(_, reply):
            return reply.text.strip()
        case reports.Used(_, call, result) if result.summary is None:
            ended = result.verdict if result.exit is None else f"exit {result.exit}"
            return f"{call.name} {reports.subject(call)}: {ended}"
        case reports.Waiting(_, seconds, cause):
            return f"waiting {seconds:.0f} s: {cause}"
        case _:
            return ""


def _refuse_unfinished(ending: conversation.Ending, edit: str) -> None:
    match ending.outcome:
        case "done" | "no-summary" | "asked":
            return
        case "gave-up":
            cause = f"the model says that it cannot be done: {ending.summary}"
            raise AttemptFailed(cause, "gave-up", f"{edit}  # change what stands in the way")
        case "turn-limit":
            raise errors.TurnsUsedUp(ending.summary, "git orch exec")
        case "refused":
            raise errors.ModelRefused(f"the model refused: {ending.summary}", edit)
        case "stopped":
            raise AttemptFailed("stopped", "interrupted")
        case reason:
            raise AttemptFailed(ending.summary, reason)
