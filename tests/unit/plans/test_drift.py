"""Requirements judged by trees and paths: no date has a say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from test_fold import PLAN, log_of, oid

from git_orch.plans import drift
from git_orch.plans.drift import Facts, Verdict
from git_orch.plans.history import events, fold
from git_orch.plans.history.status import Branch, Commit, Status
from git_orch.plans.plan import Requirement
from git_orch.plans.trailers import Claim, Message

CHECK, OTHER = "test -f a", "test -f b"
STEPS = [
    {"id": "s1", "title": "A", "kind": "run", "run": "x", "requirements": ["R1"],
     "checks": [{"type": "run", "command": CHECK, "expected_exit": 0, "timeout": 9}]},
    {"id": "s2", "title": "B", "kind": "run", "run": "y",
     "checks": [{"type": "run", "command": OTHER, "expected_exit": 0, "timeout": 9}]},
]  # fmt: skip
R1, R2 = {"id": "R1", "text": "A"}, {"id": "R2", "text": "B", "checks": [OTHER]}
BOTH = {"id": "R3", "text": "both", "checks": [CHECK, OTHER], "watch": ["a", "b"]}


def landed(step: str, number: int) -> tuple[str, dict[str, object]]:
    body: dict[str, object] = {
        "step": step, "attempt": f"a{number}", "commit": oid(number), "tree": oid(number + 100),
        "checks": [], "changed": [{"s1": "a", "s2": "b"}[step]],
    }  # fmt: skip
    return "step.landed", body


def status(
    listed: Sequence[Mapping[str, object]] = (R1, R2), steps: Sequence[str] = ("s1", "s2")
) -> Status:
    text = {"title": "T", "objective": "T", "steps": STEPS, "requirements": [*listed]}
    created = ("plan.revised", {"plan": text})
    ends = [landed(step, number) for number, step in enumerate(steps, start=10)]
    commits = tuple(
        Commit(oid(number), oid(number + 100), (), Message((Claim(PLAN, step, f"a{number}"),)))
        for number, step in enumerate(steps, start=10)
    )
    branch = Branch(commits[-1].oid, commits, oid(1)) if commits else None
    folded = fold.fold(PLAN, events.read(log_of(created, *ends)), branch)
    assert folded is not None
    return folded


def judged(now: Status, differing: Mapping[int, Sequence[str] | None]) -> dict[str, Verdict]:
    """The verdicts, where the trees of these commits differ so from what is there now."""
    passed = {check: drift.passed_trees(now, check) for check in drift.checks_of(now.plan)}
    changed = {"s1": ["a"], "s2": ["b"]}
    watched = {item.id: drift.watched(now.plan, item, changed) for item in now.plan.requirements}

    def paths(tree: str, patterns: Sequence[str]) -> Sequence[str] | None:
        different = differing.get(int(tree, 16) - 100, ())
        return different if different is None else [path for path in different if path in patterns]

    verdicts = drift.verdicts(now, Facts(passed, watched, paths))
    return {verdict.requirement.id: verdict for verdict in verdicts}


def states(now: Status, differing: Mapping[int, Sequence[str] | None]) -> list[str]:
    return [verdict.state for verdict in judged(now, differing).values()]


def test_exactly_the_requirement_whose_path_changed_has_drifted() -> None:
    verdicts = judged(status(), {10: ["a"], 11: ["a"]})
    assert (verdicts["R1"].state, verdicts["R1"].changed) == ("drifted", ("a",))
    assert verdicts["R2"].state == "met"


def test_a_change_that_nobody_watches_is_none() -> None:
    assert states(status(), {10: ["c"], 11: ["c"]}) == ["met", "met"]


def test_what_is_as_it_was_on_any_tree_where_the_checks_passed_is_met() -> None:
    """A change that somebody reverted is none, whatever came in between."""
    again = status(steps=("s1", "s2", "s1"))
    assert states(again, {12: ["a"]})[0] == "met"


def test_a_requirement_whose_step_is_not_done_is_open() -> None:
    assert states(status(steps=("s1",)), {10: ["a"]}) == ["drifted", "open"]


def test_each_check_of_a_requirement_may_have_passed_on_another_tree() -> None:
    assert states(status([BOTH]), {10: ["b"], 11: ["a"]}) == ["drifted"]
    assert states(status([BOTH]), {}) == ["met"]


def test_a_tree_that_is_not_here_proves_nothing() -> None:
    verdict = judged(status(), {10: None, 11: None})["R1"]
    assert (verdict.state, verdict.changed) == ("drifted", None)


def test_a_check_that_no_step_has_any_more_proves_nothing() -> None:
    verdict = judged(status([{**R2, "checks": [CHECK, "gone"]}]), {})["R2"]
    assert (verdict.state, verdict.lost) == ("drifted", "gone")


@pytest.mark.parametrize(("failed", "state"), [([], "met"), ([("s1", CHECK)], "drifted")])
def test_a_check_that_passed_on_the_tip_proves_the_tip(
    failed: list[tuple[str, str]], state: str
) -> None:
    now = status()
    failures = [{"step": step, "command": command} for step, command in failed]
    event = ("tip.checked", {"tree": oid(150), "passed": not failed, "failed": failures})
    text = {"title": "T", "objective": "T", "steps": STEPS, "requirements": [R1]}
    lines = log_of(("plan.revised", {"plan": text}), landed("s1", 10), landed("s2", 11), event)
    folded = fold.fold(PLAN, events.read(lines), now.branch)
    assert folded is not None
    assert states(folded, {10: ["a"], 11: ["a"]}) == [state]


def test_of_a_long_list_those_that_drifted_are_named_rather_than_others() -> None:
    states: list[drift.State] = ["met", "open", "met", "drifted"]
    every = [Verdict(Requirement(f"R{at}", "x"), state) for at, state in enumerate(states)]
    assert [one.requirement.id for one in drift.first(every, 2)] == ["R1", "R3"]
    assert drift.first(every, 9) == every
