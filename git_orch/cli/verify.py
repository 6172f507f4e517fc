"""git orch verify: run a step's checks again, or accept a commit that claims a step."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.plans import ids, missing, selection, sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import CheckResult
from git_orch.views import console, report, requirements

if TYPE_CHECKING:
    from git_orch.flow.attempt.prove import Proof
    from git_orch.flow.attempt.verify import Tip, Verified


class Typed(NamedTuple):
    """The options of `git orch verify` as typed."""

    check: int | None
    accept: int | None
    tip: bool
    no_cache: bool
    record: bool
    max_usd: float | None
    max_step_usd: float | None
    as_json: bool
    requirement: str | None = None


@click.command("verify")
@words.plan_and_step_arguments
@click.option("--step", "steps", metavar="LIST", help="The same as STEP, or several: 1,3-5.")
@click.option(
    "--check", type=click.IntRange(min=1), metavar="N", help="Run only check number N of each step."
)
@click.option("--tip", is_flag=True, help="Run all checks of the plan on the tip of its branch.")
@click.option(
    "--requirement",
    metavar="LIST",
    help="Run the checks of requirements where the plan's work is now: R1,R3 or all.",
)
@click.option(
    "--no-cache", is_flag=True, help="Also run checks that passed on the same tree before."
)
@click.option(
    "--record", is_flag=True, help="Record which trees passed: an unverified step becomes done."
)
@click.option(
    "--accept", type=int, metavar="N", help="Take the commit that claims step N as that step."
)
@here.budget_option
@here.step_budget_option
@here.price_unknown_option
@here.json_option
def command(plan: str | None, step: str | None, steps: str | None, **typed: Any) -> int:
    """Run the checks of landed steps again, on the trees of their commits."""
    handle, named = words.plan_and_steps(plan, step)
    if named is not None and steps is not None:
        raise errors.UsageError("STEP cannot be used with --step", f"git orch verify {named}")
    return _verify(handle, named or steps, Typed(**typed))


def _verify(plan: str | None, steps: str | None, given: Typed) -> int:
    check, accept, tip, as_json = given.check, given.accept, given.tip, given.as_json
    if accept is not None and (steps is not None or check is not None or given.record or tip):
        raise errors.UsageError("--accept stands alone", f"git orch verify --accept {accept}")
    if tip and (steps is not None or check is not None):
        raise errors.UsageError("--tip is about all checks of all steps", "git orch verify --tip")
    if tip and (given.max_usd, given.max_step_usd) != (None, None):
        raise errors.UsageError("no review runs on the tip", "git orch verify --tip")
    if given.requirement is not None:
        return _prove(plan, steps, given, given.requirement)
    if accept is not None:
        from git_orch.cli import adopt

        console.err("note: 'git orch verify --accept' is 'git orch adopt' now")
        adopt.adopt(plan, accept, None)
        return 0
    from git_orch.flow.attempt import verify
    from git_orch.flow.run import later_reviews
    from git_orch.repo.local.approvals import Limits

    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(here.open_plan(plan))
        limits = Limits(given.max_usd, given.max_step_usd)
        asking = later_reviews.asking(stack, opened, limits)
        terms = verify.Terms(not given.no_cache, given.record, asking=asking)
        if tip:
            return _tip(opened.id, verify.verify_tip(opened, terms), as_json=as_json)
        count = len(opened.status().steps)
        chosen = selection.numbers(steps, count) if steps is not None else []
        results = verify.verify(opened, chosen, check, terms)
    if as_json:
        here.print_json([_document(step) for step in results])
    else:
        _print(results)
    return _conclude(opened.id, results)


def _prove(plan: str | None, steps: str | None, given: Typed, listed: str) -> int:
    """Run the checks of requirements again."""
    others = (steps, given.check, given.accept, given.max_usd)
    if given.tip or given.record or any(other is not None for other in others):
        raise errors.UsageError(
            "--requirement goes with --no-cache and --json alone", "git orch verify -h"
        )
    from git_orch.flow.attempt import prove
    from git_orch.flow.attempt.verify import Terms

    names = [name.strip() for name in listed.split(",") if name.strip()]
    if not names:
        raise errors.UsageError("no requirement given", "git orch verify --requirement all")
    with here.open_landed(plan) as opened:
        proof = prove.prove(opened, names, Terms(not given.no_cache))
    if given.as_json:
        here.print_json(_proof_document(proof))
    for proved in proof.proved if not given.as_json else ():
        word = "ok" if proved.passed else "FAILED"
        console.out(f"{proved.requirement.id} {proved.requirement.text}: {word}")
        for result in proved.results:
            _print_result(result)
    failed = [proved for proved in proof.proved if not proved.passed]
    if not failed:
        return 0
    results = [result for proved in failed for result in proved.results if not result.passed]
    hint = missing.hint_of(results) or requirements.again(failed[0].requirement)
    ids_of_failed = sentences.names([proved.requirement.id for proved in failed])
    console.failure(f"the checks of {ids_of_failed} fail", hint)
    return 1


def _proof_document(proof: Proof) -> Document:
    return {
        "tree": proof.tree,
        "passed": all(proved.passed for proved in proof.proved),
        "requirements": [
            {
                "id": proved.requirement.id,
                "text": proved.requirement.text,
                "passed": proved.passed,
                "checks": [_result(result) for result in proved.results],
            }
            for proved in proof.proved
        ],
    }


def _document(step: Verified) -> Document:
    results = [_result(result) for result in step.results]
    return {"step": step.number, "tree": step.tree, "passed": step.passed, "checks": results}


def _result(result: CheckResult) -> Document:
    said: Document = {"command": result.command}
    if result.is_review:
        said = {"review": result.command, "model": result.model}
    return {
        **said,
        "exit": result.exit,
        "passed": result.passed,
        "seconds": result.seconds,
        "output": result.text,
        "cached": result.since,
    }


def _tip(plan_id: str, tip: Tip, *, as_json: bool) -> int:
    """Tell how the checks on the tip ended."""
    name, passed = ids.short(plan_id), tip.checked.passed
    if as_json:
        results = [{"step": number, **_result(result)} for number, result in tip.results]
        here.print_json({"tree": tip.checked.tree, "passed": passed, "checks": results})
    else:
        console.out(f"tip of {name}: {'ok' if passed else 'FAILED'}")
        for number, result in tip.results:
            _print_result(result, f" (step {number})")
    if passed:
        return 0
    number, failed = next((number, result) for number, result in tip.results if not result.passed)
    usual = f"git orch edit {name}  # add a step that repairs it"
    hint = missing.hint_of(tip.failures) or usual
    console.failure(
        f"check {sentences.command(failed.command)} of step {number} fails on the tip", hint
    )
    return 1


def _print(results: list[Verified]) -> None:
    for step in results:
        console.out(f"step {step.number} {step.title}: {_word(step)}")
        for result in step.results:
            _print_result(result)
    if not results:
        console.out("no step has a commit yet")


def _word(step: Verified) -> str:
    if not step.results:
        return "no checks"
    return "ok" if step.passed else "FAILED"


def _print_result(result: CheckResult, whose: str = "") -> None:
    style = "green" if result.passed else "red"
    took = f"cached, {result.since}" if result.since is not None else f"in {result.seconds:.1f} s"
    joint = ", " if result.is_cached else " "
    console.out(
        f"  {report.kind_of_check(result)} ",
        result.command,
        whose,
        ": ",
        console.Styled(result.reason, style),
        joint,
        took,
    )


def _conclude(plan_id: str, results: list[Verified]) -> int:
    failed = [step.number for step in results if not step.passed]
    if not failed:
        return 0
    name = ids.short(plan_id)
    usual = f"git orch verify {name} --step {failed[0]} --json"
    lacking = [result for step in results for result in step.results if not result.passed]
    hint = missing.hint_of(lacking) or usual
    console.failure(f"the checks of {sentences.steps(failed)} fail", hint)
    return 1
