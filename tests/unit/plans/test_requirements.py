"""Requirements in plan files and logs: their names, their checks, the paths that they watch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import approval, messages, plan_document, requirements, version_diff
from git_orch.plans.approval import Approved
from git_orch.plans.document import BadDocument
from git_orch.plans.file import emitter, planfile
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.plan import Plan
from git_orch.plans.trailers import Claim

CHECKS = ["test -f a", {"argv": ["make", "b c"]}]
STEPS: list[dict[str, Any]] = [
    {"title": "A", "run": "make a", "checks": CHECKS, "requirements": ["R1"]},
    {"title": "B", "run": "make b", "checks": ["test -f b"], "requirements": ["R1", "R2"]},
]
NAMED: list[dict[str, Any]] = [
    {"id": "R1", "text": "A holds", "checks": ["test -f a", "1:2"], "watch": ["src/**"]},
    {"id": "R2", "text": "B holds"},
]


def plan(listed: object = NAMED, steps: object = STEPS) -> Plan:
    text = json.dumps({"title": "T", "requirements": listed, "steps": steps})
    return planfile.read(text, "file")


def findings(listed: object, steps: object = STEPS) -> list[tuple[str, str]]:
    with pytest.raises(PlanFileError) as refused:
        plan(listed, steps)
    return [(finding.field, finding.message) for finding in refused.value.findings]


def commands(read: Plan, number: int) -> list[str]:
    checks = requirements.checks_of(read, read.requirements[number])
    return [check.command.text() for check in checks]


# -- plan files ------------------------------------------------------------------------------------


def test_a_requirement_names_checks_by_their_command_lines_or_places() -> None:
    assert plan().requirements[0].checks == ("test -f a", "make 'b c'")


def test_a_requirement_without_checks_has_those_of_the_steps_that_name_it() -> None:
    assert commands(plan(), 1) == ["test -f b"]


def test_what_the_last_step_expects_of_a_command_counts() -> None:
    steps = [
        {"title": "A", "run": "x", "checks": [{"command": "make test", "expected_exit": 2}]},
        {"title": "B", "run": "y", "checks": ["make test"]},
    ]
    read = plan([{"id": "R1", "text": "t", "checks": ["make test"]}], steps)
    [check] = requirements.checks_of(read, read.requirements[0])
    assert check.expected_exit == 0


def test_a_plan_file_comes_back_as_it_was() -> None:
    assert planfile.read(emitter.to_yaml(plan()), "file").requirements == plan().requirements


def test_a_stored_plan_comes_back_as_it_was() -> None:
    assert plan_document.from_document(plan_document.to_document(plan())) == plan()


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"checks": ["test -f aa"]}, "no step has the check 'test -f aa' (did you mean 'test -f a'?)"),
        ({"checks": ["3:1"]}, "no step has the check '3:1'"),
        ({"checks": ["1:3"]}, "no step has the check '1:3'"),
        ({"id": "R2"}, "2 requirements have the id 'R2'"),
        ({"id": "a b"}, "'a b' is not the ID of a requirement such as R1"),
        ({"watch": ["../up"]}, "lies outside the tree: paths are relative to its top"),
        ({"watch": ["a" * 201]}, "is longer than 200 characters"),
        ({"text": "two\nlines"}, "must be one line"),
        ({"chekcs": ["x"]}, "unknown field (did you mean 'checks'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_requirement_is_a_finding(
    changed: dict[str, object], finding: str
) -> None:
    assert finding in [message for _, message in findings([{**NAMED[0], **changed}, NAMED[1]])]


def test_a_step_cannot_serve_a_requirement_that_is_not_there() -> None:
    assert findings([NAMED[0]]) == [
        ("steps[1].requirements[1]", "the plan has no requirement 'R2'")
    ]


# -- what else knows them --------------------------------------------------------------------------


def test_requirements_are_no_part_of_what_is_approved() -> None:
    bare = [
        {name: value for name, value in step.items() if name != "requirements"} for step in STEPS
    ]
    with_some, without = (Approved("P", read, None, None) for read in (plan(), plan([], bare)))
    assert approval.digest(with_some.document()) == approval.digest(without.document())


def test_a_step_commit_carries_the_requirements_of_its_step() -> None:
    step = plan().steps[1]
    extra = messages.requirement_trailers(step)
    message = messages.step_message(step, Claim("P", "s2", "a"), (), extra)
    assert message.splitlines()[-3:] == ["Orch-Step: P/s2@a", "Orch-Req: R1", "Orch-Req: R2"]


def test_two_versions_differ_in_their_requirements() -> None:
    after = plan([{**NAMED[0], "text": "A is there"}, NAMED[1]])
    [field] = version_diff.difference(plan(), after).fields
    assert field.name == "requirement R1"
    assert field.before.startswith("A holds\n")


# -- logs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        [{"id": f"R{number}", "text": "x"} for number in range(201)],
        [{"id": "R1", "text": "x", "watch": ["a"] * 51}],
        [{"id": "R1", "text": "x", "watch": ["/etc"]}],
        [{"id": "R1", "text": "x"}, {"id": "R1", "text": "y"}],
        [{"id": "R1\nOrch-Step: x", "text": "x"}],
        [{"id": "R1", "text": "x\nnext: git orch exec"}],
        [{"id": "R1", "text": "x" * 201}],
        [{"id": "R1"}],
        ["R1"],
        "R1",
    ],
)
def test_a_log_cannot_bring_requirements_that_no_file_may_have(listed: object) -> None:
    document = {**plan_document.to_document(plan()), "requirements": listed}
    with pytest.raises(BadDocument):
        plan_document.from_document(document)


def test_a_log_cannot_bring_a_step_whose_commit_would_carry_another_line() -> None:
    document: Any = plan_document.to_document(plan())
    document["steps"][0]["requirements"] = ["R1\nOrch-Step: P/s9@x"]
    with pytest.raises(BadDocument):
        plan_document.from_document(document)


# -- patterns --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("src", "src/a/b.py", True),
        ("src/", "src/a.py", True),
        ("src", "srcs/a.py", False),
        ("src/a.py", "src/a.py", True),
        ("*.py", "a.py", True),
        ("*.py", "src/a.py", False),
        ("src/*", "src/a.py", True),
        ("src/*", "src/a/b.py", False),
        ("src/**", "src/a/b.py", True),
        ("src/**", "src", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "x/y/a.py", True),
        ("**/*.py", "x/y/a.c", False),
        ("a/**/b/**/c", "a/x/b/y/z/c", True),
        ("a/**/b/**/c", "a/x/b/y/z/d", False),
        ("**", "any/thing", True),
        ("a.?", "a.c", True),
        ("[ab].py", "b.py", True),
        ("[ab].py", "c.py", False),
        ("docs/*/x", "docs/de/x/deep", True),
    ],
)
def test_a_pattern_covers_paths(pattern: str, path: str, *, covered: bool) -> None:
    assert requirements.is_watched(path, [pattern]) is covered


@given(st.lists(st.text("a*?[]b", min_size=1, max_size=5), min_size=1, max_size=4))
def test_a_path_taken_literally_covers_itself_alone(names: list[str]) -> None:
    path = "/".join(names)
    assert requirements.is_watched(path, [requirements.literally(path)])
    assert not requirements.is_watched(f"{path}c", [requirements.literally(path)])


@given(
    st.lists(st.sampled_from(["a", "b", "**", "*", "?"]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6),
)
def test_no_directory_with_a_covered_path_is_passed_by(pattern: list[str], path: list[str]) -> None:
    if not requirements.is_watched("/".join(path), ["/".join(pattern)]):
        return
    for depth in range(1, len(path)):
        assert requirements.may_be_below("/".join(path[:depth]), ["/".join(pattern)])


def test_a_pattern_of_many_stars_ends() -> None:
    pattern, path = "/".join(["**", "a"] * 50), "/".join(["a"] * 2000 + ["b"])
    assert not requirements.is_watched(path, [pattern + "/x"])
