"""Asking a model for a plan: within a budget, with a map of the repository and a look at files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from git_orch import errors
from git_orch.agents import limits, telemetry, trace
from git_orch.flow.machine import machine as surroundings
from git_orch.flow.machine import sandbox, shares
from git_orch.flow.model import purse, repo_map
from git_orch.flow.model import service as models
from git_orch.flow.planning.look import Look
from git_orch.flow.planning.replies import ReplyFile
from git_orch.flow.reports import Budget, Note, Phase, Reporter, Wrote
from git_orch.plans import sentences
from git_orch.plans.money import budget, cost
from git_orch.plans.money.cost import Price
from git_orch.plans.repo_map.sections import Section
from git_orch.repo.objects import objects
from git_orch.repo.repository import Repository
from git_orch.repo.settings import Settings
from git_orch.sandbox import secrecy
from git_orch.sandbox.capabilities import with_programs
from git_orch.sandbox.walls.launcher import Launcher

if TYPE_CHECKING:
    from git_orch.agents import exchange, planner

_SHOWN_TOKENS = 8_000  # about what a turn of looking adds to the prompt

Value = TypeVar("Value")


class Terms(NamedTuple):
    """The model that plans, and the user's settings. It may cost `max_usd` in USD (0: no limit), of
    which so much is `spent`. `base` is the commit that the steps start from, `place` where in the
    tree the user stands; with `look` the model may read files of the base. `longest_wait` is in
    seconds, for a limit of the provider that resets.
    """

    model: str
    chosen: Settings
    base: str | None = None
    place: str = ""
    look: bool = False
    max_usd: float = 0.0
    spent: float = 0.0
    longest_wait: float = 0.0


def ask(
    repository: Repository,
    terms: Terms,
    reporter: Reporter,
    file: ReplyFile,
    question_of: Callable[[str], planner.Question],
    read: Callable[[str], Value | planner.Flawed[Value]],
) -> Value:
    """What `read` makes of the model's reply, or of its correction; `question_of` gets a delimiter
    that no text of others can guess.

    The task, the reply and the cost of every call are in the file as soon as they are there; after
    a failure the hint names it.
    """
    from git_orch.agents import planner

    model = terms.model
    with (
        models.service(terms.chosen, terms.longest_wait) as service,
        contextlib.ExitStack() as opened,
    ):
        service.prices.facts(model)  # an unknown model is refused before anything is asked
        service.require_key(model)
        question = question_of(service.delimiter)
        reporter.emit(Note(f"asking {model} for a plan"))
        reporter.emit(Budget(terms.max_usd, terms.spent))
        reporter.emit(Phase(None, "planning", model))

        def keep(text: str) -> Value | planner.Flawed[Value]:
            file.reply = text
            file.update()
            return read(text)

        def wait(limit: limits.Limit) -> None:
            reporter.emit(Note(f"waiting until {limit.moment()}: {limit.cause}"))

        pocket = purse.Pocket(terms.max_usd, terms.spent)
        waits = purse.Waits(service.breaker, wait)
        about = purse.About("plan")
        limited = purse.LimitedModel(
            service.model, pocket, service.prices, about, file.again, waits
        )

        def called(call: exchange.Call) -> None:
            body = purse.call_document(call, model, service.prices)
            file.add({"purpose": "plan", **body})
            reporter.emit(purse.report(None, call, float(str(body["usd"]))))

        listeners = planner.Listeners(
            called,
            lambda seconds, cause: reporter.emit(Note(f"waiting {seconds:.0f} s: {cause}")),
            lambda call: pocket.affords(_next_look(call, service.prices.price(model)), times=2),
            lambda text: reporter.emit(Wrote(None, text)),
        )
        look = None
        if terms.look and terms.base is not None:
            seen = opened.enter_context(trace.Trace(file.looks, {}, secrets=secrecy.secrets()))
            look = opened.enter_context(Look(repository, terms.base, reporter, seen))
        try:
            with telemetry.planning(model):
                return planner.draft(
                    question, limited, read=keep, listeners=listeners, tools=look
                ).value
        except planner.NoPlan as failed:
            file.reply = failed.raw
            file.update()
            raise errors.StepFailed(
                failed.cause,
                f"{failed.hint} ('{file.again}' has the task); "
                f"the reply is in {sentences.quoted(file.path)}",
            ) from failed


def capabilities(repository: Repository, terms: Terms) -> dict[str, str]:
    """The facts about this machine in the prompt of a planning model."""
    place = repository.top or repository.common_dir
    installed = surroundings.capabilities(place, repository.top).capabilities
    shared = shares.of(repository, terms.chosen).programs
    lines = surroundings.description(with_programs(installed, shared))
    return dict(line.split(": ", 1) for line in lines)


def map_of(repository: Repository, task: str, terms: Terms) -> list[Section]:
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


def _next_look(call: exchange.Call, price: Price) -> budget.Request:
    """The next request after one that used tools: its prompt has also what they show."""
    usage = cost.Usage.from_mapping(call.usage)
    prompt = usage.prompt + usage.output + _SHOWN_TOKENS
    return budget.Request(price, prompt, budget.ENOUGH_OUTPUT)
