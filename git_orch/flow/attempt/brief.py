"""How long the first request of a step is, as the provider counts it; that costs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from git_orch.agents import conversation, exchange, messages, prompts, tool_definitions
from git_orch.agents.prices import Prices
from git_orch.flow.attempt.job import Job, earlier
from git_orch.flow.model import service as models
from git_orch.plans.history.status import Status, StepStatus
from git_orch.repo import settings
from git_orch.repo.repository import Repository
from git_orch.sandbox import secrecy


def first_prompts(
    repository: Repository, status: Status, steps: Sequence[StepStatus], model: str | None
) -> dict[str, int]:
    """Tokens by step ID. Raises ProviderFailed, UsageError."""
    chosen = settings.of_user(repository)
    table = models.price_table(chosen.prices)
    secrets = secrecy.secrets()
    tools = tuple(tool_definitions.definitions(tool_definitions.permissions("all")))
    found = {}
    with messages.MessagesModel(table, keys=secrecy.keys(), secrets=secrets) as service:
        for each in steps:
            told = brief(
                job_of(status, each, model or each.step.model or chosen.model), table, "DELIMITER"
            )
            first = (exchange.user(told.plan, told.step),)
            request = exchange.Request(told.model, told.system, first, told.max_tokens, tools)
            found[each.step.id] = service.count(request)
    return found


def job_of(status: Status, each: StepStatus, model: str) -> Job:
    """A job that only says what a model would be told."""
    return Job(
        directory="",
        run="",
        plan_id=status.id,
        plan=status.plan,
        step_id=each.step.id,
        number=each.number,
        attempt="",
        base="",
        tree="",
        worktree=None,
        after="",
        model=model,
        earlier=earlier(status),
    )


_REPLY_TOKENS = 32_000  # of one turn; a longer file is written in several calls


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
