"""Requirements judged: whether what their checks passed on is what is there now.

Dates decide nothing: a check that passed on a tree proves a requirement as long as the watched
paths are what they were in that tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from git_orch.plans import requirements
from git_orch.plans.history.status import SATISFIED, Status, TipCheck
from git_orch.plans.plan import Check, Plan, Requirement

State = Literal["open", "met", "drifted"]
MOST_TREES = 20  # on which a check passed, that are compared with what is there now

# The watched paths that differ between a tree and what is there now; None where nobody can say.
Differing = Callable[[str, Sequence[str]], Sequence[str] | None]


class Verdict(NamedTuple):
    """A requirement and its state: `open` as long as a step of it is not done, or no check of it
    has passed. Of one that drifted, `changed` are watched paths, the fewest since a check passed: None
    where that cannot be compared; `lost` is a check that no step has any more; `uncommitted` are
    watched paths that somebody changes right now.
    """

    requirement: Requirement
    state: State
    changed: tuple[str, ...] | None = ()
    lost: str | None = None
    uncommitted: tuple[str, ...] = ()


def passed_trees(status: Status, check: Check) -> list[str]:
    """The trees on which a check passed as the plan's log says, the newest first."""
    having = {
        step.id
        for step in status.plan.steps
        if any(_expects_the_same(check, other) for other in step.checks)
    }
    verified = {tree for step, tree in status.verified if step in having}
    landed = [attempt.tree for attempt in reversed(status.attempts) if attempt.tree in verified]
    on_tip = _passed_on_tip(status.tip_checked, check.command.text())
    return list(dict.fromkeys([*on_tip, *filter(None, landed), *sorted(verified)]))


def _expects_the_same(check: Check, other: Check) -> bool:
    """Whether two checks differ in their time limits at most."""
    return check == other._replace(timeout=check.timeout)


def _passed_on_tip(checked: TipCheck | None, command: str) -> list[str]:
    if checked is None or any(failure.command == command for failure in checked.failed):
        return []
    return [checked.tree]


def watched(
    plan: Plan, requirement: Requirement, changed: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """The patterns of the paths that a requirement watches; `changed` are the paths that each step
    (ID) changed.
    """
    if requirement.watch:
        return requirement.watch
    steps = requirements.steps_of(plan, requirement)
    paths = [path for step in steps for path in changed.get(step.id, ())]
    return tuple(requirements.literally(path) for path in dict.fromkeys(paths))


def checks_of(plan: Plan) -> list[Check]:
    """The checks of all requirements of a plan."""
    every = (requirements.checks_of(plan, requirement) for requirement in plan.requirements)
    return list(dict.fromkeys(check for checks in every for check in checks))


class Facts(NamedTuple):
    """What verdicts rest on: the trees on which each check passed, the newest first; the patterns
    that each requirement (ID) watches; and how a tree differs from what is there now.
    """

    passed: Mapping[Check, Sequence[str]]
    watched: Mapping[str, Sequence[str]]
    differing: Differing


def verdicts(status: Status, facts: Facts) -> list[Verdict]:
    """What became of every requirement of a plan."""
    return [_verdict(status, requirement, facts) for requirement in status.plan.requirements]


def with_uncommitted(
    verdicts: Iterable[Verdict],
    watched: Mapping[str, Sequence[str]],
    paths: Sequence[str],
) -> list[Verdict]:
    """The verdicts where somebody changes these paths and has not committed that yet."""
    result: list[Verdict] = []
    for verdict in verdicts:
        patterns = watched.get(verdict.requirement.id, ())
        changing = tuple(path for path in paths if requirements.is_watched(path, patterns))
        if changing and verdict.state != "open":
            verdict = verdict._replace(state="drifted", uncommitted=changing)  # noqa: PLW2901
        result.append(verdict)
    return result


def drifted(every: Iterable[Verdict]) -> list[Verdict]:
    """Those that drifted."""
    return [verdict for verdict in every if verdict.state == "drifted"]


def first(every: Sequence[Verdict], most: int) -> list[Verdict]:
    """As many in their order, those that drifted rather than others, those that are met last."""
    ranks = {"drifted": 0, "open": 1, "met": 2}
    chosen = sorted(range(len(every)), key=lambda at: ranks[every[at].state])[:most]
    return [every[at] for at in sorted(chosen)]


def _verdict(status: Status, requirement: Requirement, facts: Facts) -> Verdict:
    steps = {step.id for step in requirements.steps_of(status.plan, requirement)}
    if not all(step.state in SATISFIED for step in status.steps if step.id in steps):
        return Verdict(requirement, "open")
    checks = requirements.checks_of(status.plan, requirement)
    there = {check.command.text() for check in checks}
    lost = next((command for command in requirement.checks if command not in there), None)
    if lost is not None:
        return Verdict(requirement, "drifted", lost=lost)
    if not any(facts.passed.get(check) for check in checks):
        return Verdict(requirement, "open")
    patterns = facts.watched.get(requirement.id, ())
    changed = dict[str, None]()
    is_comparable = True
    for check in checks:
        trees = [*facts.passed.get(check, ())][:MOST_TREES]
        differences = [facts.differing(tree, patterns) for tree in trees]
        comparable = [difference for difference in differences if difference is not None]
        if any(not difference for difference in comparable):
            continue
        is_comparable = is_comparable and bool(comparable)
        fewest: Sequence[str] = min(comparable, key=len) if comparable else ()
        changed.update(dict.fromkeys(fewest))
    if changed:
        return Verdict(requirement, "drifted", tuple(changed))
    return Verdict(requirement, "met") if is_comparable else Verdict(requirement, "drifted", None)
