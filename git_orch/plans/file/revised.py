"""A model's reply with another version of a plan: its steps that are not done. What is done, and
what the reply keeps, stays byte for byte.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import ids, plan_document
from git_orch.plans.file import rules, schema, source
from git_orch.plans.file.findings import Finding, PlanFileError, file_finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from git_orch.plans.document import Document
    from git_orch.plans.plan import Plan, Step

_NAME = "reply"
_ADDRESSED = "addressed"
_INDEX = re.compile(r"steps\[(\d+)\]")
# What a reply cannot say of a step, by its kind; a step that changes has it as before.
_UNSAID = {
    "agent": ("agent", "model", "timeout", "may_be_empty", "until"),
    "run": ("timeout", "produces", "until"),
}


class Old(NamedTuple):
    """The version of a plan that a reply changes: `done` are the IDs of the steps that stay, `used`
    all IDs that the plan ever had.
    """

    plan: Plan
    done: Collection[str]
    used: Collection[str]

    def open_step(self, step_id: object) -> Step | None:
        """The step with that ID, unless it is done."""
        if not isinstance(step_id, str) or step_id in self.done:
            return None
        return self.plan.step(step_id)


class Revision(NamedTuple):
    """The next version of a plan, and the numbers of the comments that its writer took up; None
    where the reply does not say.
    """

    plan: Plan
    addressed: tuple[int, ...] | None = None


def revision(text: str, old: Old) -> Revision:
    """What a reply says. Raises PlanFileError as `revised_plan` does."""
    plan = revised_plan(text, old)
    value = schema.reply_value(text)
    listed = value.get(_ADDRESSED) if isinstance(value, dict) else None
    numbers = None
    if isinstance(listed, list):
        words = [str(number) for number in listed if isinstance(number, int | str)]
        numbers = tuple(int(word) for word in words if word.isascii() and word.isdecimal())
    return Revision(plan, numbers)


def revised_plan(text: str, old: Old) -> Plan:
    """The whole next version: the steps that are done where they stood, and those of the reply.
    Raises PlanFileError with all findings, which name steps by their IDs.
    """
    read = schema.read_reply(text)
    value = read.value
    listed = value.get("steps", []) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(listed, list):
        return schema.plan_of(read, _NAME)  # which raises
    findings = [
        file_finding(problem.code, source.path_text(problem.where), problem.message)
        for index, entry in enumerate(listed)
        if isinstance(entry, dict)
        for problem in _problems(entry, ("steps", index), old)
    ]
    entries = [_document(entry, old) for entry in listed if not _keeps_done(entry, old)]
    in_order = _in_place(old, entries)
    texts = {name: value.get(name, getattr(old.plan, name)) for name in ("title", "objective")}
    # The reply has no words for requirements: they stay, and the steps that serve them.
    unbound = [_without_requirements(step) for step in in_order]
    whole = {**value, **texts, "steps": unbound}
    whole.pop(_ADDRESSED, None)
    try:
        plan = schema.plan_of(source.Source(whole, {}, read.findings), _NAME, old.used)
    except PlanFileError as wrong:
        named = [with_ids(finding, [_id(step) for step in in_order]) for finding in wrong.findings]
        raise PlanFileError(_NAME, [*findings, *named]) from wrong
    if findings:
        raise PlanFileError(_NAME, findings)
    same = {step: old.plan.step(step) for step in (*old.done, *_kept(listed))}
    steps = tuple(same.get(step.id) or _serving(step, old) for step in plan.steps)
    return plan._replace(steps=steps, body=old.plan.body, spec=old.plan.spec)


def _without_requirements(step: object) -> object:
    if not isinstance(step, dict):
        return step
    return {name: value for name, value in step.items() if name != "requirements"}


def _serving(step: Step, old: Old) -> Step:
    """The step with the requirements that it served before."""
    before = old.plan.step(step.id)
    return step if before is None else step._replace(requirements=before.requirements)


def with_ids(finding: Finding, steps: Sequence[str]) -> Finding:
    """The finding with the ID of its step instead of the number."""

    def named(match: re.Match[str]) -> str:
        index = int(match[1])
        return f"steps[{steps[index] if index < len(steps) else index}]"

    return finding._replace(field=_INDEX.sub(named, finding.field, count=1), line=None)


def step_of(finding: Finding, plan: Plan) -> str | None:
    """The ID of the step that a finding about a plan is about."""
    match = _INDEX.match(finding.field)
    return plan.steps[int(match[1])].id if match is not None else None


def _kept(listed: Sequence[object]) -> list[str]:
    named = [entry.get("keep") for entry in listed if isinstance(entry, dict)]
    return [name for name in named if isinstance(name, str)]


def _id(step: object) -> str:
    return str(step.get("id", "new")) if isinstance(step, dict) else "new"


def _problems(
    entry: Mapping[str, object], where: source.Location, old: Old
) -> Iterator[rules.Problem]:
    """What is wrong with a step of the reply beside what would be wrong in a plan file."""
    if "keep" in entry:
        yield from _keep_problems(entry, where, old)
        return
    yield from schema.reply_problems(entry, where, ("id",))
    named = entry.get("id")
    if isinstance(named, str):
        if named in old.done:
            message = f"step '{named}' is done and stays as it is: leave it out"
            yield rules.Problem((*where, "id"), "done", message)
        elif named in old.used and old.plan.step(named) is None:
            next_id = ids.next_step_id(old.used)
            message = f"'{named}' was a step once; a new one has an ID from {next_id} on"
            yield rules.Problem((*where, "id"), "id-used", message)
    needs = entry.get("depends_on")
    for number, need in enumerate(needs if isinstance(needs, list) else ()):
        if not isinstance(need, str) or ids.STEP_ID.fullmatch(need) is None:
            message = "expected the ID of a step, as s2"
            yield rules.Problem((*where, "depends_on", number), "no-id", message)


def _keep_problems(
    entry: Mapping[str, object], where: source.Location, old: Old
) -> Iterator[rules.Problem]:
    kept = entry["keep"]
    if not _keeps_done(entry, old) and old.open_step(kept) is None:
        yield rules.Problem((*where, "keep"), "unknown-step", f"there is no step '{kept}'")
    if len(entry) > 1:
        message = "a step that is kept has no other field"
        yield rules.Problem(where, "kept-and-changed", message)


def _keeps_done(entry: object, old: Old) -> bool:
    """Whether a reply says of a step which is done that it stays, as it does anyway."""
    return isinstance(entry, dict) and entry.get("keep") in [*old.done]


def _document(entry: object, old: Old) -> object:
    """A step of the reply as a plan file has it."""
    if not isinstance(entry, dict):
        return entry
    kept = old.open_step(entry.get("keep"))
    if kept is not None:
        return plan_document.step_document(kept)
    before = old.open_step(entry.get("id"))
    if before is None:
        return entry
    checks = _checks(entry.get("checks", []), before)
    return {**_unsaid(entry, before), **entry, **({"checks": checks} if checks else {})}


def _checks(checks: object, before: Step) -> object:
    """The checks of a step that changes, each run by bash as it was before. Its reviews stay, unless
    the reply has another one.
    """
    if not isinstance(checks, list):
        return checks
    plain = {check.command.shell for check in before.checks if check.command.plain}
    reviews = {review.criteria: plan_document.review_document(review) for review in before.reviews}
    if not any(isinstance(check, dict) and "review" in check for check in checks):
        checks = [*checks, *reviews.values()]
    checks = [
        reviews.get(str(check.get("review")), check) if isinstance(check, dict) else check
        for check in checks
    ]
    return [
        {**check, "shell": "plain"}
        if isinstance(check, dict) and check.get("command") in plain
        else check
        for check in checks
    ]


def _unsaid(entry: Mapping[str, object], before: Step) -> Document:
    """The fields of a step before it changed that a reply has no words for."""
    document = plan_document.step_document(before)
    kind = rules.kind_of(entry)
    if kind != before.kind:
        return {}
    fields = {name: document[name] for name in _UNSAID.get(kind, ()) if name in document}
    if "shell" in document and entry.get("run") == document.get("run"):
        fields["shell"] = document["shell"]
    if entry.get("network"):
        fields.pop("produces", None)
    return fields


def _in_place(old: Old, entries: Sequence[object]) -> list[object]:
    """The steps that are done where they stood among those that are not, as far as these are in
    their order.
    """
    left = [*entries]
    steps: list[object] = []
    before: set[str] = set()
    for step in old.plan.steps:
        if step.id not in old.done:
            before.add(step.id)
            continue
        count = max(
            (at for at, entry in enumerate(left, start=1) if _id(entry) in before), default=0
        )
        steps += [*left[:count], plan_document.step_document(step)]
        del left[:count]
    return [*steps, *left]
