"""git orch adopt: take a commit of yours as a step."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.repo.local.approvals import Limits
from git_orch.views import console, report

if TYPE_CHECKING:
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.flow.run.adopt import Adopted
    from git_orch.repo.worktree.conflict_record import Operation

_NO_LIMITS = Limits()  # none was typed


@click.command("adopt")
@click.argument("typed", nargs=-1, required=True, metavar="[PLAN] STEP [COMMIT]")
@here.budget_option
@here.step_budget_option
@here.price_unknown_option
@here.json_option
def command(
    typed: tuple[str, ...], *, max_usd: float | None, max_step_usd: float | None, as_json: bool
) -> None:
    """Run the checks of a step on a commit that you made, and make that commit the step."""
    plan, number, commit = _read(typed)
    if plan is None:
        plan = words.plan_here(here.find_repository())
    adopt(plan, number, commit, Limits(max_usd, max_step_usd), as_json=as_json)


def adopt(
    plan: str | None,
    number: int,
    commit: str | None,
    limits: Limits = _NO_LIMITS,
    *,
    as_json: bool = False,
) -> None:
    """Take a commit as a step, and say what it became."""
    with here.open_plan(plan) as opened:
        show(opened, number, _adopt(opened, number, commit, limits), as_json=as_json)


def _adopt(
    opened: OpenPlan, number: int, commit: str | None, limits: Limits = _NO_LIMITS
) -> Adopted:
    from git_orch.flow.attempt import verify
    from git_orch.flow.run import adopt, later_reviews

    with contextlib.ExitStack() as stack:
        asking = later_reviews.asking(stack, opened, limits)
        return adopt.adopt(opened, number, commit, verify.Terms(asking=asking))


def show(opened: OpenPlan, number: int, adopted: Adopted, *, as_json: bool = False) -> None:
    """Say what a commit became."""
    document = {
        "plan": opened.id,
        "step": adopted.step.id,
        "number": number,
        "commit": adopted.new,
        "adopted": list(adopted.commits),
    }
    if as_json:
        here.print_json(document)
        return
    here.give(document)
    were = ", ".join(oid[:10] for oid in adopted.commits if oid != adopted.new)
    before = f" (was {were})" if were else ""
    console.out(f"step {number} is {adopted.new[:10]} now{before}  ", adopted.step.title)
    console.out(*report.next_command(opened.status(), running=False))


def _read(typed: tuple[str, ...]) -> tuple[str | None, int, str | None]:
    """The plan, the step and the commit of a command line. Raises UsageError."""
    plan = typed[0] if len(typed) > 1 and words.is_step(typed[1]) else None
    rest = typed[1:] if plan is not None else typed
    if not words.is_step(rest[0]) or len(rest) > 2:
        raise errors.UsageError("name a step, and a commit if you like", "git orch adopt -h")
    return plan, int(rest[0]), rest[1] if len(rest) > 1 else None


def go_on(opened: OpenPlan, operation: Operation) -> None:
    """Go on with what a conflict has stopped."""
    from git_orch.flow.branch import conflict

    [number] = conflict.numbers(opened, operation)
    show(opened, number, _adopt(opened, number, operation.onto))
