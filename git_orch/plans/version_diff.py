"""The difference between two versions of a plan: its steps field by field, and texts word by word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from git_orch.plans import sentences
from git_orch.plans.plan import (
    CHECK_TIMEOUT,
    Check,
    FileContent,
    Plan,
    Pointer,
    Requirement,
    Review,
    Spec,
    Step,
)

_CONTEXT = 2  # lines around those that changed
_ALIKE = 0.4  # the share of words that a changed line has from before
_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)

Sign = Literal[" ", "-", "+", "~"]


class Field(NamedTuple):
    """A field that differs: its texts before and after, "" where there is none."""

    name: str
    before: str
    after: str


class StepChange(NamedTuple):
    """A step that was added, removed or changed. Its number is that of a person: before, where it
    was removed.
    """

    change: Literal["added", "removed", "changed"]
    id: str
    number: int
    title: str
    fields: tuple[Field, ...]


class Difference(NamedTuple):
    """All that differs; `reordered` says that steps which are in both have another order."""

    fields: tuple[Field, ...]
    steps: tuple[StepChange, ...]
    reordered: bool


class Part(NamedTuple):
    """A part of a line: in both versions, or removed or added."""

    sign: Sign
    text: str


class Line(NamedTuple):
    """A line of a text: equal, removed, added, or with words that differ."""

    sign: Sign
    parts: tuple[Part, ...]


_LEFT_OUT = Line(" ", ())


def difference(before: Plan, after: Plan) -> Difference:
    """The difference of two versions; removed steps come where they stood."""
    fields = [
        Field("title", before.title, after.title),
        Field("objective", before.objective, after.objective),
        *_of_documents(before, after),
        Field("dependencies", ", ".join(before.dependencies), ", ".join(after.dependencies)),
        Field("missing", ", ".join(before.missing), ", ".join(after.missing)),
    ]
    old, new = [[step.id for step in plan.steps] for plan in (before, after)]
    common = set(old) & set(new)
    order = [[step for step in steps if step in common] for steps in (old, new)]
    return Difference(_differing(fields), tuple(_steps(before, after)), order[0] != order[1])


def _of_documents(before: Plan, after: Plan) -> list[Field]:
    """The idea and the spec."""
    old, new = before.spec or Spec(), after.spec or Spec()
    return [
        Field("body", before.body or "", after.body or ""),
        Field("approach", old.approach, new.approach),
        Field("design", old.design, new.design),
        Field("criteria", "\n".join(old.criteria), "\n".join(new.criteria)),
        *_requirements(old, new),
    ]


def _requirements(old: Spec, new: Spec) -> list[Field]:
    """The requirements, each by its ID."""
    before, after = (
        {requirement.id: requirement for requirement in spec.requirements} for spec in (old, new)
    )
    return [
        Field(
            f"requirement {name}",
            requirement_text(before.get(name)),
            requirement_text(after.get(name)),
        )
        for name in {**before, **after}
    ]


def requirement_text(requirement: Requirement | None) -> str:
    """What a requirement says beside its ID, "" where there is none."""
    if requirement is None:
        return ""
    checks = [f"check: {command}" for command in requirement.checks]
    watch = [f"watch: {pattern}" for pattern in requirement.watch]
    return "\n".join([requirement.text, *checks, *watch])


def _differing(fields: Sequence[Field]) -> tuple[Field, ...]:
    return tuple(field for field in fields if field.before != field.after)


def _steps(before: Plan, after: Plan) -> Iterator[StepChange]:
    gone = [step for step in before.steps if after.step(step.id) is None]
    for number, step in enumerate(after.steps, start=1):
        while gone and before.position(gone[0].id) <= number:
            yield _removed(before, gone.pop(0))
        old = before.step(step.id)
        if old is None:
            fields = texts(after, step)
            added = tuple(Field(name, "", text) for name, text in fields.items() if text)
            yield StepChange("added", step.id, number, step.title, added)
        elif old != step:
            yield StepChange(
                "changed", step.id, number, step.title, _fields(before, after, step.id)
            )
    for step in gone:
        yield _removed(before, step)


def _removed(before: Plan, step: Step) -> StepChange:
    fields = tuple(Field(name, text, "") for name, text in texts(before, step).items() if text)
    return StepChange("removed", step.id, before.position(step.id), step.title, fields)


def _fields(before: Plan, after: Plan, step_id: str) -> tuple[Field, ...]:
    old, new = before.step(step_id), after.step(step_id)
    if old is None or new is None:
        return ()
    was, now = texts(before, old), texts(after, new)
    if old.depends_on == new.depends_on:  # other numbers of the same steps
        was["needs"] = now["needs"]
    return _differing(
        [Field(name, was.get(name, ""), now.get(name, "")) for name in {**was, **now}]
    )


def texts(plan: Plan, step: Step) -> dict[str, str]:
    """The fields of a step as people read them, "" where there is nothing."""
    needs = [str(plan.position(need)) for need in step.depends_on if plan.step(need) is not None]
    return {
        "title": step.title,
        "kind": step.kind,
        "why": step.why or "",
        "prompt": step.prompt or "",
        "run": step.command.text() if step.command is not None else "",
        "shell": "plain" if step.command is not None and step.command.plain else "",
        **{f"file {path}": _content(content) for path, content in step.files.items()},
        "paths": "\n".join(step.paths),
        "needs": ", ".join(needs) or ("none" if step.independent else ""),
        "checks": "\n".join([*map(_check, step.own_checks), *map(_review, step.reviews)]),
        "until": ""
        if step.until is None
        else f"{_check(step.until)}, {sentences.at_most(step.times)}",
        "agent": step.agent or "",
        "wait": "" if step.wait is None else f"{step.wait.text()}, every {step.wait.every} s",
        "model": step.model or "",
        "timeout": f"{step.timeout} s" if step.timeout is not None else "",
        "network": "yes" if step.network is True else "\n".join(step.network or ()),
        "produces": "\n".join(step.produces),
        "may be empty": "yes" if step.may_be_empty else "",
        "requirements": ", ".join(step.requirements),
    }


def _content(content: FileContent | Pointer | None) -> str:
    if content is None:
        return "(deleted)"
    if isinstance(content, Pointer):
        return f"(submodule at {content.commit})"
    modes = {None: "", True: "(executable)\n", False: "(not executable)\n"}
    return modes[content.executable] + content.text


def _check(check: Check) -> str:
    terms: list[str] = [] if check.type == "run" else [check.type]
    terms += [f"exit {check.expected_exit}"] if check.expected_exit else []
    terms += [f"{check.timeout} s"] if check.timeout != CHECK_TIMEOUT else []
    terms += ["plain"] if check.command.plain else []
    return check.command.text() + (f"  ({', '.join(terms)})" if terms else "")


def _review(review: Review) -> str:
    by = f"  (by {review.model})" if review.model is not None else ""
    return f"review: {review.criteria}{by}"


# -- texts -----------------------------------------------------------------------------------------


def lines(before: str, after: str) -> list[Line]:
    """The lines of two texts that differ, with some around them; an empty one stands for lines that
    are left out.
    """
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    listed: list[Line] = []
    shown = 0
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        listed += [_LEFT_OUT] if group[0][1] > shown else []
        for tag, start, end, begin, stop in group:
            if tag == "equal":
                listed += [_whole(" ", line) for line in old[start:end]]
            else:
                listed += _replaced(old[start:end], new[begin:stop])
        shown = group[-1][2]
    return [*listed, _LEFT_OUT] if listed and shown < len(old) else listed


def _whole(sign: Sign, text: str) -> Line:
    return Line(sign, (Part(sign, text),))


def _replaced(old: Sequence[str], new: Sequence[str]) -> list[Line]:
    if len(old) == len(new):
        pairs = [_words(before, after) for before, after in zip(old, new, strict=True)]
        if all(pair is not None for pair in pairs):
            return [Line("~", pair) for pair in pairs if pair is not None]
    return [*(_whole("-", line) for line in old), *(_whole("+", line) for line in new)]


def _words(before: str, after: str) -> tuple[Part, ...] | None:
    """A line word by word; None where hardly a word is the same."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return None
    parts: list[Part] = []
    was, now = "", ""
    for tag, start, end, begin, stop in matcher.get_opcodes():
        same = "".join(old[start:end])
        if tag == "equal" and (same.strip() or not (was or now) or end == len(old)):
            parts += [*_changed(was, now), Part(" ", same)]
            was, now = "", ""
        else:  # also a space between two words that changed
            was, now = was + same, now + "".join(new[begin:stop])
    return (*parts, *_changed(was, now))


def _changed(was: str, now: str) -> list[Part]:
    signs: tuple[tuple[Sign, str], ...] = (("-", was), ("+", now))
    return [Part(sign, text) for sign, text in signs if text]
