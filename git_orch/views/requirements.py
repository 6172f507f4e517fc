"""Requirements that drifted, for people and for programs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from git_orch.plans import drift, ids, requirements, sentences
from git_orch.views.console import Styled

if TYPE_CHECKING:
    from git_orch.plans.document import Document
    from git_orch.plans.drift import Verdict
    from git_orch.plans.history.status import Status
    from git_orch.plans.plan import Plan, Requirement
    from git_orch.views.headlines import Line

_SHOWN = 8  # requirements of a plan
_IN_CHECKLIST = 5
_NAMED = 3  # changed paths of a requirement


def lines(plan: str, verdicts: Sequence[Verdict]) -> list[Line]:
    """A line for each requirement that drifted, and the command that proves them again."""
    drifted = drift.drifted(verdicts)
    if not drifted:
        return []
    shown: list[Line] = [
        (Styled("drifted  ", "yellow"), f"{_title(verdict.requirement)}: {_why(verdict)}")
        for verdict in drifted[:_SHOWN]
    ]
    if len(drifted) > _SHOWN:
        more = sentences.count(len(drifted) - _SHOWN, "more requirement")
        shown.append((Styled("drifted  ", "yellow"), f"and {more}"))
    purpose = "to name other checks" if _all_lost(drifted) else "to prove them again"
    if len(drifted) == 1:
        purpose = purpose.replace("them", "it")
    return [*shown, (f"         {purpose}: {following(plan, verdicts)}",)]


def following(plan: str, verdicts: Sequence[Verdict]) -> str:
    """The command that ends the drift of a plan's requirements."""
    handle, drifted = ids.short(plan), drift.drifted(verdicts)
    if _all_lost(drifted):
        return f"git orch edit {handle}"
    names = ",".join(verdict.requirement.id for verdict in drifted if verdict.lost is None)
    again = f"git orch verify {handle} --requirement {names}"
    is_committed = any(not verdict.uncommitted for verdict in drifted if verdict.lost is None)
    return again if is_committed else f"git commit -a  # then: {again}"


def _all_lost(drifted: Sequence[Verdict]) -> bool:
    return all(verdict.lost is not None for verdict in drifted)


def _title(requirement: Requirement) -> str:
    return f"{requirement.id} {requirement.text}"


def _why(verdict: Verdict) -> str:
    if verdict.lost is not None:
        return f"no step has its check {sentences.command(verdict.lost)} any more"
    if verdict.uncommitted:
        paths = sentences.paths(verdict.uncommitted, _NAMED)
        return (
            f"{paths} {sentences.verb(len(verdict.uncommitted), 'has', 'have')} uncommitted changes"
        )
    if verdict.changed is None:
        return "what its checks passed on is not in this repository"
    return f"{sentences.paths(verdict.changed, _NAMED)} changed since its checks passed"


_COLOURS = {"met": "green", "drifted": "yellow"}


def state_lines(verdicts: Sequence[Verdict], *, whole: bool) -> Iterator[Line]:
    """Every requirement with its state; without `whole` five of them, those that drifted rather
    than others.
    """
    if not verdicts:
        return
    shown = list(verdicts) if whole else drift.first(verdicts, _IN_CHECKLIST)
    yield ("",)
    yield (Styled("Requirements", "bold"),)
    for verdict in shown:
        state = Styled(f"{verdict.state:<8}", _COLOURS.get(verdict.state, "dim"))
        yield ("  ", state, f" {_title(verdict.requirement)}")
    if len(verdicts) > len(shown):
        yield (f"  and {sentences.count(len(verdicts) - len(shown), 'more requirement')}",)


def text_lines(plan: Plan) -> list[Line]:
    """The requirements of a plan as its text has them."""
    if not plan.requirements:
        return []
    listed: list[Line] = [("",), (Styled("requirements", "bold"),)]
    for requirement in plan.requirements:
        listed.append((f"  {_title(requirement)}",))
        checks = requirements.checks_of(plan, requirement)
        listed += [(f"    check {sentences.command(check.command.text())}",) for check in checks]
        listed += [(f"    watch {pattern}",) for pattern in requirement.watch]
    return listed


def again(requirement: Requirement) -> str:
    """The command that plans how a requirement comes to hold again."""
    return f"git orch plan {shlex.quote(f'Restore {_title(requirement)}')}"


def documents(status: Status, verdicts: Sequence[Verdict] | None) -> list[Document]:
    """The requirements of a plan; without verdicts their states are null."""
    states = {verdict.requirement.id: verdict for verdict in verdicts or ()}
    return [
        _document(status.plan, requirement, states.get(requirement.id))
        for requirement in status.plan.requirements
    ]


def _document(plan: Plan, requirement: Requirement, verdict: Verdict | None) -> Document:
    steps = requirements.steps_of(plan, requirement)
    checks = requirements.checks_of(plan, requirement)
    return {
        "id": requirement.id,
        "text": requirement.text,
        "checks": [check.command.text() for check in checks],
        "watch": list(requirement.watch),
        "steps": [plan.position(step.id) for step in steps],
        "state": verdict.state if verdict is not None else None,
        "changed": list(verdict.changed or ()) if verdict is not None else [],
        "uncommitted": list(verdict.uncommitted) if verdict is not None else [],
    }
