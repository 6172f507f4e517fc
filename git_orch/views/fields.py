"""Single fields of a plan, or of its spec, for scripts."""

from __future__ import annotations

from git_orch.plans.documents import words
from git_orch.plans.history.status import Status
from git_orch.plans.plan import Spec
from git_orch.views.report import when

NAMES = (
    "id", "plan_id", "spec_id", "title", "objective", "owner", "created", "status", "spec_status",
    "state", "body", "approach", "design", "criteria",
    "requirements",
)  # fmt: skip


def field(status: Status, name: str, *, of_spec: bool = False) -> str:
    """The text of a field, "" where there is nothing; with `of_spec` that of the plan's spec, which
    has an ID, a title and a status of its own.
    """
    plan, spec = status.plan, status.plan.spec or Spec()
    word, spec_word = words.plan_word(status), words.spec_word(status) or ""
    spec_id = words.spec_id(status) or ""
    return {
        "id": spec_id if of_spec else status.id,
        "plan_id": status.id,
        "spec_id": spec_id,
        "title": plan.title,
        "objective": plan.objective,
        "owner": status.owner,
        "created": when(status.created),
        "status": spec_word if of_spec else word,
        "spec_status": spec_word,
        "state": status.state.value,
        "body": plan.body or "",
        "approach": spec.approach,
        "design": spec.design,
        "criteria": "\n".join(spec.criteria),
        "requirements": "\n".join(f"{item.id} {item.text}" for item in spec.requirements),
    }[name]
