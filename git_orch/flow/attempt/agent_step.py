"""An agent step: a model with a few tools works in the worktree; checks, not the model, decide
whether it is done.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from git_orch import errors
from git_orch.agents import conversation, exchange, prompts, reports, toolbox, trace
from git_orch.flow.attempt import before, paid_model, visits
from git_orch.flow.attempt.brief import Knowledge, brief, digest, failure_of, instructions_for
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.site import AttemptFailed, Site, Work
from git_orch.flow.machine import command_policy
from git_orch.flow.model import purse as spending
from git_orch.flow.reports import StepProgress, StepPrompted, Wrote
from git_orch.plans import ids, redact
from git_orch.plans.hosts import Network
from git_orch.plans.plan import Command
from git_orch.repo.local import conversations
from git_orch.repo.local.conversations import Saved
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import snapshot
from git_orch.sandbox import keeping
from git_orch.sandbox.process.outcome import Outcome

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
        site.reporter.emit(spending.report(job.number, call, calls[-1]))

    payer = paid_model.Payer(
        PlanPlace(site.repository, job.plan_id), job.step.id, job.attempt, job.run, job.again
    )
    model = paid_model.limited(service, payer, site.spool, site.reporter)
    outputs = site.outputs(job.attempt)
    tops = site.launcher.site_map(site.worktree.path).tops
    policy = command_policy.policy(
        job.plan,
        tops[0],
        site.repository.top,
        site.launcher,
        network=bool(job.network),
    )
    place = toolbox.Place(
        site.worktree.path,
        outputs,
        _Commands(job, site),
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
    talk = _Talk(job, site, calls, service.delimiter)
    if talk.summary is not None:
        return Work(talk.summary, talk.usd, job.model)
    # A conversation that goes on has been told, and its worktree is not the base.
    knowledge = knowledge_of_step(job, site) if talk.resumed is None else Knowledge()
    briefing = brief(job, service.prices, service.delimiter, knowledge)
    if job.shows_prompt:
        resumed = talk.resumed
        texts = _resumed_texts(resumed) if resumed is not None else (briefing.plan, briefing.step)
        tools = [str(tool["name"]) for tool in box.definitions()]
        report_prompt(job, site, tools, (briefing.system, *texts))
    about = {"plan": job.plan_id, "run": job.run, "step": job.step.id, "attempt": job.attempt}
    with trace.Trace(
        site.trace_path(job.plan_id, job.attempt), about, secrets=site.secrets
    ) as record:
        ending = conversation.converse(
            briefing,
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
    anew = talk.resumed is None and job.holds is None
    written = frozenset(box.written) if box.written is not None and anew else None
    return Work(ending.summary, talk.usd, job.model, written)


class _Commands:
    """Runs the commands of a model, and writes down that one runs."""

    def __init__(self, job: Job, site: Site) -> None:
        self._job = job
        self._site = site

    def run(
        self,
        command: Command,
        *,
        worktree: Path,
        timeout: float,
        output_path: Path | None = None,
        stop: threading.Event | None = None,
        network: Network = False,
    ) -> Outcome:
        """Run a command to its end, and return its outcome."""
        self._site.begin_phase(self._job.attempt, "command of the model", command.text())
        try:
            outcome = self._site.step_launcher.run(
                command,
                worktree=worktree,
                timeout=timeout,
                output_path=output_path,
                stop=stop,
                network=network,
            )
            visits.write_down(self._job, self._site, outcome.visits)
            return outcome
        finally:
            self._site.begin_phase(self._job.attempt, "model")


class _Talk:
    """The conversation of an attempt in its local file, from where the next attempt can go on. With
    a `summary` the model had finished; the worktree holds what it had made.
    """

    def __init__(self, job: Job, site: Site, calls: list[float], delimiter: str) -> None:
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
            note += _said(job.continued.remarks, delimiter)
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
        """The cost of the conversation in USD, all attempts together."""
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
            remarks=job.remarks,
        )
        with keeping.unnecessary(conversations.KEPT):
            conversations.write(self._place, job.step_id, saved, self._site.secrets)


def _said(remarks: Sequence[str], delimiter: str) -> str:
    """What a person says meanwhile, for the model."""
    text = prompts.quotation("person", "\n\n".join(remarks), delimiter)
    return f" A person says about the step now:\n{text}" if remarks else ""


def knowledge_of_step(job: Job, site: Site) -> Knowledge:
    """What is known of the step before the model begins."""
    text = instructions_for(site.repository, site.objects, job.tree, job.step.paths)
    checked = tuple(before.results(job, site))
    if checked:
        site.begin_phase(job.attempt, "model")
    return Knowledge(failure_of(site.repository, job.last), text, checked)


def report_prompt(job: Job, site: Site, tools: Sequence[str], texts: Sequence[str]) -> None:
    """Report the prompt of a step, for people who look for what is wrong with it."""
    clean = tuple(redact.redacted(text, site.secrets) for text in texts)
    site.reporter.emit(StepPrompted(job.number, job.model, tuple(tools), clean))


def _resumed_texts(resumed: conversation.Resumed) -> tuple[str, ...]:
    """The conversation that goes on, with what its tools and its model said."""
    blocks = [block for message in resumed.messages for block in exchange.blocks(message)]
    texts = (block.get("text") or json.dumps(block, ensure_ascii=False) for block in blocks)
    return (*map(str, texts), *([resumed.answer] if resumed.answer else []), resumed.note)


def _both(
    first: Callable[[reports.Event], None], second: Callable[[reports.Event], None]
) -> Callable[[reports.Event], None]:
    def tell(event: reports.Event) -> None:
        first(event)
        second(event)

    return tell


def _shown(job: Job, site: Site) -> Callable[[reports.Event], None]:
    """A listener that reports the model's texts between tools, also while they come, every call with
    its end, and every wait.
    """
    number = job.number

    def tell(event: reports.Event) -> None:
        if isinstance(event, reports.Text):
            site.reporter.emit(Wrote(number, event.text))
            return
        text = _line(event)
        if text:
            site.reporter.emit(StepProgress(number, redact.redacted(text, site.secrets)))

    return tell


def _line(event: reports.Event) -> str:
    match event:
        case reports.Replied(_, reply):
            return reply.text.strip()
        case reports.Used(_, call, result) if result.summary is None:
            with_status = result.exit is not None and result.verdict in ("done", "failed")
            ended = f"exit {result.exit}" if with_status else result.verdict
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
