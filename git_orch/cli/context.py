"""git orch context: what a model is told for a step."""

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

    found = here.repository()
    with here.reading(found) as database:
        status = here.status_of(found, database, plan)
    name = ids.short(status.id)
    wanted = number or next(
        (each.number for each in status.steps if each.step.id not in status.satisfied()), 1
    )
    if not 1 <= wanted <= len(status.steps):
        raise errors.NotFound(f"there is no step {wanted}", f"git orch show {name}")
    step = status.steps[wanted - 1].step
    if step.kind != "agent":
        raise errors.UsageError(
            f"step {wanted} needs no model: it is a {step.kind} step", f"git orch show {name}"
        )
    chosen = settings.of_user(found)
    model = step.model or chosen.model
    job = brief.job_of(status, status.steps[wanted - 1], model)
    told = brief.brief(job, service.price_table(chosen.prices), "DELIMITER")
    if as_json:
        here.print_json(
            {"model": told.model, "system": told.system, "plan": told.plan, "step": told.step}
        )
        return
    for part in (told.system, told.plan, told.step):
        console.out(part)
