"""git orch context: the request that a model gets for a step."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.flow.attempt import brief
from git_orch.plans import ids
from git_orch.repo import settings
from git_orch.views import console


@click.command("context")
@words.plan_and_step_arguments
@click.option("--step", "old", type=int, metavar="N", help="The same as STEP.")
@here.json_option
def command(plan: str | None, step: str | None, old: int | None, *, as_json: bool) -> None:
    """What the model is told before it begins with an agent step, the first that is not done by
    default; nothing is sent.
    """
    from git_orch.flow.model import service

    handle, typed = words.plan_and_step(plan, step)
    number = typed if old is None else old
    repository = here.find_repository()
    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, handle)
    name = ids.short(status.id)
    first = next(
        (step.number for step in status.steps if step.id not in status.satisfied_steps()), 1
    )
    position = first if number is None else number
    if not 1 <= position <= len(status.steps):
        raise errors.NotFound(f"there is no step {position}", f"git orch show {name}")
    asked = status.steps[position - 1].step
    if asked.kind != "agent":
        raise errors.UsageError(
            f"step {position} needs no model: it is a {asked.kind} step", f"git orch show {name}"
        )
    chosen = settings.of_user(repository)
    model = asked.model or chosen.model
    job = brief.job_of(status, status.steps[position - 1], model)
    knowledge = brief.knowledge_of(repository, status, asked)
    request = brief.brief(job, service.price_table(chosen.prices), "DELIMITER", knowledge)
    if as_json:
        here.print_json(
            {
                "model": request.model,
                "system": request.system,
                "plan": request.plan,
                "step": request.step,
            }
        )
        return
    for part in (request.system, request.plan, request.step):
        console.out(part)
