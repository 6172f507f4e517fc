"""A plan and its spec as Markdown files with front matter."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import NamedTuple

from git_orch.plans import ids, one_line
from git_orch.plans.documents import checklist, front_matter, names, spec, templates, words
from git_orch.plans.history.status import PlanState, Status

_LAST_MS = 253_402_300_799_000  # the last second of the year 9999, which is the last of datetime
_SPEC_OBJECTIVE = "Implement technical solution for: "


class Templates(NamedTuple):
    """The user's own templates; None where there is none."""

    plan: str | None = None
    spec: str | None = None


def created(status: Status) -> str:
    """The time when the plan was made, in UTC."""
    return time_of(status.created)


def time_of(identifier: str) -> str:
    """The time in a ULID, in UTC."""
    seconds = min(ids.ulid_ms(identifier), _LAST_MS) / 1000
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def plan_fields(status: Status) -> dict[str, str]:
    """The front matter of a plan's file."""
    spec_id = words.spec_id(status)
    return {
        "id": status.id,
        "title": status.plan.title,
        "owner": status.owner,
        "created": created(status),
        "status": words.plan_word(status),
        "spec_id": ids.without_slug(spec_id) if spec_id is not None else "",
    }


def spec_fields(status: Status) -> dict[str, str]:
    """The front matter of a spec's file."""
    return {
        "id": names.spec_id(status.id),
        "plan_id": status.id,
        "title": status.plan.title,
        "owner": status.owner,
        "created": created(status),
        "status": words.spec_word(status) or "draft",
    }


def plan_text(status: Status, template: str | None = None) -> str:
    """The file of a plan: front matter, and its idea. An idea without a text of its own has that of
    the template.
    """
    fields = plan_fields(status)
    if template is not None:
        shown = templates.document(template, variables(status, fields))
        if status.plan.body is None:
            return front_matter.update(shown, fields)
        front = front_matter.read(shown)
        head = shown[: front.body] if front is not None else ""
        return front_matter.update(head, fields) + status.plan.body
    body = status.plan.body
    return front_matter.render(fields) + (body if body is not None else _default_body(status))


def milestones(status: Status) -> dict[str, str]:
    """The IDs of the steps by the texts of their boxes in the plan's file; none where its text is a
    person's.
    """
    if status.plan.body is not None:
        return {}
    return {one_line.of(step.title): step.id for step in status.plan.steps}


def _default_body(status: Status) -> str:
    plan = status.plan
    objective = plan.objective.removeprefix(_SPEC_OBJECTIVE)
    done = checklist.ticked(status)
    boxes = [(step.title, step.id in done) for step in plan.steps]
    if not boxes:
        boxes = [(f"{verb}: {plan.title}", False) for verb in ("Implement", "Test", "Document")]
    rows = "".join(f"- [{'x' if is_done else ' '}] {title}\n" for title, is_done in boxes)
    return f"\n## Objective\n\n{objective}\n\n## Milestones\n\n{rows}"


def spec_text(status: Status, template: str | None = None) -> str:
    """The file of a spec: front matter, how the objective is reached, and the steps."""
    fields = spec_fields(status)
    body = spec.body(status.plan, checklist.ticked(status))
    whole = f"{front_matter.render(fields)}\n{body}"
    if template is None:
        return whole
    shown = templates.document(template, variables(status, fields))
    shown = front_matter.update(shown, fields)
    return spec.updated(shown, templates.body_start(shown), whole, templates.body_start(whole))


def variables(status: Status, fields: Mapping[str, str]) -> dict[str, str]:
    """The values of a template for the document of a plan that has this front matter."""
    of_plan = {"plan_id": status.id, "plan_title": status.plan.title}
    return {**templates.values(fields), **templates.values(of_plan)}


def can_change_state(status: Status) -> bool:
    """Whether its file may say draft or ready."""
    return status.recorded_state in (PlanState.DRAFT, PlanState.READY)
