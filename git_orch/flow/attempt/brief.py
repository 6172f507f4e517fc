"""The prompt of a step, and its length as the provider counts it."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from git_orch.agents import conversation, exchange, prompts, tool_definitions
from git_orch.agents.prices import Prices
from git_orch.flow.attempt.job import Job, LastTry, answered, earlier, last_try, task_of
from git_orch.flow.attempt.tree_reader import TreeReader
from git_orch.flow.model import service as models
from git_orch.plans import plan_document, redact
from git_orch.plans.history.status import Status, StepStatus
from git_orch.plans.plan import Plan, Step
from git_orch.plans.repo_map import files, sections
from git_orch.repo import settings
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Objects
from git_orch.repo.repository import Repository
from git_orch.sandbox import secrecy


def first_prompts(
    repository: Repository, status: Status, steps: Sequence[StepStatus], model: str | None
) -> dict[str, int]:
    """Tokens by step ID. Raises ProviderFailed, UsageError."""
    chosen = settings.of_user(repository)
    table = models.price_table(chosen)
    counts = {}
    with models.open_model(table, chosen.keyCommand) as service:
        for step in steps:
            job = job_of(status, step, model or step.step.model or chosen.model)
            knowledge = knowledge_of(repository, status, step.step, job.last)
            briefing = brief(job, table, "DELIMITER", knowledge)
            counts[step.id] = service.count(request(briefing))
    return counts


def job_of(status: Status, step: StepStatus, model: str) -> Job:
    """A job that only makes the prompt."""
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
        task=task_of(status),
        remarks=status.remarks.get(step.id, ()),
        last=last_try(step),
        answered=answered(status, step.id),
        network=step.step.network,
    )


def prompt_tokens(
    repository: Repository, plan: Plan, base: str | None, task: str = ""
) -> Callable[[Step], int]:
    """About how many tokens the first prompt of a step has, apart from what earlier steps will have
    reported. The project's instructions are those of the base, a commit.
    """
    counted: dict[str, int] = {}

    def count() -> None:
        with contextlib.closing(odb.opened(repository)) as database:
            for step in plan.steps:
                text = _instructions_at(repository, database, base, step)
                asked = prompts.Task(step, plan.position(step.id), conversation.TURNS)
                block = prompts.step_block(asked._replace(instructions=text), _DELIMITER)
                whole = prompts.STEP_SYSTEM + prompts.plan_block(plan, _DELIMITER, task) + block
                counted[step.id] = len(whole.encode("utf-8", "replace")) // _BYTES_PER_TOKEN

    def tokens(step: Step) -> int:
        if not counted:
            count()
        return counted[step.id]

    return tokens


_DELIMITER = "0" * 16
_BYTES_PER_TOKEN = 4  # of English and code; a guess that is too high frightens people away
_REPLY_TOKENS = 32_000  # of one turn; a longer file is written in several calls


class Knowledge(NamedTuple):
    """The facts besides the plan: the failure of the last attempt, the project's own instructions,
    and the checks that ran already.
    """

    failure: prompts.Failure | None = None
    instructions: str = ""
    before: Sequence[prompts.Before] = ()


def brief(
    job: Job, prices: Prices, delimiter: str, knowledge: Knowledge | None = None
) -> conversation.Brief:
    """The whole prompt of the step.

    Raises UsageError for a model that is not in the price table.
    """
    facts = prices.facts(job.model)
    knowledge = knowledge or Knowledge()
    task = _task(job, knowledge, conversation.TURNS)
    return conversation.Brief(
        model=job.model,
        system=prompts.STEP_SYSTEM,
        plan=prompts.plan_block(job.plan, delimiter, job.task),
        step=prompts.step_block(task, delimiter),
        window=facts.context,
        max_tokens=min(_REPLY_TOKENS, facts.max_output),
    )


def agent_prompt(job: Job, delimiter: str, knowledge: Knowledge) -> str:
    """The whole prompt of a step for an agent program: the rules, the plan, the step."""
    plan = prompts.plan_block(job.plan, delimiter, job.task)
    step = prompts.step_block(_task(job, knowledge, 0), delimiter)
    return "\n\n".join([prompts.AGENT_RULES, plan, step])


def _task(job: Job, knowledge: Knowledge, turns: int) -> prompts.Task:
    return prompts.Task(
        step=job.step,
        number=job.number,
        max_turns=turns,
        earlier=[
            prompts.Earlier(step.title, "\n".join(step.changed), step.summary)
            for step in job.earlier
        ],
        failure=knowledge.failure,
        answered=[prompts.Answered(item.question, item.answer) for item in job.answered],
        instructions=knowledge.instructions,
        before=knowledge.before,
        remarks=job.remarks,
        hosts=job.network if isinstance(job.network, tuple) else (),
    )


def instructions_for(
    repository: Repository, objects: Objects, tree: str, places: Sequence[str]
) -> str:
    """What the files of a tree tell agents who work at these places, without secrets; what is nearest
    counts most.
    """
    tokens = settings.of_user(repository).mapTokens
    reader = TreeReader(objects, tree)
    texts = [
        (path, redact.redacted(text, secrecy.secrets()))
        for path in files.instruction_paths(places)
        if tokens and (text := reader.text(path)) is not None
    ]
    return sections.instructions(texts, tokens)


def failure_of(repository: Repository, last: LastTry | None) -> prompts.Failure | None:
    """Why the last attempt failed and what it had changed; the commit that kept it may be gone by
    now.
    """
    if last is None:
        return None
    diff = b""
    if last.commit is not None:
        quiet = ("--no-ext-diff", "--no-textconv", "--no-color")
        asked = ("diff", *quiet, f"{last.commit}^", last.commit, "--")
        diff = repository.git.finished(*asked, expect=(0, 128)).stdout
    changed = diff.decode("utf-8", "replace")
    return prompts.Failure(last.reason, last.output, changed, last.stayed)


def knowledge_of(
    repository: Repository, status: Status, step: Step, last: LastTry | None = None
) -> Knowledge:
    """What is known of a step that has not begun: nobody runs its checks for this."""
    base = status.branch.tip if status.branch is not None else status.base.commit
    with contextlib.closing(odb.opened(repository)) as database:
        text = _instructions_at(repository, database, base, step)
    return Knowledge(failure_of(repository, last), text)


def quoted_files(instructions: str, places: Sequence[str]) -> list[str]:
    """The files of the project whose text is in the instructions for these places."""
    lines = frozenset(instructions.splitlines())
    return [path for path in files.instruction_paths(places) if f"-- {path}" in lines]


def request(
    briefing: conversation.Brief, tools: Sequence[exchange.Block] | None = None
) -> exchange.Request:
    """The first request of a step; with all tools where none are given."""
    everything = tool_definitions.definitions(tool_definitions.permissions("all"))
    return exchange.Request(
        briefing.model,
        briefing.system,
        (exchange.user(briefing.plan, briefing.step),),
        briefing.max_tokens,
        tuple(everything if tools is None else tools),
        effort=briefing.effort,
    )


def _instructions_at(
    repository: Repository, objects: Objects, commit: str | None, step: Step
) -> str:
    """What the files of a commit tell whoever does a step; "" where it is not there."""
    try:
        tree = odb.commit(objects, commit).tree if commit is not None else None
    except odb.MissingObject:
        tree = None
    return instructions_for(repository, objects, tree, step.paths) if tree is not None else ""


def digest(job: Job) -> str:
    """The digest of a step's prompt without the deeds of other steps and a person's remarks: a
    conversation goes on only where it is the same.
    """
    parts = [
        prompts.STEP_SYSTEM,
        prompts.plan_block(job.plan, "", job.task),
        plan_document.step_document(job.step),
        job.model,
        sorted(job.tools),
        job.network,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "replace")).hexdigest()
