"""A step that an agent program does: in the sandbox of the step, under the policy for commands, the
budget and the time limit of git-orch. Its own word counts for nothing: checks decide.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from dataclasses import replace
from pathlib import Path

import git_orch
from git_orch import errors
from git_orch.agents import (
    agent_client,
    agent_command,
    exchange,
    permissions,
    reports,
    toolbox,
    trace,
)
from git_orch.agents.agent_client import Answer, Order, Tokens
from git_orch.agents.permissions import Use
from git_orch.flow.attempt import agent_program, checks, visits
from git_orch.flow.attempt.agent_program import Installed
from git_orch.flow.attempt.agent_step import knowledge_of_step, report_prompt
from git_orch.flow.attempt.brief import agent_prompt
from git_orch.flow.attempt.job import Job
from git_orch.flow.attempt.site import AttemptFailed, Site, Work
from git_orch.flow.machine import command_policy
from git_orch.flow.model import service as models
from git_orch.flow.reports import ModelCalled, StepProgress, Wrote
from git_orch.plans import agents, ids, redact, sentences
from git_orch.plans.agents import Program
from git_orch.plans.money import cost
from git_orch.plans.money.budget import Book
from git_orch.plans.money.used_up import UsedUp
from git_orch.plans.plan import AGENT_TIMEOUT, Command
from git_orch.repo import settings
from git_orch.repo.local.ledger import Ledger
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.settings import Settings
from git_orch.sandbox import trees
from git_orch.sandbox.process.outcome import Outcome
from git_orch.sandbox.process.wires import Wires
from git_orch.sandbox.walls.launcher import Launcher

_ERROR_TAIL = 2000  # characters of a program's complaints in an error
_NOT_RUN = 126  # from here on a status says that it did not start, or that a signal ended it
_MOST_USD = 1e6  # more than any attempt costs: a sum stays a number that a log can hold
_PATIENCE = 1.0  # seconds that a program gets to end after its turn


def done(job: Job, site: Site) -> Work:
    """Let the agent program work on the step. Raises AttemptFailed, BudgetReached, UsageError."""
    chosen = settings.of_user(site.repository)
    installed = agent_program.find(job.agent, chosen)
    if installed.program.way == "acp":
        agent_client.require_package()
    about = {"plan": job.plan_id, "run": job.run, "step": job.step.id, "attempt": job.attempt}
    with (
        trace.Trace(
            site.trace_path(job.plan_id, job.attempt), about, secrets=_secrets(site, installed)
        ) as record,
        _home(agent_program.launcher_of(site.step_launcher, installed, chosen)) as launcher,
    ):
        account = _Account(job, site, installed.program, chosen)
        account.refuse_empty()
        watcher = _Watcher(job, site, record, account, launcher)
        answer = _talk(job, site, launcher, installed, watcher)
        account.settle(answer.tokens)
        watcher.end(answer)
    _refuse_unfinished(answer, f"git orch edit {ids.short(job.plan_id)}")
    return Work(
        answer.summary, account.usd, job.step.model, agent=answer.agent or installed.program.name
    )


def _secrets(site: Site, installed: Installed) -> tuple[str, ...]:
    return (*site.secrets, *agent_program.secret_values(installed))


@contextlib.contextmanager
def _home(launcher: Launcher) -> Iterator[Launcher]:
    """The launcher with an empty home directory: in the sandbox it is one anyway."""
    if launcher.sandboxed:
        yield launcher
        return
    home = Path(tempfile.mkdtemp(prefix="git-orch-"))
    try:
        yield replace(launcher, home=home)
    finally:
        trees.remove(home)


class _Ended:
    """Says that the program has to end: the run stops, or nobody talks with it any more."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._since: float | None = None
        self._patience = 0.0

    def is_set(self) -> bool:
        """Whether it has to end now."""
        since = self._since
        over = since is not None and time.monotonic() - since >= self._patience
        return over or self._stop.is_set()

    def set(self, patience: float) -> None:
        """From so many seconds on it has to end."""
        self._patience, self._since = patience, time.monotonic()


def _talk(
    job: Job, site: Site, launcher: Launcher, installed: Installed, watcher: _Watcher
) -> Answer:
    """Start the program and talk with it in another thread, while this one watches its limits."""
    worktree = site.worktree.path
    site.begin_phase(job.attempt, "agent", installed.program.name)
    directory = str(launcher.site_map(worktree).top)
    prompt = _prompt(job, site)
    watcher.write_prompt(prompt)
    command = Command(argv=_argv(installed, directory, prompt, job.step.model))
    if job.step.model is not None and installed.program.model is not None:
        values = {installed.program.model: job.step.model}
        launcher = replace(
            launcher, source={**launcher.source, **values}, extra=(*launcher.extra, *values)
        )
    order = Order(
        directory,
        prompt,
        git_orch.__version__,
        job.step.model if installed.program.model is None else None,
        _meta(installed.program, watcher.account),
    )
    ended, seconds = _Ended(site.stop), job.step.timeout or AGENT_TIMEOUT
    with Wires() as wires, futures.ThreadPoolExecutor(1, "talk") as thread:
        talk = thread.submit(
            _one_side, wires.reader, wires.writer, installed, order, watcher, ended
        )
        try:
            outcome = launcher.run(
                command,
                worktree=worktree,
                timeout=seconds,
                output_path=site.output_path(job.attempt, "agent"),
                stop=ended,
                network=job.network,
                wires=wires,
            )
        finally:
            wires.hand_over()  # of a program that could not start: then the other side ends
        visits.write_down(job, site, outcome.visits)
        try:
            return _answer(talk, outcome, seconds, site, installed)
        except AttemptFailed as failed:
            hint = failed.own_hint or visits.hint(job, outcome.visits)
            raise AttemptFailed(failed.cause, failed.reason, hint) from failed


def _one_side(
    reader: int, writer: int, installed: Installed, order: Order, watcher: _Watcher, ended: _Ended
) -> Answer:
    patience = 0.0
    try:
        if installed.program.way == "acp":
            answer = agent_client.converse(reader, writer, order, watcher)
        else:
            given = order.prompt if agents.PROMPT not in installed.program.argv else ""
            answer = agent_command.converse(reader, writer, given, watcher)
        patience = _PATIENCE
        return answer
    finally:
        ended.set(patience)


def _answer(
    talk: futures.Future[Answer], outcome: Outcome, seconds: float, site: Site, installed: Installed
) -> Answer:
    """The answer of the program. Raises what is wrong with it, or what the watcher raised."""
    name = installed.program.name
    if outcome.reason == "timeout":
        raise AttemptFailed(f"'{name}' did not end within {seconds:g} s", "timeout")
    if site.stop.is_set():
        raise AttemptFailed("by a signal", "interrupted")
    did_not_run = outcome.reason == "exited" and not 0 <= outcome.status < _NOT_RUN
    is_cut_off = did_not_run and installed.program.way != "acp"  # of a protocol the end is missing
    if is_cut_off or outcome.reason not in ("exited", "stopped"):
        raise AttemptFailed(f"'{name}' {checks.ended(outcome, seconds)}")
    try:
        return talk.result()
    except agent_client.TalkFailed as failed:
        complaint = redact.redacted(outcome.excerpt(_ERROR_TAIL).strip(), _secrets(site, installed))
        raise AttemptFailed(f"{failed.cause}{': ' if complaint else ''}{complaint}") from failed
    except RecursionError as nested:
        raise AttemptFailed(f"'{name}' sent what is nested too deeply to read") from nested


def _argv(installed: Installed, directory: str, prompt: str, model: str | None) -> tuple[str, ...]:
    """The command line of the program, with what stands in the places for it."""
    values = {agents.DIRECTORY: directory, agents.PROMPT: prompt, agents.MODEL: model or ""}
    return (installed.path, *(values.get(word, word) for word in installed.program.argv[1:]))


def _meta(program: Program, account: _Account) -> dict[str, object] | None:
    """What a program gets that knows more than the protocol: no settings of the repository count,
    and it stops by itself when the money is spent.
    """
    if program.name != "claude-code":
        return None
    options: dict[str, object] = {"settingSources": [], "strictMcpConfig": True}
    room = account.room()
    if room is not None:
        options["maxBudgetUsd"] = round(room, 6)
    return {"claudeCode": {"options": options}}


def _prompt(job: Job, site: Site) -> str:
    """The whole prompt: the rules, the plan, the step."""
    prompt = agent_prompt(job, os.urandom(8).hex(), knowledge_of_step(job, site))
    if job.shows_prompt:
        report_prompt(replace(job, model=job.agent), site, (), (prompt,))
    return prompt


class _Account:
    """The cost of an attempt, as the agent reports it, in the ledger and in the log."""

    def __init__(self, job: Job, site: Site, program: Program, chosen: Settings) -> None:
        self._job = job
        self._site = site
        self._program = program
        self._prices = models.price_table(chosen)
        self._ledger = Ledger(PlanPlace(site.repository, job.plan_id))
        self._began = time.monotonic()
        self.usd = 0.0

    def room(self) -> float | None:
        """USD that are left for the step; None without a limit."""
        return self._ledger.book().room(self._job.step.id)

    def refuse_empty(self) -> None:
        """Raises BudgetReached where nothing is left."""
        self._require(self._ledger.book(), more=True)

    def refuse_next(self) -> None:
        """Raises BudgetReached where another request may be too much: the agent makes one as soon as
        its tool has ended.
        """
        if self.usd:
            self._require(self._ledger.book(), more=True)

    def _require(self, book: Book, *, more: bool) -> None:
        """Raises BudgetReached for a book without room, for a request like the largest one if there
        are to be `more`.
        """
        room = book.room(self._job.step.id)
        if room is not None and (room < book.largest_report or room <= 0 if more else room < 0):
            raise self._reached(book)

    def paid(self, total: float, currency: str) -> None:
        """Take in the cost of the session so far. Raises BudgetReached once it is too much,
        AttemptFailed for what cannot be a cost.
        """
        if currency != "USD":
            name = self._program.name
            raise AttemptFailed(f"'{name}' reports its cost in '{currency}', not in USD", "usage")
        if not 0 <= total <= _MOST_USD:  # NaN is not, either
            raise AttemptFailed(f"'{self._program.name}' reports a cost of {total} USD", "usage")
        if total > self.usd:
            self._charge(total - self.usd, {})

    def settle(self, tokens: Tokens | None) -> None:
        """Take in the tokens of the turn; where the agent says no price, the table does."""
        if tokens is None or not any(tokens):
            return
        usd = 0.0 if self.usd else self._by_table(tokens)
        self._charge(usd, tokens.document())

    def _by_table(self, tokens: Tokens) -> float:
        usage = cost.Usage.from_mapping(tokens.document())
        try:
            return cost.usd(usage, self._prices.price(self._job.step.model or ""))
        except errors.UsageError:
            return 0.0

    def _charge(self, usd: float, usage: dict[str, int]) -> None:
        job = self._job
        model = job.step.model or self._program.name
        self.usd += usd
        self._site.spool(
            "model.called",
            purpose="step",
            step=job.step.id,
            attempt=job.attempt,
            model=model,
            usage=usage,
            usd=usd,
            request=None,
            seconds=round(time.monotonic() - self._began, 3),
            reported_by=self._program.name,
        )
        counted = cost.Usage.from_mapping(usage)
        called = ModelCalled(job.number, model, counted.prompt, counted.output, usd)
        self._site.reporter.emit(called)
        self._require(self._ledger.charge(job.step.id, usd), more=False)

    def _reached(self, book: Book) -> errors.BudgetReached:
        own, request = book.steps.get(self._job.step.id, 0.0), book.largest_report
        if book.step_limit > 0 and book.step_limit - own < request:
            used = UsedUp("step", book.step_limit, own, 0.0, request)
        else:
            used = UsedUp("plan", book.limit, book.spent, 0.0, request)
        return errors.BudgetReached(used.sentence(), f"{self._job.again} {used.option()}")


class _Watcher:
    """Hears the agent: answers by the policy, and writes down what it does."""

    def __init__(
        self, job: Job, site: Site, record: trace.Trace, account: _Account, launcher: Launcher
    ) -> None:
        self._job = job
        self._site = site
        self._record = record
        self.account = account
        self._refused: set[str] = set()
        self._asked: set[str] = set()
        tops = launcher.site_map(site.worktree.path).tops
        policy = command_policy.policy(
            job.plan, tops[0], site.repository.top, launcher, network=bool(job.network)
        )
        self._rules = permissions.Rules(
            frozenset(job.tools), policy.refusal, bool(job.network), tuple(map(str, tops))
        )

    def refusal(self, use: Use) -> str | None:
        """Why the agent may not use the tool, by the policy."""
        self._asked.add(use.id)
        self.account.refuse_next()
        refusal = self._rules.against(use)
        if refusal is not None:
            self._refused.add(use.id)
            self._note(use, toolbox.Result(refusal, "refused"))
        return refusal

    def used(self, use: Use, *, failed: bool) -> None:
        """Write down a use that has ended; of one that was refused that is there."""
        if use.id in self._refused:
            return
        self.account.refuse_next()
        text = "" if use.id in self._asked else "the agent did not ask"
        self._note(use, toolbox.Result(text, "failed" if failed else "done"))

    def wrote(self, text: str) -> None:
        """Show a piece of the agent's text."""
        self._site.reporter.emit(Wrote(self._job.number, text))

    def paid(self, total: float, currency: str) -> None:
        """Take in the cost so far."""
        self.account.paid(total, currency)

    def write_prompt(self, prompt: str) -> None:
        """Write down what the agent is told."""
        self._record.record(reports.Sent(1, (exchange.user(prompt),)))

    def end(self, answer: Answer) -> None:
        """Write down the last words."""
        block = {"type": "text", "text": answer.summary}
        usage = answer.tokens.document() if answer.tokens is not None else {}
        call = exchange.Call(self._job.agent, usage, None, 0.0, answer.stop_reason)
        self._record.record(reports.Replied(1, exchange.Reply((block,), call)))

    def _note(self, use: Use, result: toolbox.Result) -> None:
        call = exchange.ToolCall(use.id, use.kind, use.input)
        self._record.record(reports.Used(1, call, result))
        line = f"{use.kind} {sentences.quoted(use.subject)}: {result.verdict}"
        self._site.reporter.emit(
            StepProgress(self._job.number, redact.redacted(line, self._site.secrets))
        )


def _refuse_unfinished(answer: Answer, edit: str) -> None:
    match answer.stop_reason:
        case "end_turn":
            return
        case "refusal":
            raise errors.ModelRefused(f"the model refused: {answer.summary}", edit)
        case "max_turn_requests":
            raise AttemptFailed("the agent used up the turns that it allows itself", "turns")
        case "cancelled":
            raise AttemptFailed("the agent says that somebody cancelled its work")
        case reason:
            raise AttemptFailed(f"the agent ended before it had finished: {reason}", "truncated")
