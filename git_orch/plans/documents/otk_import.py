"""Plans out of the files of orchestrator-toolkit: each task, each plan, and each spec that no plan
has. Their IDs are made from the old ones, so that every import makes the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from git_orch.plans import ids, one_line
from git_orch.plans.documents import boxes, checklist, offline_spec, otk_spec
from git_orch.plans.documents.otk_files import Artefact, Report
from git_orch.plans.documents.otk_spec import OldSpec, Task
from git_orch.plans.history.status import PlanState
from git_orch.plans.plan import Plan, Spec, Step

TOOL = "orchestrator-toolkit"

Kind = Literal["note", "progress", "blocker"]

_ULID6 = re.compile(r"(?:PLAN|SPEC)-([0-9]{8})-([0-9A-HJKMNP-TV-Z]{6})-(.+)", re.IGNORECASE)
_STATES = {
    "new": PlanState.DRAFT,
    "draft": PlanState.DRAFT,
    "assigned": PlanState.READY,
    "ready": PlanState.READY,
}
_AT_WORK = ("in-progress", "executing")
_KNOWN = (*_STATES, *_AT_WORK, "blocked", "in-spec", "done")
_LONGEST_SLUG = 60
_HASH_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LONGEST_NOTE = 90_000  # characters of one note


class Said(NamedTuple):
    """A note for the log of a plan, with its time in milliseconds since 1970."""

    kind: Kind
    text: str
    who: str = ""
    at: int | None = None


class Item(NamedTuple):
    """A plan that is to be stored. `ids` are the old ones, the first that of its `file`. One that
    is `done` is put away. `ticks` are items of its checklist.
    """

    ids: tuple[str, ...]
    file: str
    plan: Plan
    owner: str
    created: int | None
    state: PlanState
    done: bool
    notes: tuple[Said, ...]
    ticks: tuple[str, ...]

    def new_id(self, now_ms: int) -> str:
        """The ID of the plan; `now_ms` counts where no file says when it was made."""
        return plan_id(self.ids[0], self.plan.title, self.created, now_ms)


class Problem(NamedTuple):
    """A file that is not imported: why, and in which line."""

    file: str
    line: int
    text: str


@dataclass(slots=True)
class Files:
    """The files of a directory that could be read."""

    tasks: list[Artefact] = field(default_factory=list)
    plans: list[Artefact] = field(default_factory=list)
    specs: list[Artefact] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    characters: int = 0  # of all of them


def plan_id(old: str, title: str, created: int | None, now_ms: int) -> str:
    """The ID of the plan with this old ID. That of version 2 goes on as it was; the slug begins
    with a number of version 1.
    """
    digest = hashlib.sha256(old.casefold().encode()).digest()
    match = _ULID6.fullmatch(old)
    if match is not None and ids.plan_ms(f"PLAN-{match[1]}-{'0' * 10}-x") is not None:
        more = "".join(_HASH_LETTERS[byte % 32] for byte in digest[:4])
        return f"PLAN-{match[1]}-{match[2].upper()}{more}-{_slug(match[3])}"
    made = min(created if created is not None else now_ms, now_ms)
    return ids.plan_id(f"{old} {title}", made, int.from_bytes(digest[:3], "big"))


def _slug(old: str) -> str:
    words = [word for word in re.split(r"[^a-z0-9]+", old.casefold()) if word]
    while len("-".join(words)) > _LONGEST_SLUG and len(words) > 1:
        words.pop()
    return "-".join(words)[:_LONGEST_SLUG] or "plan"


def assemble(files: Files) -> list[Item]:
    """The plans of a directory. What cannot be taken is added to its problems."""
    specs = {spec.id.casefold(): spec for spec in _unique(files.specs, files.problems)}
    plans = _unique([*files.tasks, *files.plans], files.problems)
    planned = {plan.task.casefold(): plan.id for plan in plans if plan.task}
    chosen = _specs_of(plans, list(specs.values()))
    used = {spec.id for spec in chosen.values() if spec is not None}
    alone = [spec for spec in specs.values() if spec.id not in used]
    reports: dict[str, list[Report]] = {}
    by_name = _by_name([*plans, *specs.values()])
    for report in files.reports:
        about = by_name.get(report.spec.casefold())
        if about is None:
            shown = one_line.of(report.spec)
            files.problems.append(Problem(report.file, 1, f"is about no file here: '{shown}'"))
        else:
            reports.setdefault(about.id.casefold(), []).append(report)
    items: list[Item] = []
    for artefact, spec in [
        *((plan, chosen[plan.id.casefold()]) for plan in plans),
        *((spec, spec) for spec in alone),
    ]:
        listed = reports.get(artefact.id.casefold(), [])
        if spec is not None and spec is not artefact:
            listed = [*listed, *reports.get(spec.id.casefold(), [])]
        try:
            items.append(_item(artefact, spec, listed, planned.get(artefact.id.casefold())))
        except _TooMany as wrong:
            files.problems.append(Problem(wrong.file, 1, str(wrong)))
    return items


class _TooMany(Exception):
    """A spec has more steps than a plan may have."""

    def __init__(self, file: str, count: int) -> None:
        super().__init__(f"has {count:,} steps, and a plan has at most {offline_spec.MOST_STEPS:,}")
        self.file = file


def _unique(artefacts: Iterable[Artefact], problems: list[Problem]) -> list[Artefact]:
    """The files with an ID of their own: of several the one that is called like it, or the first."""
    by_id: dict[str, Artefact] = {}
    ordered = sorted(artefacts, key=lambda one: (not one.file.endswith(f"/{one.id}.md"), one.file))
    for one in ordered:
        first = by_id.setdefault(one.id.casefold(), one)
        if first is not one:
            problems.append(Problem(one.file, 1, f"has the id of {first.file}: '{one.id}'"))
    return sorted(by_id.values(), key=lambda one: one.file)


def _by_name(artefacts: Iterable[Artefact]) -> dict[str, Artefact]:
    """The files by what another one may call them: their ID, or its beginning without the slug."""
    named: dict[str, Artefact] = {}
    for one in artefacts:
        named.setdefault(ids.without_slug(one.id).casefold(), one)
    return named | {one.id.casefold(): one for one in artefacts}


def _specs_of(plans: Sequence[Artefact], specs: Sequence[Artefact]) -> dict[str, Artefact | None]:
    """The spec of each plan: the one that it names, else the first that names it."""
    by_name, plans_by_name = _by_name(specs), _by_name(plans)
    naming: dict[str, Artefact] = {}
    for spec in specs:
        plan = plans_by_name.get(spec.plan.casefold())
        if plan is not None:
            naming.setdefault(plan.id, spec)
    return {
        plan.id.casefold(): by_name.get(plan.spec.casefold()) or naming.get(plan.id)
        for plan in plans
    }


def _item(
    artefact: Artefact, spec: Artefact | None, reports: Sequence[Report], planned: str | None
) -> Item:
    title, body = artefact.title, artefact.body
    plan = Plan(title, title, (), body=body or None)
    notes: list[Said] = []
    ticks: list[str] = []
    state = _STATES.get(artefact.status, PlanState.DRAFT)
    if spec is not None:
        read = otk_spec.read(spec.body)
        plan = _with_spec(plan, spec, read, keep_body=spec is not artefact)
        ticks = _ticks(plan, read, reports)
        state = PlanState.CREATED
    elif artefact.spec:
        state = PlanState.DRAFT
        notes.append(Said("note", f"its spec {artefact.spec} was not in specs/"))
    elif planned is not None:
        state = PlanState.DRAFT
        notes.append(Said("note", f"{planned} is the plan of this task"))
    notes = [*_status_notes(artefact, spec), *notes]
    notes += [said for report in sorted(reports, key=_when) for said in _report_notes(report)]
    done = artefact.status == "done"
    old = [artefact.id] + ([spec.id] if spec is not None and spec is not artefact else [])
    return Item(
        tuple(old),
        artefact.file,
        plan,
        artefact.owner,
        artefact.created,
        state,
        done,
        tuple(notes),
        tuple(dict.fromkeys(ticks)),
    )


def _with_spec(plan: Plan, spec: Artefact, read: OldSpec, *, keep_body: bool) -> Plan:
    """The plan with the steps of its spec, all of them manual. Raises _TooMany."""
    if len(read.steps) > offline_spec.MOST_STEPS:
        raise _TooMany(spec.file, len(read.steps))
    plan = plan._replace(body=plan.body if keep_body else None)
    criteria = tuple("\n".join(filter(None, (one.text, one.below))) for one in read.criteria)
    about = Spec(read.approach, read.design, criteria)
    if not read.steps:
        made = offline_spec.written(plan, spec.title)
        return made._replace(objective=read.objective or made.objective, spec=about)
    steps: list[Step] = []
    for task in read.steps:
        step_id = ids.next_step_id(step.id for step in steps[-1:])
        prompt = "\n\n".join(filter(None, (task.text, task.below)))
        steps.append(Step(step_id, one_line.of(task.text), "manual", prompt=prompt))
    return plan._replace(objective=read.objective or spec.title, steps=tuple(steps), spec=about)


def _ticks(plan: Plan, read: OldSpec, reports: Sequence[Report]) -> list[str]:
    """The items of the checklist whose boxes are ticked, in the spec or in a report."""
    ticked = {
        one_line.of(box.text.removeprefix("Ensure: ")).casefold()
        for report in reports
        for box in boxes.read(report.body)
        if box.ticked
    }

    def is_ticked(task: Task) -> bool:
        return task.ticked or one_line.of(task.text).casefold() in ticked

    steps = zip(plan.steps, read.steps, strict=False)
    found = [step.id for step, task in steps if is_ticked(task)]
    texts = plan.spec.criteria if plan.spec is not None else ()
    for text, task in zip(texts, read.criteria, strict=True):
        if is_ticked(task):
            found.append(checklist.text_id("criterion", text))
    return found


def _status_notes(artefact: Artefact, spec: Artefact | None) -> Iterable[Said]:
    """What the state of a plan does not say of the old one."""
    status = artefact.status
    if status in _AT_WORK:
        yield Said("progress", f"it was '{status}' in {TOOL}")
    elif status == "blocked":
        yield Said("blocker", f"it was 'blocked' in {TOOL}")
    elif status not in _KNOWN and spec is not artefact:
        yield Said("note", f"its status in {TOOL} was '{one_line.of(status)}'")
    if spec is not None and spec.status not in ("", "draft"):
        yield Said("progress", f"its spec was '{one_line.of(spec.status)}' in {TOOL}")


def _when(report: Report) -> tuple[int, str]:
    return report.started or 0, report.file


def _report_notes(report: Report) -> Iterable[Said]:
    """The text of a log or of a report, in parts that a note can hold."""
    about = f" ({report.status})" if report.status else ""
    text = f"{report.file}{about}:\n\n{report.body.strip()}"
    for part in _parts(text):
        yield Said("note", part, report.owner, report.started)


def _parts(text: str) -> Iterable[str]:
    """A text in parts that a note can hold, cut between lines where it has some."""
    start = 0
    while start < len(text):
        end = start + _LONGEST_NOTE
        line_end = text.rfind("\n", start, end) + 1
        end = line_end if len(text) > end and line_end > start else end
        yield text[start:end]
        start = end
