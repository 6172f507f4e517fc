"""An agent step: a model with a few tools works in the worktree; checks, not the model, decide whether it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from git_orch import errors
from git_orch.agents import conversation, exchange, prompts, reports, tools, trace
from git_orch.agents.prices import Prices
from git_orch.flow import policing
from git_orch.flow.attempt import AttemptFailed, Site, Work
from git_orch.flow.jobs import Job
from git_orch.flow.reporting import StepProgress
from git_orch.plans import cost, ids, redact
from git_orch.plans.plan import Document

_REPLY_TOKENS = 32_000  # of one turn; a longer file is written in several calls


@dataclass(frozen=True)
class Service:
    """Where replies come from, what they cost, and the delimiter that no text of others can know; one for a run."""

    model: conversation.Model
    prices: Prices
    delimiter: str


def done(job: Job, site: Site) -> Work:
    """Let the model work on the step. Raises AttemptFailed, LimitReached, ProviderFailed, UsageError."""
    service = site.service
    if service is None:
        raise AttemptFailed("there is no model to do it")
    spent = _Spent(job, site, service.prices)
    outputs = site.output_path(job.attempt, "tools").parent
    policy = policing.policy(
        job.plan,
        site.worktree.path,
        site.repository.top,
        network=job.network,
        sandboxed=site.launcher.sandboxed,
    )
    place = tools.Place(site.worktree.path, outputs, site.launcher, policy, network=job.network)
    box = tools.Toolbox(place, frozenset(tool for tool in ("read", "write", "command") if tool in job.tools))
    about = {"plan": job.plan_id, "step": job.step.id, "attempt": job.attempt}
    with trace.Trace(site.trace_path(job.plan_id, job.attempt), about, secrets=site.secrets) as record:
        ending = conversation.converse(
            brief(job, service.prices, service.delimiter, _last_try(job, site)),
            _Within(service.model, spent),
            box,
            on_call=spent.add,
            report=_both(record.record, _shown(job, site)),
            stop=site.stop,
        )
    _refuse_unfinished(ending)
    return Work(summary=ending.summary, usd=spent.usd, model=job.model)


def brief(
    job: Job, prices: Prices, delimiter: str, failure: prompts.Failure | None = None
) -> conversation.Brief:
    """All that the model is told about the step, after a failed attempt that one's failure too.

    Raises UsageError for a model that is not in the price table.
    """
    facts = prices.facts(job.model)
    task = prompts.Task(
        step=job.step,
        number=job.number,
        max_turns=conversation.TURNS,
        earlier=[prompts.Earlier(each.title, "\n".join(each.changed)) for each in job.earlier],
        failure=failure,
    )
    return conversation.Brief(
        model=job.model,
        system=prompts.STEP_SYSTEM,
        plan=prompts.plan_block(job.plan, delimiter),
        step=prompts.step_block(task, delimiter),
        window=facts.context,
        max_tokens=min(_REPLY_TOKENS, facts.max_output),
    )


def _last_try(job: Job, site: Site) -> prompts.Failure | None:
    """Why the last attempt failed and what it had changed; the commit that kept it may be gone by now."""
    last = job.last
    if last is None:
        return None
    diff = b""
    if last.commit is not None:
        asked = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", f"{last.commit}^", last.commit, "--")
        diff = site.repository.git.finished(*asked, expect=(0, 128)).stdout
    return prompts.Failure(last.reason, last.output, diff.decode("utf-8", "replace"))


class _Spent:
    """Puts every call on disk at once, with its price, and adds up."""

    def __init__(self, job: Job, site: Site, prices: Prices) -> None:
        self._job = job
        self._site = site
        self._prices = prices
        self.usd = 0.0

    def refuse_more(self) -> None:
        """Raises LimitReached when the plan has cost what it may cost."""
        so_far, most = self._job.spent + self.usd, self._job.max_usd
        if 0 < most <= so_far:
            name = ids.short(self._job.plan_id)
            raise errors.LimitReached(
                f"the plan has cost ${so_far:.4f} of at most ${most:.4f}",
                f"git orch exec {name} --max-usd {2 * most:g}",
            )

    def add(self, call: exchange.Call) -> None:
        body = priced(call, self._job.model, self._prices)
        self.usd += float(str(body["usd"]))
        self._site.spool("model.called", purpose="step", step=self._job.step.id, attempt=self._job.attempt, **body)


class _Within:
    """A model that is asked only while there is money left: what was paid for is never thrown away."""

    def __init__(self, model: conversation.Model, spent: _Spent) -> None:
        self._model = model
        self._spent = spent

    def reply(
        self,
        request: exchange.Request,
        *,
        on_text: Callable[[str], None] | None = None,
        on_lost: Callable[[exchange.Call], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> exchange.Reply:
        self._spent.refuse_more()
        return self._model.reply(request, on_text=on_text, on_lost=on_lost, on_wait=on_wait, stop=stop)


def priced(call: exchange.Call, asked: str, prices: Prices) -> Document:
    """A call as an event stores it: usage verbatim, USD at the price of the model that answered.

    A model that is not in the price table is counted at the price of the one that was asked for, and says so.
    """
    try:
        price, priced_as = prices.price(call.model), call.model
    except errors.UsageError:
        price, priced_as = prices.price(asked), asked
    usage = cost.Usage.from_mapping(call.usage)
    body: Document = {
        "model": call.model,
        "usage": dict(call.usage),
        "usd": cost.usd(usage, price),
        "request": call.request_id,
        "seconds": round(call.seconds, 3),
    }
    return body if priced_as == call.model else {**body, "priced_as": priced_as}


def _both(
    first: Callable[[reports.Event], None], second: Callable[[reports.Event], None]
) -> Callable[[reports.Event], None]:
    def tell(event: reports.Event) -> None:
        first(event)
        second(event)

    return tell


def _shown(job: Job, site: Site) -> Callable[[reports.Event], None]:
    """What whoever watches sees: what the model says between tools, each call and how it ended, each wait."""
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
            return f"{call.name} {_subject(call)}: {ended}"
        case reports.Waiting(_, seconds, cause):
            return f"waiting {seconds:.0f} s: {cause}"
        case _:
            return ""


def _subject(call: exchange.ToolCall) -> str:
    fields = call.input if isinstance(call.input, dict) else {}
    shown = next((fields[name] for name in ("command", "path", "pattern") if name in fields), "")
    return str(shown).split("\n", 1)[0][:100]


def _refuse_unfinished(ending: conversation.Ending) -> None:
    match ending.outcome:
        case "done" | "no-summary":
            return
        case "turn-limit":
            raise errors.LimitReached(ending.summary, "git orch exec")
        case "refused":
            raise errors.ProviderFailed(f"the model refused: {ending.summary}", "git orch edit")
        case "stopped":
            raise AttemptFailed("stopped", "interrupted")
        case reason:
            raise AttemptFailed(ending.summary, reason)
