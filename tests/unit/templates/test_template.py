"""Template files, and the plans that they become."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from git_orch.errors import UsageError
from git_orch.plans.file.findings import PlanFileError
from git_orch.plans.plan import Plan
from git_orch.templates import from_plan, render, template

MINIMAL = """\
description: d
variables:
  who: {description: somebody}
title: for {{ who }}
steps:
  - title: a
    prompt: %s
"""
OF_GO = {
    "template": "mine",
    "description": "d",
    "variables": {
        "ProjectName": {"description": "a name"},
        "Port": {"description": "a port", "type": "integer"},
    },
    "title": "Make {{ .ProjectName }}",
    "steps": [{"title": "a", "run": "echo {{ .Port | default 8080 | sh }}"}],
}


def plan_of(text: str, **typed: str) -> Plan:
    """The plan of a template's text."""
    return template.plan_from(template.read(text, "mine"), typed)


def test_a_value_is_a_text_and_nothing_else() -> None:
    """S1-267."""
    value = 'x"    - title: b, run: rm -rf / # {{ who }} ${who} a","x":"'

    plan = plan_of(MINIMAL % "say {{ who }} $5", who=value)

    assert [step.prompt for step in plan.steps] == [f"say {value} $5"]


@pytest.mark.parametrize(("typed", "port"), [({}, "8080"), ({"Port": "99"}, "99")])
def test_a_template_may_be_json_with_the_spelling_of_go(typed: dict[str, str], port: str) -> None:
    """S1-261, S1-262 and S1-263."""
    plan = plan_of(json.dumps(OF_GO), ProjectName="x", **typed)

    [step] = plan.steps
    assert plan.title == "Make x"
    assert step.command is not None
    assert step.command.text() == f"echo {port}"


def test_names_of_files_are_filled_in() -> None:
    text = MINIMAL.replace("prompt: %s", 'files: {"{{ who }}/a": "{{ who }}"}')

    [step] = plan_of(text, who="x").steps

    assert list(step.files) == ["x/a"]


def test_a_name_does_not_lead_out_of_the_tree() -> None:
    text = MINIMAL.replace("prompt: %s", 'files: {"{{ who }}/a": "{{ who }}"}')

    with pytest.raises(PlanFileError):
        plan_of(text, who="../..")


def test_the_plan_of_a_template_is_checked_like_any_other() -> None:
    with pytest.raises(PlanFileError, match="mine:8: step 1, checks: expected a list"):
        plan_of(MINIMAL % "x\n    checks: 1", who="a")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (MINIMAL % '"{{ whom }}"', "line 7, steps[0].prompt: it uses 'whom', which is not among"),
        (MINIMAL % '"{{ whom }}"', "(did you mean 'who'?)"),
        (MINIMAL.replace("{{ who }}", "x") % "x", "variables.who: no text uses it"),
        (MINIMAL % '"{% for x in who %}{% endfor %}"', "it uses 'for', which templates do not have"),
        (MINIMAL.replace("prompt: %s", "run: 'echo {{ who }}'"), "write {{ who | sh }}"),
        (MINIMAL.replace("prompt: %s", "run: x\n    checks: ['echo {{ who }}']"), "checks[0]: 'who'"),
        (
            MINIMAL.replace("prompt: %s", "run: x\n    checks: [{argv: [sh, -c, '{{ who }}']}]"),
            "what follows '-c' is code",
        ),
        (
            MINIMAL.replace("prompt: %s", 'files: {a.sh: "echo {{ who }}"}'),
            "steps[0].files['a.sh']: 'who' is not quoted",
        ),
        (
            MINIMAL.replace("prompt: %s", 'files: {a: {content: "#!/bin/sh\\necho {{ who }}"}}'),
            "'who' is not quoted",
        ),
        ("variables: {}\nsteps: []", "description: expected a string"),
        ("description: d\nvariables: {a: {description: x, also: b}, b: {description: y}}", "two are"),
        (MINIMAL % '"{{ who }}' + "{{ who }}" * 3000 + '"', "more than 3,000 expressions"),
    ],
)  # fmt: skip
def test_a_broken_template_is_refused(text: str, cause: str) -> None:
    with pytest.raises(UsageError) as caught:
        template.read(text, "mine")

    assert caught.value.cause.startswith("template 'mine' is broken: ")
    assert cause in caught.value.cause


def test_a_plan_is_no_longer_than_a_plan_file_may_be() -> None:
    text = MINIMAL % f'"{"{{ who }}" * 2000}"'

    with pytest.raises(UsageError, match="too long with the values filled in"):
        plan_of(text, who="x" * 999)


def test_two_files_do_not_come_to_have_one_name() -> None:
    text = MINIMAL.replace("prompt: %s", 'files: {"{{ who }}": "1", b: "2"}')

    with pytest.raises(UsageError, match="come to have the same name"):
        plan_of(text, who="b")


@pytest.mark.parametrize("name", render.names())
def test_the_schema_describes_every_built_in_template(name: str) -> None:
    """S1-261."""
    Draft202012Validator(template.json_schema()).validate(render.describe(name).document())


def test_a_template_of_a_plan_makes_that_plan_again() -> None:
    plan = render.render("python-cli", {"name": "hello"})._replace(dependencies=())
    [first, *_] = plan.steps
    odd = first._replace(prompt=None, title="Say {{ hello }} and {% hello")
    plan = plan._replace(steps=(odd, *plan.steps[1:]))

    text = from_plan.template_text("mine", plan, {"name": "hello", "word": "Hello"})

    assert "hello" not in text.split("title:", 1)[1]
    assert plan_of(text, name="hello", word="Hello") == plan
    assert plan_of(text, name="other", word="Hi").title == "Python command-line package other"


def test_a_word_that_no_text_holds_becomes_no_variable() -> None:
    plan = render.render("python-cli", {"name": "hello"})

    with pytest.raises(UsageError, match="no text of the plan holds 'ell'"):
        from_plan.template_text("mine", plan, {"name": "ell"})


def test_a_word_inside_of_quotes_becomes_no_variable() -> None:
    plan = plan_of(MINIMAL.replace("prompt: %s", "run: echo 'a b'"), who="x")

    with pytest.raises(UsageError, match="a variable stands inside of quotes"):
        from_plan.template_text("mine", plan, {"name": "b"})
