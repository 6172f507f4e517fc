"""Comments of people on a plan: each is anchored to a part of the text, and to the digest of what that
said then.

An anchor is `s3`, `s3:checks`, `criterion-5f0c2a91`, or a field of the plan such as `objective`.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from git_orch.plans import ids, plan_document, version_diff
from git_orch.plans.documents import checklist
from git_orch.plans.history.status import Comment, Status
from git_orch.plans.plan import Plan, Spec

PLAN_FIELDS = ("title", "objective", "body", "approach", "design", "criteria", "requirements")
_NAMES = {"depends_on": "needs", "may_be_empty": "may be empty", "check": "checks"}


class Anchor(NamedTuple):
    """A part of a plan: its name in the log, its name for people, and what it says."""

    on: str
    name: str
    text: str


def at(plan: Plan, on: str) -> Anchor | None:
    """The part of the plan that an anchor in a log names; None where it is not there."""
    step_id, _, name = on.partition(":")
    if ids.STEP_ID.fullmatch(step_id):
        return _at_step(plan, step_id, name)
    if on in PLAN_FIELDS:
        return Anchor(on, on, _plan_fields(plan)[on])
    for text in plan.spec.criteria if plan.spec is not None else ():
        if checklist.text_id("criterion", text) == on:
            return Anchor(on, f"criterion '{text}'", text)
    return None


def typed(plan: Plan, where: str) -> Anchor | None:
    """The part that a person means: `3`, `3:checks`, `criteria:2`, the beginning of a criterion's ID,
    or a field of the plan. None where there is no such part.
    """
    first, _, name = where.partition(":")
    if _is_number(first):
        number = int(first)
        if not 1 <= number <= len(plan.steps):
            return None
        return _at_step(plan, plan.steps[number - 1].id, _NAMES.get(name, name))
    criteria = plan.spec.criteria if plan.spec is not None else ()
    if first in ("criteria", "criterion") and _is_number(name):
        fitting = [text for number, text in enumerate(criteria, start=1) if number == int(name)]
    else:
        exact = at(plan, where)
        if exact is not None:
            return exact
        names = {text: checklist.text_id("criterion", text) for text in criteria}
        begun = where.startswith("criterion-") and where != "criterion-"
        fitting = [text for text, name in names.items() if begun and name.startswith(where)]
    return at(plan, checklist.text_id("criterion", fitting[0])) if len(fitting) == 1 else None


def parts(plan: Plan, where: str) -> list[str]:
    """The words that `typed` takes for the step of `where`, else for the plan."""
    first = where.partition(":")[0]
    if _is_number(first) and 1 <= int(first) <= len(plan.steps):
        fields = version_diff.texts(plan, plan.steps[int(first) - 1])
        return [f"{int(first)}:{name}" for name, text in fields.items() if text]
    criteria = plan.spec.criteria if plan.spec is not None else ()
    steps = [str(number) for number in range(1, len(plan.steps) + 1)][:3]
    return [*steps, *PLAN_FIELDS, *(f"criteria:{n}" for n in range(1, len(criteria) + 1))]


def digest(text: str) -> str:
    """The digest of what a part says."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def is_outdated(plan: Plan, comment: Comment) -> bool:
    """Whether the part says something else now than it did when the comment was made."""
    part = at(plan, comment.on)
    return part is None or digest(part.text) != comment.digest


def name(plan: Plan, comment: Comment) -> str:
    """The name of the part that a comment is on, for people."""
    part = at(plan, comment.on)
    return part.name if part is not None else f"{comment.on} (removed)"


def opened(status: Status) -> list[tuple[int, Comment]]:
    """The comments that nobody closed, each with its number."""
    return [
        (number, comment)
        for number, comment in enumerate(status.comments, start=1)
        if comment.closed is None
    ]


def changed_between(before: Plan, after: Plan, comment: Comment) -> bool:
    """Whether the part of a comment is another one in the next version of a plan."""
    was, now = at(before, comment.on), at(after, comment.on)
    if was is None or now is None:
        return was != now
    return was.text != now.text


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 5


def _at_step(plan: Plan, step_id: str, name: str) -> Anchor | None:
    step = plan.step(step_id)
    if step is None:
        return None
    number = plan.position(step_id)
    if not name:
        text = json.dumps(plan_document.step_document(step), sort_keys=True)
        return Anchor(step_id, f"step {number}", text)
    text_of = version_diff.texts(plan, step).get(name)
    return (
        None if text_of is None else Anchor(f"{step_id}:{name}", f"step {number}: {name}", text_of)
    )


def _plan_fields(plan: Plan) -> dict[str, str]:
    spec = plan.spec or Spec()
    return {
        "title": plan.title,
        "objective": plan.objective,
        "body": plan.body or "",
        "approach": spec.approach,
        "design": spec.design,
        "criteria": "\n".join(spec.criteria),
        "requirements": "\n\n".join(
            f"{item.id}: {version_diff.requirement_text(item)}" for item in spec.requirements
        ),
    }
