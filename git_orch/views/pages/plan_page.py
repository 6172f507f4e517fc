"""A plan as one page that stands on its own: steps, graph, timeline, cost, checks and changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import git_orch
from git_orch.plans import ids, sentences
from git_orch.plans.history.status import SATISFIED, Call, PlanState, Status
from git_orch.plans.money import cost
from git_orch.plans.plan import Spec
from git_orch.repo.objects.patches import Patch
from git_orch.views import documents, report
from git_orch.views.pages import frame, parts, steps, timeline
from git_orch.views.pages.parts import Room
from git_orch.views.pictures import markup, svg

_ROOM = 3_000_000  # characters of long texts
_TONES = {
    PlanState.COMPLETE: "good", PlanState.FAILED: "bad", PlanState.REJECTED: "bad",
    PlanState.EXECUTING: "open", PlanState.ROLLED_BACK: "open",
}  # fmt: skip


def page(status: Status, patches: Mapping[str, Patch], *, running: bool) -> str:
    """The page of a plan; `patches` are the changes of its steps by step ID."""
    room = Room(_ROOM)
    sections = [
        ("overview", "Overview", "\n".join(_overview(status, room))),
        ("steps", "Steps", steps.table(status) if status.steps else parts.paragraph("none yet")),
    ]
    if status.steps:
        graph = parts.scrolling("Graph", svg.part(status))
        sections += [
            ("graph", "Graph", graph),
            ("timeline", "Timeline", timeline.part(status)),
            ("cost", "Cost", _cost(status)),
            ("details", "Checks and changes", steps.details(status, patches, room)),
        ]
    notes = list(_notes(status, room))
    if notes:
        sections.append(("notes", "Notes", "\n".join(notes)))
    listed = [
        (place, name, parts.section(place, name, content)) for place, name, content in sections
    ]
    return frame.page(
        f"{ids.short(status.id)}: {status.plan.title}",
        _header(status, running=running),
        listed,
        _footer(status),
    )


def _header(status: Status, *, running: bool) -> str:
    word = report.state_word(status, running=running)
    badge = parts.badge(word, "open" if running else _TONES.get(status.state, "wait"))
    return "\n".join(
        [
            markup.element("h1", {}, markup.text(status.plan.title)),
            parts.paragraph(f"{badge} {parts.code(status.id)}"),
        ]
    )


def _footer(status: Status) -> str:
    last = report.when(documents.last_event(status)) if status.log.events else "its beginning"
    made = f"Made by git-orch {git_orch.__version__} from the plan's log up to {last}."
    return parts.paragraph(markup.text(made))


# -- overview --------------------------------------------------------------------------------------


def _overview(status: Status, room: Room) -> Iterator[str]:
    yield parts.terms(_facts(status))
    why = report.why(status)
    if why is not None:
        yield parts.paragraph(markup.text(why))
    whole = f"git orch show {ids.short(status.id)}"
    spec = status.plan.spec or Spec()
    if status.plan.objective != status.plan.title:
        yield parts.preformatted(room, status.plan.objective, whole=whole)
    for heading, text in (
        ("Idea", status.plan.body),
        ("Approach", spec.approach),
        ("Design", spec.design),
    ):
        if text and text.strip():
            yield parts.folded(heading, parts.preformatted(room, text, whole=whole))
    accepted = [
        *spec.criteria,
        *(f"{one.id}: {one.text}" for one in spec.requirements),
    ]
    if accepted:
        listed = parts.preformatted(room, "\n".join(f"- {line}" for line in accepted), whole=whole)
        yield parts.folded("Accepted when", listed)


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    done = sum(step.state in SATISFIED for step in status.steps)
    if status.steps:
        yield "Steps done", f"{done} of {len(status.steps)}"
    estimate = status.estimate
    estimated = f" of an estimated {sentences.usd(estimate.likely())}" if estimate else ""
    yield "Cost", f"{sentences.usd(status.usd())}{estimated}"
    if status.run_seconds:
        yield "Time of all runs", timeline.elapsed(status.run_seconds)
    yield "Created", report.when(status.created)
    if status.owner:
        yield "Owner", markup.text(status.owner)
    if status.steps:
        base = status.base.ref.removeprefix("refs/heads/") if status.base.ref else "a commit"
        commit = status.base.commit[:10] if status.base.commit else "nothing yet"
        yield "Base", f"{parts.code(base)} at {parts.code(commit)}"
    if status.branch is not None:
        yield "Branch", f"{parts.code(f'orch/{status.id}')} at {parts.code(status.branch.tip[:10])}"
    if status.landed is not None:
        landed = status.landed
        yield "Landed", f"{parts.code(landed.branch())} as {parts.code(landed.new[:10])}"
    if status.steps:
        yield "Finished branch", _tip(status)


def _tip(status: Status) -> str:
    failures = status.tip_failures()
    if failures:
        listed = (parts.code(failure.command) for failure in failures[:5])
        return f"{sentences.count(len(failures), 'check')} failed: {', '.join(listed)}"
    if status.tip_checked is None or status.failed_on_earlier_tip():
        return "its checks have not run"
    return "all checks passed"


# -- cost ------------------------------------------------------------------------------------------


def _cost(status: Status) -> str:
    if not status.calls:
        return parts.paragraph("No model was asked.")
    of_steps = [
        (
            markup.element(
                "a", {"href": f"#step-{step.number}"}, markup.text(f"{step.number} {step.title}")
            ),
            [call for call in status.calls if call.step == step.id],
        )
        for step in status.steps
    ]
    known = {step.id for step in status.steps}
    others = [call for call in status.calls if call.step is not None and call.step not in known]
    of_steps.insert(0, ("planning", [call for call in status.calls if call.step is None]))
    of_steps.append(("steps of earlier versions", others))
    most = max(sum(call.usd for call in calls) for _, calls in of_steps)
    rows = [_cost_row(name, calls, most) for name, calls in of_steps if calls]
    heads = ("Step", "Cost", "Share", "Requests", "Tokens in", "Read from the cache", "Tokens out")
    total = _cost_row("all", status.calls, 0)
    shown = parts.table("What models have cost", heads, rows, total)
    return markup.element("div", {"class": "cost"}, shown)


def _cost_row(name: str, calls: Sequence[Call], most: float) -> tuple[str, ...]:
    usage = cost.Usage()
    for call in calls:
        usage += cost.Usage.from_mapping(call.usage)
    usd = sum(call.usd for call in calls)
    numbers = (len(calls), usage.prompt, usage.cache_read, usage.output)
    return (name, sentences.usd(usd), _share(usd, most), *(f"{number:,}" for number in numbers))


def _share(usd: float, most: float) -> str:
    """A bar whose length is the share of the dearest step; the cost beside it says the same."""
    if not most > 0:
        return ""
    size: dict[str, str | float] = {
        "class": "bar wait", "x": 0.0, "y": 0.0, "width": round(100 * usd / most, 1), "height": 10.0
    }  # fmt: skip
    frame_of = {"viewBox": "0 0 100 10", "preserveAspectRatio": "none", "aria-hidden": "true"}
    return markup.element("svg", frame_of, markup.element("rect", size))


# -- notes -----------------------------------------------------------------------------------------


def _notes(status: Status, room: Room) -> Iterator[str]:
    """What people noted and commented."""
    whole = f"git orch log {ids.short(status.id)}"
    for noted in status.noted:
        head = f"{noted.kind}, {report.when(noted.event)}, {noted.who}".rstrip(", ")
        yield markup.element("h3", {}, markup.text(head))
        yield parts.preformatted(room, noted.text, whole=whole)
    for comment in status.comments:
        state = f", {comment.closed}" if comment.closed is not None else ""
        head = f"comment by {comment.who or 'somebody'}{state}"
        yield markup.element("h3", {}, markup.text(head))
        yield parts.preformatted(
            room, comment.text, whole=f"git orch comment {ids.short(status.id)}"
        )
