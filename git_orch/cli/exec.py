"""git orch exec: run the steps that are not done."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.agents import offers
from git_orch.cli import here
from git_orch.plans import ids
from git_orch.plans import plan as plans
from git_orch.plans.status import SATISFIED, Status
from git_orch.repo.repository import Repository
from git_orch.sandbox import environment, secrecy
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.execution import Summary


@click.command("exec")
@here.plan_argument
@click.option("--dry-run", is_flag=True, help="Say what would run; change nothing.")
@click.option(
    "--tool", "tools", default="all", metavar="LIST", help="What a model may use: none, read, write, command, all."
)
@click.option("--model", metavar="MODEL", help="The model for steps that name none (orch.model).")
@here.budget_option
@here.json_option
def command(
    plan: str | None, *, dry_run: bool, tools: str, model: str | None, max_usd: float | None, as_json: bool
) -> int:
    """Run all steps that are not done, in order; stop at the first failure. Run it again to go on."""
    secrecy.hide_keys()
    allowed = offers.permitted(tools)
    found = here.repository()
    plan_id = here.plan_id(found, plan)
    with here.reading(found) as database:
        status = here.status_of(found, database, plan_id)
    if dry_run:
        _preview(status, allowed, as_json=as_json)
        return 0
    _refuse_missing(found, status)
    return _run(found, status, (allowed, model, max_usd), as_json=as_json)


def _refuse_missing(found: Repository, status: Status) -> None:
    """Raises StepFailed when a command that the plan says it needs is not there: better now than in its middle."""
    path = os.pathsep.join(environment.outside(os.environ.get("PATH", ""), found.top))
    missing = [name for name in status.plan.dependencies if environment.program(name, path) is None]
    if missing and not set(status.satisfied()) >= {step.id for step in status.plan.steps}:
        raise errors.StepFailed(
            f"the plan needs commands that are not here: {', '.join(missing)}", f"git orch check {ids.short(status.id)}"
        )


def _run(
    found: Repository, status: Status, given: tuple[frozenset[str], str | None, float | None], *, as_json: bool
) -> int:
    from git_orch.flow import execution, models, openplan
    from git_orch.repo import settings
    from git_orch.views.progress import ConsoleReporter

    with_model = any(each.step.kind == "agent" and each.state not in SATISFIED for each in status.steps)
    if with_model:
        from git_orch.agents import messages

        messages.start_import()  # it takes a second; the git work before the first call hides some of it
    chosen = settings.of_user(found)
    allowed, model, max_usd = given
    options = execution.Options(model or chosen.model, allowed, max_usd)
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(models.service(chosen.prices)) if with_model else None
        plan = stack.enter_context(openplan.opened(found, status.id, ConsoleReporter(), warm=True))
        summary = execution.execute(plan, options, service)
        after = plan.status()
    if as_json:
        from git_orch.views import report

        here.print_json(report.document(after, running=False))
        _say_failure(after, summary)
    else:
        conclude(after, summary)
    return summary.exit_code


def _preview(status: Status, allowed: frozenset[str], *, as_json: bool) -> None:
    waiting = [each for each in status.steps if each.state not in SATISFIED]
    if as_json:
        here.print_json([{"number": each.number, **plans.step_document(each.step)} for each in waiting])
        return
    if not waiting:
        console.out("nothing to do")
    for each in waiting:
        asks = "  asks for the network" if each.step.network else ""
        console.out(f"step {each.number} {each.step.title} [{each.step.kind}]{asks}")
        if each.step.command is not None:
            console.out("  run   ", console.indented(each.step.command.text(), 8))
        for path, content in each.step.files.items():
            console.out("  write " if content is not None else "  delete ", path)
        if each.step.kind == "agent":
            console.out(f"  model may use: {', '.join(sorted(allowed)) or 'no tool'}")
        for check in each.step.checks:
            console.out("  check ", console.indented(check.command.text(), 8))


def conclude(status: Status, summary: Summary) -> None:
    """Say how a run ended and what to type next."""
    from git_orch.views import report

    done = sum(1 for each in status.steps if each.state in SATISFIED)
    estimate = f" (estimated ${status.estimate.usd:.2f})" if status.estimate is not None else ""
    console.out(
        f"{ids.short(status.id)} {report.state_word(status, running=False)}: {done} of {len(status.steps)} steps done, "
        f"{len(summary.landed)} landed now in {summary.seconds:.1f} s, ${status.usd():.4f}{estimate}"
    )
    _say_failure(status, summary)
    if summary.failed is None:
        console.out(*report.next_command(status, running=False))


def _say_failure(status: Status, summary: Summary) -> None:
    if summary.failed is not None:
        cause = (summary.error or "").split("\n")[0]  # the whole of it was shown when it happened
        hint = summary.hint or f"git orch show {ids.short(status.id)} --attempts"
        console.failure(f"step {summary.failed} failed: {cause}", hint)
