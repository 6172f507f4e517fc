"""The document a plan is stored as."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import hostile_plans
import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import plan_document
from git_orch.plans.document import BadDocument
from git_orch.plans.plan import Check, Command, Plan, Step

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def document(**step: object) -> Any:  # any JSON value: tests put wrong ones into it
    """The document of a plan of one run step, with other values for some of its fields."""
    fields = {"id": "s1", "title": "x", "kind": "run", "run": "make"} | step
    return {"title": "t", "objective": "o", "steps": [fields]}


@given(hostile_plans.plans())
def test_a_plan_survives_its_document(drawn: Plan) -> None:
    stored = json.dumps(plan_document.to_document(drawn))

    assert plan_document.from_document(json.loads(stored)) == drawn


@given(hostile_plans.plans())
def test_a_document_has_no_field_that_holds_nothing(drawn: Plan) -> None:
    for step in plan_document.to_document(drawn)["steps"]:  # type: ignore[attr-defined]
        assert not [name for name, value in step.items() if value in (None, [], {})]


@given(anything)
def test_any_json_is_a_plan_or_a_bad_document(value: object) -> None:
    try:
        plan_document.from_document(value)
    except BadDocument as error:
        assert str(error)  # noqa: PT017


def places(value: object, where: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """All places in a JSON value."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [where, *(place for key, item in items for place in places(item, (*where, key)))]


@given(st.data(), hostile_plans.plans(), anything)
def test_a_document_with_one_wrong_value_is_a_plan_that_is_stored_alike_or_a_bad_document(
    data: st.DataObject, drawn: Plan, wrong: object
) -> None:
    damaged: Any = plan_document.to_document(drawn)
    *path, last = data.draw(st.sampled_from(places(damaged)[1:]))
    holder = damaged
    for key in path:
        holder = holder[key]
    holder[last] = wrong

    try:
        read = plan_document.from_document(damaged)
    except BadDocument:
        return
    assert plan_document.from_document(plan_document.to_document(read)) == read


BAD: dict[str, tuple[dict[str, object], str]] = {
    "two commands": ({"argv": ["make"]}, "steps[0]: needs either argv or run"),
    "no command": ({"run": None}, "steps[0]: needs either argv or run"),
    "a NUL in a command": ({"run": "a\0b"}, "steps[0]: no command holds a NUL character"),
    "an unknown kind": ({"kind": "magic"}, "steps[0].kind: 'magic' is not a kind of step"),
    "an ID with a line break": (
        {"id": "s1\nOrch-Step: s2"},
        "steps: 's1\nOrch-Step: s2' is not a step id",
    ),
    "an ID that is a path": ({"id": "../x"}, "steps: '../x' is not a step id"),
    "a title of two lines": ({"title": "a\nOrch-Step: s2"}, "s1.title: expected one line"),
    "half a surrogate pair": ({"title": "\ud83d"}, "title: expected a string"),
    "itself": ({"depends_on": ["s1"]}, "steps: the steps wait for each other"),
    "nobody": ({"depends_on": ["s2"]}, "s1.depends_on: names a step that does not exist"),
    "a file outside": (
        {"kind": "files", "files": {"../x": ""}},
        "s1.files: names a file outside the tree",
    ),
    "a file of git": (
        {"kind": "files", "files": {".git/config": ""}},
        "s1.files: names a file outside the tree",
    ),
    "no time": ({"timeout": 0}, "timeout: expected 1 to 86400"),
    "endless time": ({"timeout": 10**30}, "timeout: expected 1 to 86400"),
    "a flag for a number": ({"timeout": True}, "timeout: expected a whole number"),
    "an exit status beyond 255": (
        {"checks": [{"type": "run", "command": "x", "expected_exit": 256}]},
        "expected_exit: expected 0 to 255",
    ),
    "an unknown check": (
        {"checks": [{"type": "lint", "command": "x"}]},
        "steps[0].checks.type: 'lint' is not a type of check",
    ),
}


@pytest.mark.parametrize(("step", "message"), BAD.values(), ids=BAD)
def test_a_stored_step_that_cannot_be_is_a_bad_document(
    step: dict[str, object], message: str
) -> None:
    with pytest.raises(BadDocument) as caught:
        plan_document.from_document(document(**step))

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("kind", "commit"), [("run", "1" * 40), ("files", "1" * 39), ("files", "-" * 40)]
)
def test_a_pointer_that_no_plan_file_has_is_a_bad_document(kind: str, commit: str) -> None:
    with pytest.raises(BadDocument, match=r"submodule|full ID"):
        plan_document.from_document(document(kind=kind, files={"lib": {"submodule": commit}}))


def test_two_steps_of_one_id_are_a_bad_document() -> None:
    value = document()
    value["steps"] *= 2

    with pytest.raises(BadDocument, match="two steps have the same id"):
        plan_document.from_document(value)


def test_a_check_without_status_and_timeout_has_the_defaults() -> None:
    """S1-164."""
    read = plan_document.from_document(
        document(checks=[{"type": "unit", "argv": ["make", "test"]}])
    )

    assert read.steps[0].checks == (
        Check("unit", Command(("make", "test")), expected_exit=0, timeout=900),
    )


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: Command(("echo", "a b", "")), "echo 'a b' ''"),
        (lambda: Command(None, "echo $x | cat"), "echo $x | cat"),
    ],
    ids=["argv", "shell"],
)
def test_a_command_is_shown_as_people_type_it(make: Callable[[], Command], shown: str) -> None:
    assert make().text() == shown


def test_steps_are_found_by_id_and_numbered_from_one() -> None:
    plan = Plan("t", "t", (Step("s4", "a", "manual"), Step("s2", "b", "manual")))

    assert (plan.position("s2"), plan.step("s4"), plan.step("s1")) == (2, plan.steps[0], None)
    with pytest.raises(KeyError):
        plan.position("s1")


@pytest.mark.parametrize(
    "check",
    [{"review": " "}, {"review": 1}, {"review": "x", "command": "ls"}, {"review": "x", "model": 1}],
)
def test_a_review_that_is_none_is_refused(check: object) -> None:
    with pytest.raises(BadDocument):
        plan_document.from_document(document(checks=[check]))
