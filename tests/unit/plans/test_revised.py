"""A model's reply with another version of a plan: what is done or kept stays as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from git_orch.plans import plan_document
from git_orch.plans.file import planfile, revised
from git_orch.plans.file.findings import Finding, PlanFileError
from git_orch.plans.file.revised import Old
from git_orch.plans.plan import Plan, Review

FILE: dict[str, Any] = {
    "title": "Greet",
    "objective": "Greetings.",
    "dependencies": ["cargo"],
    "steps": [
        {"title": "A", "run": "make a", "checks": ["test -f a"]},
        {"title": "B", "prompt": "Write b", "model": "claude-opus-5-5", "timeout": 60,
         "may_be_empty": True, "depends_on": [1]},
        {"title": "C", "files": {"c": {"content": "c\n", "executable": True}}, "depends_on": []},
        {"title": "D", "kind": "manual", "prompt": "Look.", "depends_on": [2, 3]},
        {"title": "E", "run": "make e; true", "shell": "plain", "produces": ["e"],
         "checks": [{"command": "test -f e", "shell": "plain"}]},
    ],
}  # fmt: skip
PLAN = planfile.read(json.dumps(FILE), "file")
USED = {"s1", "s2", "s3", "s4", "s5", "s6"}  # the sixth is gone
OPEN = [{"keep": f"s{number}"} for number in (2, 3, 4, 5)]


def old(*done: str) -> Old:
    return Old(PLAN, frozenset(done), USED)


def run(step_id: str, command: str, *needs: str, **fields: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"why": "", "prompt": "", "argv": [], "paths": [], "checks": []}
    step = {"id": step_id, "title": f"Do {step_id}", "kind": "run", "run": command}
    return {**empty, **step, "depends_on": list(needs), "network": False, **fields}


def version(steps: list[Any], *done: str, **fields: Any) -> Plan:
    whole = {"title": "", "objective": "", "dependencies": [], "missing": [], **fields}
    return revised.revised_plan(json.dumps({**whole, "steps": steps}), old(*(done or ("s1",))))


def findings(steps: list[Any], *done: str) -> list[str]:
    with pytest.raises(PlanFileError) as refused:
        version(steps, *done)
    return [f"{finding.field}: {finding.message}" for finding in refused.value.findings]


@pytest.mark.parametrize(
    ("listed", "numbers"),
    [
        ([2, 9], (2, 9)), ([], ()), (["2", "x", None, -1, 1.5, [3]], (2,)), (None, None), ("2", None),
    ],
)  # fmt: skip
def test_a_reply_says_which_comments_it_took_up(
    listed: object, numbers: tuple[int, ...] | None
) -> None:
    whole = {"title": "", "objective": "", "dependencies": [], "missing": [], "steps": OPEN}
    reply = json.dumps({**whole, "addressed": listed})
    assert revised.revision(reply, old("s1")).addressed == numbers


def test_a_reply_that_keeps_every_step_is_the_plan() -> None:
    new = version(OPEN, dependencies=["cargo"])
    assert plan_document.to_document(new) == plan_document.to_document(PLAN)


def test_steps_that_are_done_stay_where_they_stood_among_the_others() -> None:
    new = version([{"keep": "s1"}, run("s7", "true"), {"keep": "s4"}, {"keep": "s5"}], "s2", "s3")
    assert [step.id for step in new.steps] == ["s1", "s2", "s3", "s7", "s4", "s5"]
    assert new.steps[1:3] == PLAN.steps[1:3]


def test_a_reply_may_say_of_steps_that_are_done_that_they_stay() -> None:
    new = version([{"keep": "s3"}, {"keep": "s2"}, {"keep": "s1"}], "s1", "s3")
    assert [step.id for step in new.steps] == ["s1", "s2", "s3"]


def test_a_step_that_is_left_out_is_dropped_and_texts_of_the_plan_may_change() -> None:
    new = version([], "s1", "s2", title="Say hello", missing=["cc"])
    assert [step.id for step in new.steps] == ["s1", "s2"]
    assert (new.title, new.objective) == ("Say hello", "Greetings.")
    assert (new.dependencies, new.missing) == ((), ("cc",))


def test_a_step_that_changes_keeps_what_a_reply_has_no_words_for() -> None:
    b = {**run("s2", "", "s1"), "kind": "agent", "prompt": "Write b well"}
    e = run("s5", "make e; true", checks=[
        {"type": "unit", "argv": [], "command": "test -f e", "expected_exit": 0, "timeout": 9},
    ])  # fmt: skip
    new = version([b, {"keep": "s3"}, e])
    changed = new.step("s2")
    assert changed is not None
    assert (changed.prompt, changed.model, changed.timeout) == (
        "Write b well",
        "claude-opus-5-5",
        60,
    )
    assert changed.may_be_empty
    last = new.step("s5")
    assert last is not None
    assert last.command is not None
    assert (last.command.plain, last.produces, last.checks[0].command.plain) == (True, ("e",), True)


def test_another_kind_or_command_takes_nothing_over() -> None:
    new = version([run("s2", "true"), run("s5", "make more")])
    changed, last = new.step("s2"), new.step("s5")
    assert changed is not None
    assert last is not None
    assert (changed.timeout, changed.kind) == (None, "run")
    assert last.command is not None
    assert not last.command.plain


REFUSED: dict[str, tuple[list[Any], str]] = {
    "a done step changes": (
        [run("s1", "true"), *OPEN],
        "steps[0].id: step 's1' is done and stays as it is: leave it out",
    ),
    "a kept step is unknown": ([{"keep": "s9"}, *OPEN], "steps[0].keep: there is no step 's9'"),
    "a kept step changes": (
        [{"keep": "s2", "title": "B2"}, *OPEN[1:]],
        "steps[0]: a step that is kept has no other field",
    ),
    "an ID comes again": (
        [*OPEN, run("s6", "true")],
        "steps[4].id: 's6' was a step once; a new one has an ID from s7 on",
    ),
    "two have one ID": (
        [*OPEN, run("s7", "true"), run("s7", "false")],
        "steps[s7].id: 2 steps have the id 's7'",
    ),
    "a step is changed and kept": ([*OPEN, run("s2", "ls")], "steps[s2].id: 2 steps have the id 's2'"),
    "a kept step needs a dropped one": (
        OPEN[1:],
        "steps[s4].depends_on[0]: there is no step 's2'; the plan has 4",
    ),
    "a step needs a number": (
        [*OPEN, run("s7", "true", "2")],
        "steps[4].depends_on[0]: expected the ID of a step, as s2",
    ),
    "a field is not for replies": (
        [*OPEN, run("s7", "true", model="claude-opus-5-5")],
        "steps[4].model: is not for a reply",
    ),
    "a step is no object": ([*OPEN, "s7"], "steps[new]: expected an object, not 's7'"),
    "steps wait for each other": (
        [*OPEN, run("s7", "true", "s8"), run("s8", "true", "s7")],
        "steps[s7].depends_on: the steps wait for each other: 6 -> 7 -> 6",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_reply_that_is_no_version_names_its_step(steps: list[Any], message: str) -> None:
    assert message in findings(steps)


@pytest.mark.parametrize("reply", ["[]", "7", '{"steps": 3}', "no", ""])
def test_a_reply_that_is_no_object_is_no_version(reply: str) -> None:
    with pytest.raises(PlanFileError):
        revised.revised_plan(reply, old("s1"))


def test_the_step_of_a_finding_about_a_plan_is_found() -> None:
    finding = Finding("unchecked-code", "steps[2].checks", "m", "f", "warning")
    assert revised.step_of(finding, PLAN) == "s3"
    assert revised.step_of(finding._replace(field="missing[0]"), PLAN) is None
    assert revised.with_ids(finding, ["s1", "s2", "s3"]).field == "steps[s3].checks"


def test_a_step_that_changes_keeps_its_reviews_unless_the_reply_has_another() -> None:
    review = {"review": "It is short.", "model": "claude-opus-5-5"}
    steps = [FILE["steps"][0], {"title": "F", "run": "make f", "checks": ["test -f f", review]}]
    plan = planfile.read(json.dumps({**FILE, "steps": steps}), "file")
    before = Old(plan, frozenset(["s1"]), {"s1", "s2"})
    checks = [{"type": "run", "command": "ls f", "argv": [], "expected_exit": 0, "timeout": 5}]
    for criteria, wanted in (
        ("", Review("It is short.", "claude-opus-5-5")),
        ("It is short.", Review("It is short.", "claude-opus-5-5")),
        ("It is long.", Review("It is long.")),
    ):
        changed = run("s2", "make f g", review=criteria, checks=checks)
        new = revised.revised_plan(json.dumps({"steps": [changed]}), before)
        assert new.steps[1].reviews == (wanted,)
        assert [check.command.shell for check in new.steps[1].checks] == ["ls f"]


def test_requirements_stay_and_so_do_the_steps_that_serve_them() -> None:
    steps = [{**step, "requirements": ["R1"]} for step in FILE["steps"]]
    required = {**FILE, "requirements": [{"id": "R1", "text": "x", "watch": ["a"]}], "steps": steps}
    before = planfile.read(json.dumps(required), "file")
    reply = [{"keep": "s2"}, run("s3", "make c"), run("", "make n"), {"keep": "s4"}, {"keep": "s5"}]
    whole = {"title": "", "objective": "", "dependencies": [], "missing": [], "steps": reply}

    after = revised.revised_plan(json.dumps(whole), Old(before, frozenset(("s1",)), USED))

    assert after.requirements == before.requirements
    serving = {step.id: step.requirements for step in after.steps}
    assert serving == dict.fromkeys(("s1", "s2", "s3", "s4", "s5"), ("R1",)) | {"s7": ()}
