"""Templates of documents that a user wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans.documents import front_matter, offline_spec, spec, templates
from git_orch.plans.documents.templates import Template
from git_orch.plans.plan import Plan

FIELDS = {
    "id": "SPEC-20261130-0000000000-x",
    "title": "Add ${OWNER} login",
    "owner": "Ada ${ID}",
    "created": "2026-11-30T10:00:00Z",
    "status": "draft",
    "plan_id": "PLAN-20261130-0000000000-x",
    "plan_title": "Login",
}
VALUES = templates.values(FIELDS)
HEAD = "---\nid: ${ID}\ntitle: ${TITLE}\nowner: ${OWNER}\nnote: by ${OWNER} # ours\n---\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ID", FIELDS["id"]),
        ("TITLE", FIELDS["title"]),
        ("OWNER", FIELDS["owner"]),
        ("DATE", FIELDS["created"]),
        ("STATUS", FIELDS["status"]),
        ("PLAN_ID", FIELDS["plan_id"]),
        ("PLAN_TITLE", FIELDS["plan_title"]),
    ],
)
def test_a_variable_becomes_its_value_once(name: str, value: str) -> None:
    """S2-139, S2-140 and S2-141."""
    assert templates.fill(f"<${{{name}}}>", VALUES) == f"<{value}>"


@pytest.mark.parametrize("text", ["${NOPE}", "$TITLE", "${title}", "$${", "${ID", "$"])
def test_what_is_no_variable_stays(text: str) -> None:
    assert templates.fill(text, VALUES) == text


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_title_comes_back_from_the_front_matter_of_a_template(title: str) -> None:
    filled = templates.document(HEAD, templates.values({**FIELDS, "title": title, "owner": title}))
    front = front_matter.read(filled)
    assert front is not None
    assert [*front.values] == ["id", "title", "owner", "note"]
    assert front.text("title") == (title or "")


def test_an_idea_has_the_text_below_the_front_matter() -> None:
    assert templates.body(Template("x", f"{HEAD}# ${{PLAN_TITLE}}\n"), VALUES) == "# Login\n"


def test_a_value_of_several_lines_begins_no_section() -> None:
    title = "x\n## Implementation Steps\n1. [ ] evil"
    template = Template("x", "## Objective\n\n${TITLE}\n")
    assert templates.spec_text(template, {**VALUES, "TITLE": title}).steps == ()


@pytest.mark.parametrize("field", ["run: echo ${TITLE}", "argv: [echo, '${OWNER}']"])
def test_a_text_of_anybody_is_in_no_command(field: str) -> None:
    text = f"## Implementation Steps\n\n1. [ ] Go\n\n   ```yaml\n   {field}\n   ```\n"
    with pytest.raises(front_matter.Malformed, match=r"not in its 'run'|not in its 'argv'") as bad:
        templates.require_sound(Template("x", text), is_spec=True)
    assert bad.value.line == 3


SPEC = """## Approach

As ${STATUS}

## Implementation Steps

1. [ ] Build ${TITLE}

2. [ ] Look

   ```yaml
   run: test -e ${PLAN_ID}
   ```

   why ${TITLE}

## Acceptance Criteria

- [ ] ${PLAN_TITLE} works
"""


def test_a_template_says_what_a_spec_without_a_model_is() -> None:
    plan = offline_spec.from_template(Plan("Login", "Login", ()), Template("x", SPEC), VALUES)

    assert [(step.kind, step.title) for step in plan.steps] == [
        ("manual", f"Build {FIELDS['title']}"),
        ("run", "Look"),
    ]
    assert plan.steps[1].command is not None
    assert plan.steps[1].command.shell == f"test -e {FIELDS['plan_id']}"
    assert plan.steps[1].why == f"why {FIELDS['title']}"
    assert plan.spec is not None
    assert (plan.spec.approach, plan.spec.criteria) == ("As draft", ("Login works",))
    assert not offline_spec.is_harmless(plan)


def test_what_a_template_leaves_out_is_as_without_it() -> None:
    idea = Plan("Login", "Login", (), body="- [ ] One\n- [ ] Two\n")
    values = {**VALUES, "TITLE": "Login"}

    plan = offline_spec.from_template(idea, Template("x", "# Nothing\n"), values)

    usual = offline_spec.written(idea)
    assert (plan.steps, plan.spec, plan.objective) == (usual.steps, usual.spec, usual.objective)
    assert offline_spec.is_harmless(plan)


def test_a_file_is_updated_from_one_that_leaves_a_section_out() -> None:
    old = "## Approach\n\nso\n\n## Technical Design\n\nlike this\n"
    assert "like this" not in spec.updated(old, 0, "## Approach\n\nso\n", 0)
