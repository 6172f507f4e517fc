"""An agent step: a model with a few tools works in the worktree; checks, not the model, decide
whether it is done.
"""

from __future__ import annotations

from collections.abc import Callable

from git_orch import errors
from git_orch.agents import conversation, exchange, limits, prompts, reports, toolbox, trace
from git_orch.flow.attempt import before
from git_orch.flow.attempt.brief import Knowledge, brief, digest, instructions_for
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.site import AttemptFailed, Site, Work
from git_orch.flow.machine import command_policy
from git_orch.flow.model import purse as spending
from git_orch.flow.reports import Note, StepProgress
from git_orch.plans import ids, redact
from git_orch.repo.local import conversations, ledger
from git_orch.repo.local.conversations import Saved
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import snapshot

_GOES_ON = (
    "The work was interrupted here and goes on now. The worktree holds what you had changed; files "
    "that git ignores are gone. You have {turns} turns from here."
)
_LANDED_SINCE = (
    "Other steps of the plan have landed meanwhile: the worktree has their changes as well. Look "
    "again at what you rely on."
)


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

    def wait(limit: limits.Limit) -> None:
        about = {"run": job.run, "step": job.step.id, "attempt": job.attempt}
        site.spool("run.waiting", **about, until=limit.utc(), cause=limit.cause)
        site.reporter.emit(Note(f"waiting until {limit.moment()}: {limit.cause}"))

    purse = ledger.Ledger(PlanPlace(site.repository, job.plan_id))
    model = spending.LimitedModel(
        service.model,
        purse,
        service.prices,
        spending.About(job.attempt, job.step.id),
        job.again,
        spending.Waits(service.breaker, wait),
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
    talk = _Talk(job, site, calls)
    if talk.summary is not None:
        return Work(talk.summary, talk.usd, job.model)
    # A conversation that goes on has been told, and its worktree is not the base.
    knowledge = _knowledge(job, site) if talk.resumed is None else Knowledge()
    about = {"plan": job.plan_id, "step": job.step.id, "attempt": job.attempt}
    with trace.Trace(
        site.trace_path(job.plan_id, job.attempt), about, secrets=site.secrets
    ) as record:
        ending = conversation.converse(
            brief(job, service.prices, service.delimiter, knowledge),
            model,
            box,
            on_call=called,
            report=_both(record.record, _shown(job, site)),
            stop=site.stop,
            resumed=talk.resumed,
            save=talk.save,
        )
    _refuse_unfinished(ending, f"git orch edit {ids.short(job.plan_id)}", job.again)
    if ending.outcome == "asked":
        return Work("", talk.usd, job.model, question=ending.summary)
    talk.finish(ending.summary)
    written = frozenset(box.written) if box.written is not None and not talk.resumed else None
    return Work(ending.summary, talk.usd, job.model, written)


class _Talk:
    """The conversation of an attempt in its local file, from where the next attempt can go on. With
    a `summary` the model had finished; the worktree holds what it had made.
    """

    def __init__(self, job: Job, site: Site, calls: list[float]) -> None:
        self._job = job
        self._site = site
        self._calls = calls
        self._place = PlanPlace(site.repository, job.plan_id)
        self._messages: tuple[exchange.Message, ...] = ()
        self._before = self._continued()
        self.summary = self._before.summary if self._before is not None else None
        self.resumed: conversation.Resumed | None = None
        if self._before is not None and job.continued is not None:
            note = _GOES_ON.format(turns=conversation.TURNS)
            note += f" {_LANDED_SINCE}" if job.continued.landed else ""
            self.resumed = conversation.Resumed(self._before.messages, job.continued.answer, note)

    def _continued(self) -> Saved | None:
        """The conversation that goes on, and its files in the worktree; None where it is gone."""
        job, site = self._job, self._site
        if job.continued is None:
            return None
        before = conversations.read(self._place, job.step_id)
        if before is None or before.attempt != job.continued.attempt:
            return None
        if job.continued.tree != job.tree:
            snapshot.check_out(site.worktree, job.continued.tree)
        return before

    @property
    def usd(self) -> float:
        """What the conversation has cost, in all attempts."""
        return sum(self._calls) + (self._before.usd if self._before is not None else 0.0)

    def save(self, messages: tuple[exchange.Message, ...]) -> None:
        """Keep the conversation so far. In the user's checkout nothing can go on."""
        self._messages = messages
        self._write()

    def finish(self, summary: str) -> None:
        """Keep that the model has finished: what is left are the checks."""
        self._write(summary)

    def _write(self, summary: str | None = None) -> None:
        job = self._job
        if job.worktree is None:
            return
        turns = sum(1 for message in self._messages if message["role"] == "assistant")
        saved = Saved(
            job.attempt,
            job.base,
            job.tree,
            job.worktree,
            digest(job),
            self._messages,
            turns,
            self.usd,
            summary,
        )
        conversations.write(self._place, job.step_id, saved, self._site.secrets)


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


def _refuse_unfinished(ending: conversation.Ending, edit: str, again: str) -> None:
    match ending.outcome:
        case "done" | "no-summary" | "asked":
            return
        case "gave-up":
            cause = f"the model says that it cannot be done: {ending.summary}"
            raise AttemptFailed(cause, "gave-up", f"{edit}  # change what stands in the way")
        case "turn-limit":
            raise errors.TurnsUsedUp(ending.summary, again)
        case "refused":
            raise errors.ModelRefused(f"the model refused: {ending.summary}", edit)
        case "stopped":
            raise AttemptFailed("by a signal", "interrupted")
        case reason:
            raise AttemptFailed(ending.summary, reason)
