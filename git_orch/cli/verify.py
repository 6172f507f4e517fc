"""git orch verify: run a step's checks again, or accept a commit that claims a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import ids, selection
from git_orch.plans.plan import Document
from git_orch.sandbox import secrecy
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.verification import Verified


@click.command("verify")
@here.plan_argument
@click.option("--step", "steps", metavar="LIST", help="Only these steps: 2, or 1,3-5.")
@click.option("--check", type=click.IntRange(min=1), metavar="N", help="Only check number N of each step.")
@click.option("--record", is_flag=True, help="Write down which trees passed: an unverified step becomes done.")
@click.option("--accept", type=int, metavar="N", help="Take the commit that claims step N as that step.")
@here.json_option
def command(
    plan: str | None, steps: str | None, check: int | None, accept: int | None, *, record: bool, as_json: bool
) -> int:
    """Run the checks of landed steps again, on the trees their commits have now."""
    secrecy.hide_keys()
    if accept is not None and (steps is not None or check is not None or record):
        raise errors.UsageError("--accept stands alone", f"git orch verify --accept {accept}")
    from git_orch.flow import openplan, verification
    from git_orch.views.progress import ConsoleReporter

    found = here.repository()
    plan_id = here.plan_id(found, plan)
    with openplan.opened(found, plan_id, ConsoleReporter()) as opened:
        if accept is not None:
            verification.accept(opened, accept)
            console.out(f"step {accept} is taken; its tree is not verified")
            console.out(f"next: git orch verify {ids.short(plan_id)} --step {accept} --record")
            return 0
        count = len(opened.status().steps)
        chosen = selection.numbers(steps, count) if steps is not None else []
        results = verification.verify(opened, chosen, check, record=record)
    if as_json:
        here.print_json([_document(each) for each in results])
    else:
        _print(results)
    return _concluded(plan_id, results)


def _document(each: Verified) -> Document:
    results = [
        {"command": one.command, "exit": one.exit, "passed": one.passed, "seconds": one.seconds, "output": one.output}
        for one in each.results
    ]
    return {"step": each.number, "tree": each.tree, "passed": each.passed, "checks": results}


def _print(results: list[Verified]) -> None:
    for each in results:
        console.out(f"step {each.number} {each.title}: {'ok' if each.passed else 'FAILED'}")
        for one in each.results:
            style = "green" if one.passed else "red"
            console.out("  check ", one.command, ": ", console.Styled(one.reason, style), f" in {one.seconds:.1f} s")
    if not results:
        console.out("no step has a commit yet")


def _concluded(plan_id: str, results: list[Verified]) -> int:
    failed = [str(each.number) for each in results if not each.passed]
    if not failed:
        return 0
    name = ids.short(plan_id)
    console.failure(f"the checks of step {', '.join(failed)} fail", f"git orch verify {name} --step {failed[0]} --json")
    return 1
