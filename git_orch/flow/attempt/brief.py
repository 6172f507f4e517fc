"""How long the first request of a step is, as the provider counts it; that costs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from git_orch.agents import conversation, exchange, prompts, tool_definitions
from git_orch.agents.prices import Prices
from git_orch.flow.attempt.job import Job, earlier
from git_orch.flow.model import service as models
from git_orch.plans.history.status import Status, StepStatus
from git_orch.repo import settings
from git_orch.repo.repository import Repository


def first_prompts(
    repository: Repository, status: Status, steps: Sequence[StepStatus], model: str | None
) -> dict[str, int]:
    """Tokens by step ID. Raises ProviderFailed, UsageError."""
    chosen = settings.of_user(repository)
    table = models.price_table(chosen.prices)
    tools = tuple(tool_definitions.definitions(tool_definitions.permissions("all")))
    counts = {}
    with models.open_model(table, chosen.keyCommand) as service:
        for step in steps:
            briefing = brief(
                job_of(status, step, model or step.step.model or chosen.model), table, "DELIMITER"
            )
            first = (exchange.user(briefing.plan, briefing.step),)
            request = exchange.Request(
                briefing.model, briefing.system, first, briefing.max_tokens, tools
            )
            counts[step.id] = service.count(request)
    return counts


def job_of(status: Status, step: StepStatus, model: str) -> Job:
    """A job that only says what a model would be told."""
    return Job(
        directory="",
        run="",
        plan_id=status.id,
        plan=status.plan,
        step_id=step.id,
        number=step.number,
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
        earlier=[prompts.Earlier(step.title, "\n".join(step.changed)) for step in job.earlier],
        failure=failure,
        answered=[prompts.Answered(item.question, item.answer) for item in job.answered],
    )
    return conversation.Brief(
        model=job.model,
        system=prompts.STEP_SYSTEM,
        plan=prompts.plan_block(job.plan, delimiter),
        step=prompts.step_block(task, delimiter),
        window=facts.context,
        max_tokens=min(_REPLY_TOKENS, facts.max_output),
    )
