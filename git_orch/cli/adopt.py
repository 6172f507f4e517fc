"""git orch adopt: take a commit of yours as a step."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.views import console, report


@click.command("adopt")
@click.argument("typed", nargs=-1, required=True, metavar="[PLAN] STEP [COMMIT]")
@here.json_option
def command(typed: tuple[str, ...], *, as_json: bool) -> None:
    """Run the checks of a step on a commit that you made, and take it as that step."""
    plan, number, commit = _read(typed)
    if plan is None:
        plan = words.plan_here(here.find_repository())
    adopt(plan, number, commit, as_json=as_json)


def adopt(plan: str | None, number: int, commit: str | None, *, as_json: bool = False) -> None:
    """Take a commit as a step, and say what it became."""
    from git_orch.flow.run import adopt

    with here.open_plan(plan) as opened:
        adopted = adopt.adopt(opened, number, commit)
        after = opened.status()
    if as_json:
        document = {
            "plan": opened.id,
            "step": adopted.step.id,
            "number": number,
            "commit": adopted.new,
            "adopted": list(adopted.commits),
        }
        here.print_json(document)
        return
    were = ", ".join(oid[:10] for oid in adopted.commits if oid != adopted.new)
    before = f" (was {were})" if were else ""
    console.out(f"step {number} is {adopted.new[:10]} now{before}  ", adopted.step.title)
    console.out(*report.next_command(after, running=False))


def _read(typed: tuple[str, ...]) -> tuple[str | None, int, str | None]:
    """The plan, the step and the commit of a command line. Raises UsageError."""
    plan = typed[0] if len(typed) > 1 and words.is_step(typed[1]) else None
    rest = typed[1:] if plan is not None else typed
    if not words.is_step(rest[0]) or len(rest) > 2:
        raise errors.UsageError("name a step, and a commit if you like", "git orch adopt -h")
    return plan, int(rest[0]), rest[1] if len(rest) > 1 else None
