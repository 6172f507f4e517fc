"""The changes of an edit to a plan, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from git_orch.plans import ids, one_line, plan_document, revision, sentences, version_diff
from git_orch.plans.document import Document
from git_orch.plans.history.status import Status
from git_orch.plans.history.versions import Edit, Version
from git_orch.plans.version_diff import Field, StepChange
from git_orch.views.console import Part, Styled

_STYLES = {"-": "red", "+": "green"}
_MARKS = {"-": ("[-", "-]"), "+": ("{+", "+}")}
_LEFT_OUT = "..."
_LONGEST_VALUE = 80  # characters of a value that does not count


def clash_lines(status: Status, *, whole: bool = False) -> list[tuple[Part, ...]]:
    """Lines for each field that two people changed in different ways: which of the two values counts,
    and the other one, cut unless `whole`.
    """
    listed: list[tuple[Part, ...]] = []
    for step_id, field, other in status.clashes:
        step = status.plan.step(step_id)
        where = f"step {status.plan.position(step_id)}" if step is not None else step_id
        what = f"'{field}' of {where}" if step_id else f"'{field}'"
        text = f": two edits changed {what}; the later one counts"
        if not field:
            text = f": one edit changed {where}, another removed it; it stays"
        listed.append((Styled("conflict", "yellow"), text))
        if other != "null":
            shown = other if whole else _cut(other)
            listed.append((f"         the other: {shown}",))
    if listed:
        name = ids.short(status.id)
        listed.append((f"look: git orch plan diff {name}; then: git orch edit {name}",))
    return listed


def _cut(value: str) -> str:
    """A value as JSON with the characters that it has, of a long one the beginning."""
    shown = one_line.of(json.dumps(json.loads(value), ensure_ascii=False))
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[: _LONGEST_VALUE - 3]}..."


def clash_documents(status: Status) -> list[Document]:
    """The fields that two people changed in different ways as JSON-ready values: the one that counts,
    and the other one.
    """
    whole = plan_document.to_document(status.plan)
    listed: list[Document] = []
    for clash in status.clashes:
        step = status.plan.step(clash.step)
        of = plan_document.step_document(step) if step is not None else whole
        has_value = bool(clash.field) and (step is not None or not clash.step)
        listed.append(
            {
                "step": status.plan.position(clash.step) if step is not None else None,
                "field": clash.field or None,
                "value": of.get(clash.field) if has_value else None,
                "other": json.loads(clash.other),
            }
        )
    return listed


def clash_comments(status: Status) -> str:
    """The conflicts as comments of a plan file, "" without any."""
    said = ["".join(str(part) for part in line) for line in clash_lines(status, whole=True)[:-1]]
    return "".join(f"# {line}\n" for line in said)


def lines(plan_id: str, edit: Edit, *, whole: bool) -> Iterator[tuple[Part, ...]]:
    """The lines of an edit; with `whole` each step and each text that it changed."""
    before, after = edit.before, edit.after
    what = revision.differences(before.plan, after.plan) or "the same text"
    yield (Styled(f"{ids.short(plan_id)}: {what}", "bold"),)
    for line in edit.message.splitlines():
        yield ("  asked: ", line)
    yield (f"  estimate: {_usd(before)} -> {_usd(after)}",)
    if not whole:
        return
    difference = version_diff.difference(before.plan, after.plan)
    for field in difference.fields:
        yield from _field_lines(field, 0)
    for step in difference.steps:
        yield ("",)
        yield from _step_lines(step)


def _usd(version: Version) -> str:
    return sentences.usd(version.estimate.likely()) if version.estimate is not None else "none"


def _step_lines(step: StepChange) -> Iterator[tuple[Part, ...]]:
    yield (Styled(f"step {step.number} {step.change}: {step.title}", "bold"),)
    for field in step.fields:
        if step.change == "changed" or field.name != "title":
            yield from _field_lines(field, 2)


def _field_lines(field: Field, by: int) -> Iterator[tuple[Part, ...]]:
    indent = " " * by
    yield (f"{indent}{field.name}:",)
    for line in version_diff.lines(field.before, field.after):
        if not line.parts:
            yield (Styled(f"{indent}    {_LEFT_OUT}", "dim"),)
        elif line.sign == "~":
            yield (f"{indent}  ~ ", *(_word(part) for part in line.parts))
        else:
            text = f"{line.sign} {line.parts[0].text}".rstrip()
            style = _STYLES.get(line.sign)
            yield (f"{indent}  ", Styled(text, style) if style is not None else text)


def _word(part: version_diff.Part) -> Part:
    if part.sign not in _MARKS:
        return part.text
    begin, end = _MARKS[part.sign]
    return Styled(f"{begin}{part.text}{end}", _STYLES[part.sign])


def document(plan_id: str, edit: Edit) -> Document:
    """An edit as JSON-ready values."""
    difference = version_diff.difference(edit.before.plan, edit.after.plan)
    return {
        "plan": plan_id,
        "event": edit.event,
        "message": edit.message or None,
        "estimate_usd": {"before": _amount(edit.before), "after": _amount(edit.after)},
        "fields": [field._asdict() for field in difference.fields],
        "steps": [
            {**step._asdict(), "fields": [field._asdict() for field in step.fields]}
            for step in difference.steps
        ],
        "reordered": difference.reordered,
    }


def _amount(version: Version) -> float | None:
    return version.estimate.likely() if version.estimate is not None else None
