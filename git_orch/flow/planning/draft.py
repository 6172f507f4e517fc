"""Drafts of plans: from a file somebody wrote, a template, or a model."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.agents.prices import Prices
from git_orch.flow.machine import machine as surroundings
from git_orch.flow.machine import sandbox, shares
from git_orch.flow.model import estimate as estimating
from git_orch.flow.model import purse, repo_map
from git_orch.flow.model import service as models
from git_orch.flow.planning import validate
from git_orch.flow.planning.create import Draft
from git_orch.flow.planning.look import Look
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import document as documents
from git_orch.plans import redact, sentences
from git_orch.plans.document import Document
from git_orch.plans.file import planfile, schema
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.money import budget, cost
from git_orch.plans.money.cost import Price
from git_orch.plans.plan import Plan
from git_orch.plans.repo_map.sections import Section
from git_orch.repo import localfiles, own_files
from git_orch.repo.objects import objects
from git_orch.repo.repository import Repository
from git_orch.repo.settings import Settings
from git_orch.sandbox import secrecy
from git_orch.sandbox.capabilities import Capabilities, with_programs
from git_orch.sandbox.walls.launcher import Launcher

if TYPE_CHECKING:
    from git_orch.agents import exchange, planner

_SHOWN_TOKENS = 8_000  # about what a turn of looking adds to the prompt
# The model has said itself what is missing.
_NOT_THE_MODELS = frozenset({"command-missing"})


def from_file(text: str, name: str, model: str, table: Prices) -> Draft:
    """The plan in a file's text; `name` is for messages. Raises UsageError that names field and
    line.
    """
    plan = planfile.read(text, name)
    return Draft(plan, "file", estimating.plan_estimate(plan, model, table))


def from_template(name: str, variables: Mapping[str, str], model: str, table: Prices) -> Draft:
    """The plan of a built-in template. Raises UsageError for unknown names and missing variables."""
    from git_orch.templates import render

    plan = render.render(name, variables)
    return Draft(plan, "template", estimating.plan_estimate(plan, model, table))


class Terms(NamedTuple):
    """The model that plans, what planning may cost in USD (0: no limit), and the user's settings.
    `base` is the commit that the plan starts from, `place` where in the tree the user stands; with
    `look` the model may read files of the base.
    """

    model: str
    max_usd: float
    chosen: Settings
    base: str | None = None
    place: str = ""
    look: bool = False


def from_model(
    repository: Repository,
    task: str,
    terms: Terms,
    reporter: Reporter,
    earlier: Unfinished | None = None,
) -> Draft:
    """Let a model make a plan of the task; `earlier` is a planning of it that failed, whose cost is
    the plan's.

    The task, the reply and the cost of every call are in a local file as soon as they are there. It is the
    draft's `reply_file`, to be removed once the plan is stored; after a failure the hint names it.
    """
    from git_orch.agents import planner

    model = terms.model
    with models.service(terms.chosen) as service, contextlib.ExitStack() as opened:
        service.prices.facts(model)  # an unknown model is refused before anything is asked
        question = _question(repository, task, terms, service.delimiter)
        reporter.emit(Note(f"asking {model} for a plan"))
        reply_file = _ReplyFile(repository, task, earlier)
        reply_file.save()

        def read(text: str) -> Plan | planner.Flawed[Plan]:
            reply_file.reply = text
            reply_file.save()
            return _parse_reply(text, repository)

        pocket = purse.Pocket(terms.max_usd, earlier.usd() if earlier is not None else 0.0)
        limited = purse.LimitedModel(
            service.model, pocket, service.prices, purse.About("plan"), "git orch plan --again"
        )
        listeners = planner.Listeners(
            lambda call: reply_file.add(
                {"purpose": "plan", **purse.call_document(call, model, service.prices)}
            ),
            lambda seconds, cause: reporter.emit(Note(f"waiting {seconds:.0f} s: {cause}")),
            lambda call: pocket.affords(_next_look(call, service.prices.price(model)), times=2),
        )
        look = None
        if terms.look and terms.base is not None:
            look = opened.enter_context(Look(repository, terms.base, reporter))
        try:
            drafted = planner.draft(question, limited, read=read, listeners=listeners, tools=look)
        except planner.NoPlan as failed:
            reply_file.reply = failed.raw
            reply_file.save()
            raise errors.StepFailed(
                failed.cause,
                f"{failed.hint} ('git orch plan --again' has the task); "
                f"the reply is in {sentences.quoted(reply_file.path)}",
            ) from failed
        estimate = estimating.plan_estimate(drafted.value, model, service.prices)
    return Draft(
        drafted.value, "model", estimate, _public_task(task), reply_file.calls, reply_file.path
    )


def prompt_tokens(repository: Repository, task: str, terms: Terms) -> int:
    """About how many tokens the first request has; nobody is asked."""
    question = _question(repository, task, terms, "0" * 16)
    system = question.system(with_tools=terms.look and terms.base is not None)
    read = json.dumps([system, question.message()], ensure_ascii=False)
    return len(read.encode("utf-8", "replace")) // budget.BYTES_PER_TOKEN


def _question(repository: Repository, task: str, terms: Terms, delimiter: str) -> planner.Question:
    from git_orch.agents import planner

    place = repository.top or repository.common_dir
    installed = surroundings.capabilities(place, repository.top).capabilities
    shared = shares.of(repository, terms.chosen).programs
    facts = _machine_facts(with_programs(installed, shared))
    sections = _map(repository, task, terms)
    return planner.Question(task, facts, terms.model, delimiter, sections)


def _next_look(call: exchange.Call, price: Price) -> budget.Request:
    """The next request after one that used tools: its prompt has also what they show."""
    usage = cost.Usage.from_mapping(call.usage)
    prompt = usage.prompt + usage.output + _SHOWN_TOKENS
    return budget.Request(price, prompt, budget.ENOUGH_OUTPUT)


def _map(repository: Repository, task: str, terms: Terms) -> list[Section]:
    """What the model sees of the repository before it looks itself."""
    if terms.base is None:
        return []
    with contextlib.closing(objects.opened(repository)) as database:
        scope = repo_map.Scope(terms.base, (terms.place,), _launcher(repository, terms.chosen))
        return repo_map.sections_of(repository, database, scope, task, terms.chosen.mapTokens)


def _launcher(repository: Repository, chosen: Settings) -> Launcher | None:
    """What runs programs on files of the repository; None where no sandbox works."""
    try:
        return sandbox.launcher(repository, chosen)
    except errors.Refused:
        return None


class Unfinished(NamedTuple):
    """A planning that failed: its task, and the calls that it has paid for, in a local file."""

    path: Path
    task: str
    calls: tuple[Document, ...] = ()

    def usd(self) -> float:
        """What it has cost."""
        return sum(documents.number(call, "usd", least=0.0) for call in self.calls)


def last_unfinished(repository: Repository) -> Unfinished:
    """The last planning that failed. Raises NotFound where none did."""
    for path in sorted(_replies(repository).glob("*.json"), reverse=True):
        with contextlib.suppress(OSError, documents.BadDocument):
            fields = documents.parse(own_files.read_bytes(path), "reply")
            calls = documents.sequence(fields, "calls")
            told = tuple({**documents.mapping(call, "call")} for call in calls)
            unfinished = Unfinished(path, documents.text(fields, "task"), told)
            unfinished.usd()
            return unfinished
    raise errors.NotFound("no planning has failed here", 'git orch plan "what to do"')


def _replies(repository: Repository) -> Path:
    return repository.state_dir / "replies"


class _ReplyFile:
    """The local file that holds the task, the model's reply and the cost of the calls so far."""

    def __init__(self, repository: Repository, task: str, earlier: Unfinished | None) -> None:
        new = _replies(repository) / f"{time.time_ns()}.json"
        self.path = new if earlier is None else earlier.path
        self.calls = [] if earlier is None else [*earlier.calls]
        self.reply = ""
        self._task = task
        self._secrets = secrecy.secrets()

    def add(self, call: Document) -> None:
        """One more call was paid for."""
        self.calls.append(call)
        self.save()

    def save(self) -> None:
        """Write the file anew."""
        kept = {"task": self._task, "reply": self.reply, "calls": self.calls}
        text = redact.redacted(json.dumps(kept, indent=2, ensure_ascii=False), self._secrets)
        localfiles.write(self.path, text.encode("utf-8", "backslashreplace"))


def _parse_reply(text: str, repository: Repository) -> Plan | planner.Flawed[Plan]:
    """The plan in a reply, or the findings for the model to correct: those of `git orch check`. A
    plan that keeps some is a plan, and its findings are printed.
    """
    from git_orch.agents import planner

    try:
        plan = schema.reply_plan(text)
    except PlanFileError as wrong:
        return planner.Flawed([finding.text() for finding in wrong.findings])
    problems = [
        f"{finding.text()} [{finding.code}]; {finding.fix}"
        for finding in validate.findings_of_plan(repository, plan)
        if finding.level != "note" and finding.code not in _NOT_THE_MODELS
    ]
    return planner.Flawed(problems, plan) if problems else plan


def _machine_facts(machine: Capabilities) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in surroundings.description(machine))


def _public_task(task: str) -> str:
    return redact.redacted(task, secrecy.secrets())
