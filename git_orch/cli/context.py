"""git orch context: show the prompt of a step."""

from __future__ import annotations

from typing import Any

import click

from git_orch import errors, notices
from git_orch.agents import exchange
from git_orch.cli import here, reading, words
from git_orch.flow.attempt import brief
from git_orch.plans import agents, ids, sentences
from git_orch.plans.history import life
from git_orch.plans.history.status import Status, StepStatus
from git_orch.repo import settings
from git_orch.repo.repository import Repository
from git_orch.views import console

_DELIMITER = "DELIMITER"


@click.command("context")
@words.plan_and_step_arguments
@click.option("--step", "old", type=int, metavar="N", help="The same as STEP.")
@here.json_option
def command(plan: str | None, step: str | None, old: int | None, *, as_json: bool) -> None:
    """Print the prompt of an agent step, by default of the first that is not done. Nothing is sent."""
    handle, typed = words.plan_and_step(plan, step)
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, handle)
    life.require_steps(status)
    asked = _step(status, typed if old is None else old)
    document = _document(repository, status, asked)
    if as_json:
        here.print_json(document)
        return
    instructions = document["instructions"]
    if instructions:
        quoted = sentences.quoted_names(instructions)
        notices.tell(f"the prompt quotes untrusted text of the repository: {quoted}")
    for part in ("system", "plan", "step"):
        if document[part]:
            console.out(document[part])


def _step(status: Status, number: int | None) -> StepStatus:
    """The step with the number, or the first one of a model that is not done. Raises UsageError
    for one that needs no model.
    """
    if number is None:
        of_models = [step for step in status.steps if step.step.kind == "agent"]
        left = [step for step in of_models if step.id not in status.satisfied_steps()]
        asked = next(iter(left or of_models or status.steps))
    else:
        asked = life.numbered_step(status, number)
    if asked.step.kind != "agent":
        raise errors.UsageError(
            f"step {asked.number} needs no model: it is a {asked.step.kind} step",
            f"git orch show {ids.short(status.id)}",
        )
    return asked


def _document(repository: Repository, status: Status, step: StepStatus) -> dict[str, Any]:
    """The prompt of a step; with `request`, the whole body, where git-orch itself asks the model."""
    from git_orch.flow.model import service

    chosen = settings.of_user(repository)
    job = brief.job_of(status, step, step.step.model or chosen.model)
    knowledge = brief.knowledge_of(repository, status, step.step, job.last)
    files = brief.quoted_files(knowledge.instructions, step.step.paths)
    program = agents.of_step(step.step, chosen.agent)
    if program:
        prompt = brief.agent_prompt(job, _DELIMITER, knowledge)
        texts = {"agent": program, "model": step.step.model, "system": "", "plan": ""}
        return {**texts, "step": prompt, "instructions": files, "request": None}
    table = service.price_table(chosen)
    made = brief.brief(job, table, _DELIMITER, knowledge)
    adaptive = table.facts(made.model).adaptive_thinking
    return {
        "agent": None,
        "model": made.model,
        "system": made.system,
        "plan": made.plan,
        "step": made.step,
        "instructions": files,
        "request": exchange.parameters(brief.request(made), adaptive=adaptive),
    }
