"""git orch verify: run a step's checks again, or accept a commit that claims a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import ids, selection, sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import CheckResult
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.attempt.verify import Tip, Verified


@click.command("verify")
@here.plan_argument
@click.option("--step", "steps", metavar="LIST", help="Only these steps: 2, or 1,3-5.")
@click.option(
    "--check", type=click.IntRange(min=1), metavar="N", help="Only check number N of each step."
)
@click.option("--tip", is_flag=True, help="All checks of the plan, on the tip of its branch.")
@click.option(
    "--no-cache", is_flag=True, help="Run checks again that passed on the same tree before."
)
@click.option(
    "--record", is_flag=True, help="Write down which trees passed: an unverified step becomes done."
)
@click.option(
    "--accept", type=int, metavar="N", help="Take the commit that claims step N as that step."
)
@here.json_option
def command(
    plan: str | None,
    steps: str | None,
    check: int | None,
    accept: int | None,
    *,
    tip: bool,
    no_cache: bool,
    record: bool,
    as_json: bool,
) -> int:
    """Run the checks of landed steps again, on the trees their commits have now."""
    if accept is not None and (steps is not None or check is not None or record or tip):
        raise errors.UsageError("--accept stands alone", f"git orch verify --accept {accept}")
    if tip and (steps is not None or check is not None):
        raise errors.UsageError("--tip is about all checks of all steps", "git orch verify --tip")
    from git_orch.flow.attempt import verify

    terms = verify.Terms(not no_cache, record)
    with here.open_plan(plan) as opened:
        if accept is not None:
            verify.accept(opened, accept)
            console.out(f"step {accept} is taken; its tree is not verified")
            console.out(f"next: git orch verify {opened.name} --step {accept} --record")
            return 0
        if tip:
            return _tip(opened.id, verify.verify_tip(opened, terms), as_json=as_json)
        count = len(opened.status().steps)
        chosen = selection.numbers(steps, count) if steps is not None else []
        results = verify.verify(opened, chosen, check, terms)
    if as_json:
        here.print_json([_document(each) for each in results])
    else:
        _print(results)
    return _concluded(opened.id, results)


def _document(each: Verified) -> Document:
    results = [_result(one) for one in each.results]
    return {"step": each.number, "tree": each.tree, "passed": each.passed, "checks": results}


def _result(one: CheckResult) -> Document:
    return {
        "command": one.command,
        "exit": one.exit,
        "passed": one.passed,
        "seconds": one.seconds,
        "output": one.output,
        "cached": one.since,
    }


def _tip(plan_id: str, tip: Tip, *, as_json: bool) -> int:
    """Tell how the checks on the tip ended."""
    name, passed = ids.short(plan_id), tip.checked.passed
    if as_json:
        results = [{"step": number, **_result(one)} for number, one in tip.results]
        here.print_json({"tree": tip.checked.tree, "passed": passed, "checks": results})
    else:
        console.out(f"tip of {name}: {'ok' if passed else 'FAILED'}")
        for number, one in tip.results:
            _print_result(one, f" (step {number})")
    if passed:
        return 0
    number, failed = next((number, one) for number, one in tip.results if not one.passed)
    hint = f"git orch edit {name}  # add a step that repairs it"
    console.failure(
        f"check {sentences.command(failed.command)} of step {number} fails on the tip", hint
    )
    return 1


def _print(results: list[Verified]) -> None:
    for each in results:
        word = ("ok" if each.passed else "FAILED") if each.results else "no checks"
        console.out(f"step {each.number} {each.title}: {word}")
        for one in each.results:
            _print_result(one)
    if not results:
        console.out("no step has a commit yet")


def _print_result(one: CheckResult, whose: str = "") -> None:
    style = "green" if one.passed else "red"
    took = f"cached, {one.since}" if one.since is not None else f"in {one.seconds:.1f} s"
    joint = ", " if one.cached else " "
    console.out(
        "  check ", one.command, whose, ": ", console.Styled(one.reason, style), joint, took
    )


def _concluded(plan_id: str, results: list[Verified]) -> int:
    failed = [each.number for each in results if not each.passed]
    if not failed:
        return 0
    name = ids.short(plan_id)
    hint = f"git orch verify {name} --step {failed[0]} --json"
    console.failure(f"the checks of {sentences.steps(failed)} fail", hint)
    return 1
