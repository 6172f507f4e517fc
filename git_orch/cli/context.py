"""git orch context: the request that a model gets for a step."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.flow.attempt import brief
from git_orch.plans import ids
from git_orch.repo import settings
from git_orch.views import console


@click.command("context")
@here.plan_argument
@click.option(
    "--step",
    "number",
    type=int,
    metavar="N",
    help="The step; the first one that is not done by default.",
)
@here.json_option
def command(plan: str | None, number: int | None, *, as_json: bool) -> None:
    """What the model is told before it begins with an agent step; nothing is sent."""
    from git_orch.flow.model import service

    repository = here.find_repository()
    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, plan)
    name = ids.short(status.id)
    position = number or next(
        (step.number for step in status.steps if step.id not in status.satisfied_steps()), 1
    )
    if not 1 <= position <= len(status.steps):
        raise errors.NotFound(f"there is no step {position}", f"git orch show {name}")
    step = status.steps[position - 1].step
    if step.kind != "agent":
        raise errors.UsageError(
            f"step {position} needs no model: it is a {step.kind} step", f"git orch show {name}"
        )
    chosen = settings.of_user(repository)
    model = step.model or chosen.model
    job = brief.job_of(status, status.steps[position - 1], model)
    request = brief.brief(job, service.price_table(chosen.prices), "DELIMITER")
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
