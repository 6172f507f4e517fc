"""The spec of an idea: its steps, and how they reach its objective. With it the plan gets its base
and its branch.

The event is the first entry of the move that makes the branch: killed after it, the next command that
opens the plan makes the branch, and no second spec is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from git_orch import errors
from git_orch.flow.documents import draft
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import base as basing
from git_orch.flow.planning import create
from git_orch.plans import approval, plan_document
from git_orch.plans.document import Document
from git_orch.plans.documents import markdown, offline_spec
from git_orch.plans.documents.templates import Template
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import Base, MoveKind, Status
from git_orch.plans.plan import Plan, Spec
from git_orch.repo.local import approvals
from git_orch.repo.objects.objects import Written

WHY = "spec"  # of the move, in the log and the reflog


@dataclass(frozen=True, slots=True)
class Draft:
    """A spec that is not stored yet: the plan with its steps. `origin` is model, template or file.
    One that `needs_approval` may hold commands that the user has not seen.
    """

    plan: Plan
    origin: str
    estimate: Document
    calls: Sequence[Document] = ()
    needs_approval: bool = False


def offline(idea: Status, template: Template | None, title: str | None = None) -> Draft:
    """The spec that a person fills in: what the user's template says, else manual steps of the idea's
    milestones. Raises PlanFileError for a template with steps that no plan can have.
    """
    nothing: Document = {"tokens_in": 0, "tokens_out": 0, "usd": 0.0}
    if template is None:
        return Draft(offline_spec.written(idea.plan, title), "template", nothing)
    fields = {**markdown.spec_fields(idea), "title": title or idea.plan.title}
    values = markdown.variables(idea, fields)
    plan = offline_spec.from_template(idea.plan, template, values)
    is_known = template.is_own or offline_spec.is_harmless(plan)
    return Draft(plan, "template", nothing, needs_approval=not is_known)


def record_made(plan: OpenPlan, written: Draft, base: Base) -> None:
    """Write down that the user made this plan here, so that it may run, where that is so."""
    if not written.needs_approval:
        made = approval.Approved(plan.id, written.plan, base.commit, base.ref)
        approvals.write_made(plan.place, made.document())


def of_plan(idea: Plan, text: Plan, origin: str, estimate: Document) -> Draft:
    """The spec of an idea in the text of a plan: its steps and what it says of them. The idea keeps
    its title and body.
    """
    objective = text.objective if text.objective != text.title else idea.objective
    plan = text._replace(title=idea.title, body=idea.body, objective=objective)
    return Draft(plan._replace(spec=text.spec or idea.spec or Spec()), origin, estimate)


def event(plan: OpenPlan, owner: str, written: Draft, base: Base) -> Event:
    """The event of a spec."""
    return plan.event(
        "spec.written",
        plan=plan_document.to_document(written.plan),
        base=basing.document(base),
        estimate=written.estimate,
        origin=written.origin,
        owner=owner,
    )


def write(plan: OpenPlan, written: Draft, base: Base) -> Status:
    """Store the spec of a plan that is an idea, and make its branch. Raises Refused where it has one
    by now, and for a secret.
    """
    status = plan.status()
    draft.refuse_specified(status, plan.name)
    if not written.plan.steps:
        raise errors.Refused("a spec needs steps", f"git orch spec {plan.name} --offline")
    create.refuse_secrets(plan.repository, written.plan)
    objects = Written(plan.objects)
    cover = basing.write_cover(objects, plan.identity, plan.id, written.plan, base)
    written_event = event(plan, status.owner, written, base)
    called = [plan.event("model.called", **call) for call in written.calls]
    record_made(plan, written, base)
    entries = [(cover, each) for each in (written_event, *called)]
    plan.move(None, cover, WHY, entries, kind=MoveKind.CREATE, written=objects)
    plan.home = cover
    return plan.status()
