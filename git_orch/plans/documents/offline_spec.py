"""The spec of an idea that nobody asks a model for: manual steps, for a person to fill in, or what
the user's own template says.
"""

from __future__ import annotations

import json

from git_orch.plans import ids, one_line
from git_orch.plans.documents import idea, templates
from git_orch.plans.documents.templates import Template, Values
from git_orch.plans.plan import Plan, Spec, Step

MOST_STEPS = 1000


def written(plan: Plan, title: str | None = None) -> Plan:
    """The plan with a manual step for each milestone of its idea; without milestones, with one each
    to implement, test and document it. `title` is what the spec is about, else the plan's title.
    """
    subject = title or plan.title
    titles = idea.milestones(plan.body or "")[:MOST_STEPS]
    if not titles:
        titles = [f"{verb}: {subject}" for verb in ("Implement", "Test", "Document")]
    steps: list[Step] = []
    for text in titles:
        step_id = ids.next_step_id(step.id for step in steps[-1:])
        steps.append(Step(step_id, one_line.of(text), "manual", prompt=text))
    return plan._replace(
        objective=f"Implement technical solution for: {subject}",
        steps=tuple(steps),
        spec=plan.spec or Spec(criteria=(f"{one_line.of(subject)} works as the plan says",)),
    )


def from_template(plan: Plan, template: Template, values: Values) -> Plan:
    """The plan with what a template says of it, and where that says nothing with what `written` does.
    Raises PlanFileError for steps that no plan can have, and Malformed.
    """
    text = templates.spec_text(template, values)
    usual = written(plan, values["TITLE"])
    steps = usual.steps
    if text.steps:
        document = {"title": plan.title, "objective": plan.title, "steps": list(text.steps)}
        from git_orch.plans.file import planfile

        steps = planfile.read(json.dumps(document), template.name).steps
    filled = Spec(
        approach=text.prose["approach"],
        design=text.prose["design"],
        criteria=text.criteria or (usual.spec or Spec()).criteria,
    )
    objective = text.prose["objective"] or usual.objective
    return plan._replace(objective=objective, steps=steps, spec=plan.spec or filled)


def is_harmless(plan: Plan) -> bool:
    """Whether nothing of the plan runs: a person does each step, and no check follows."""
    return all(
        step.kind == "manual" and not step.checks and not step.reviews for step in plan.steps
    )
