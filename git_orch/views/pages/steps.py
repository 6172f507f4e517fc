"""The steps on a page: a table of all, and for each what it was to do, its checks and its changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from git_orch.plans import hosts, ids, sentences
from git_orch.plans.history.status import SATISFIED, Attempt, CheckResult, Status, StepStatus
from git_orch.plans.plan import Check, Review
from git_orch.repo.objects.patches import ChangedFile, Patch
from git_orch.views import report
from git_orch.views.pages import parts, timeline
from git_orch.views.pages.parts import Room
from git_orch.views.pictures import markup, tones

_MOST_FILES = 100
_MOST_ATTEMPTS = 20


def table(status: Status) -> str:
    """All steps, one a row."""
    heads = ("Step", "State", "Kind", "Commit", "Checks", "Time", "Cost")
    return parts.table(
        "The steps of the plan", heads, (_row(status, step) for step in status.steps)
    )


def _row(status: Status, step: StepStatus) -> tuple[str, ...]:
    own = [attempt for attempt in status.attempts if attempt.step == step.id]
    took = timeline.elapsed(sum(timeline.bounded(attempt.seconds) for attempt in own))
    paid = sum(call.usd for call in status.calls if call.step == step.id)
    return (
        _link(step),
        _state(status, step),
        markup.text(step.kind),
        parts.code(step.commit.oid[:10]) if step.commit is not None else "",
        _passed(step),
        took if own else "",
        sentences.usd(paid) if paid else "",
    )


def _link(step: StepStatus) -> str:
    text = markup.text(f"{step.number} {step.title}")
    return markup.element("a", {"href": f"#step-{step.number}"}, text)


def _state(status: Status, step: StepStatus) -> str:
    elsewhere = step.state in SATISFIED and step.id in status.unverified_here
    shown = parts.badge(step.word, "open" if elsewhere else tones.of_step(step))
    return f"{shown} not verified on this machine" if elsewhere else shown


def _passed(step: StepStatus) -> str:
    planned = len(step.step.checks) + len(step.step.reviews)
    results = step.attempt.checks if step.attempt is not None else ()
    passed = sum(result.passed for result in results)
    whole = max(planned, len(results))
    return f"{passed} of {whole} passed" if results else (f"{whole} not run" if whole else "none")


def details(status: Status, patches: Mapping[str, Patch], room: Room) -> str:
    """Each step by itself."""
    return "\n".join(_article(status, step, patches.get(step.id), room) for step in status.steps)


def _article(status: Status, step: StepStatus, patch: Patch | None, room: Room) -> str:
    name = f"step-{step.number}"
    heading = markup.element(
        "h3", {"id": f"{name}-heading"}, markup.text(f"Step {step.number}: {step.title}")
    )
    content = [heading, _facts(status, step)]
    content += _task(status, step, room)
    content += _end(status, step, room)
    content += _checks(status, step, room)
    content += _changes(status, step, patch, room)
    content += _earlier(status, step, room)
    about = {"id": name, "aria-labelledby": f"{name}-heading"}
    return markup.element("article", about, "\n".join([*content, ""]))


def _facts(status: Status, step: StepStatus) -> str:
    numbers = {other.id: other for other in status.steps}
    words = [_state(status, step), markup.text(step.kind)]
    if step.commit is not None:
        words.append(f"commit {parts.code(step.commit.oid[:10])}")
    if step.step.depends_on:
        after = (
            markup.element(
                "a", {"href": f"#step-{numbers[need].number}"}, f"{numbers[need].number}"
            )
            for need in step.step.depends_on
        )
        words.append(f"after {', '.join(after)}")
    if step.step.network:
        words.append(markup.text(hosts.asking(step.step.network)))
    if step.step.model is not None:
        words.append(f"model {parts.code(step.step.model)}")
    return parts.paragraph(" · ".join(words))


def _task(status: Status, step: StepStatus, room: Room) -> Iterator[str]:
    """What the step is to do, and why."""
    whole = f"git orch show --tasks --full {ids.short(status.id)}"
    if step.step.why:
        yield markup.element("h4", {}, "Why")
        yield parts.preformatted(room, step.step.why, whole=whole)
    if step.step.prompt:
        yield parts.folded("Prompt", parts.preformatted(room, step.step.prompt, whole=whole))
    if step.step.command is not None:
        yield markup.element("h4", {}, "Command")
        yield parts.preformatted(room, step.step.command.text(), whole=whole)
    deeds = [f"{verb} {parts.code(path)}" for verb, path in step.step.deeds]
    if deeds:
        count = sentences.count(len(deeds), "file")
        yield parts.folded(f"Writes or deletes {count}", parts.items(_some(deeds)))


def _some(every: list[str]) -> list[str]:
    more = len(every) - _MOST_FILES
    return every if more <= 0 else [*every[:_MOST_FILES], f"and {more:,} more"]


def _end(status: Status, step: StepStatus, room: Room) -> Iterator[str]:
    """What the last attempt said at its end."""
    attempt = step.attempt
    if attempt is None:
        return
    whole = f"git orch show --attempts {ids.short(status.id)}"
    for heading, text in (
        ("Summary", attempt.summary),
        ("Error", attempt.error),
        ("Question", attempt.question),
        ("Answer", attempt.answer),
    ):
        if text:
            yield markup.element("h4", {}, heading)
            yield parts.preformatted(room, text, whole=whole)
    if attempt.review and step.commit is not None:
        yield markup.element("h4", {}, "Needs review")
        yield parts.items(_some([markup.text(reason) for reason in attempt.review]))


# -- checks ----------------------------------------------------------------------------------------


def _checks(status: Status, step: StepStatus, room: Room) -> Iterator[str]:
    results = step.attempt.checks if step.attempt is not None else ()
    pairs = [
        *itertools.zip_longest(
            step.step.checks, [result for result in results if not result.is_review]
        ),
        *itertools.zip_longest(step.step.reviews, [one for one in results if one.is_review]),
    ]
    if pairs:
        yield markup.element("h4", {}, "Checks")
    for planned, result in pairs:
        yield _not_run(planned) if result is None else _check(status, result, room)


def _not_run(planned: Check | Review | None) -> str:
    criteria = planned.criteria if isinstance(planned, Review) else ""
    text = planned.command.text() if isinstance(planned, Check) else criteria
    lines = text.strip().split("\n")
    more = " …" if len(lines) > 1 else ""
    return parts.paragraph(f"{parts.badge('not run', 'wait')} {parts.code(lines[0])}{more}")


def _check(status: Status, result: CheckResult, room: Room) -> str:
    lines = result.command.strip().split("\n")
    word = parts.badge("passed", "good") if result.passed else parts.badge("failed", "bad")
    how = "" if result.passed or result.is_review else f", {_how(result)}"
    took = (
        f"passed at {result.since}, on the same tree"
        if result.since is not None
        else timeline.elapsed(result.seconds)
    )
    model = f", {result.model}" if result.model else ""
    kind = report.kind_of_check(result)
    summary = (
        f"{word} {kind} {parts.code(lines[0])}{' …' if len(lines) > 1 else ''} "
        f"{markup.element('span', {'class': 'dim'}, markup.text(f'{took}{how}{model}'))}"
    )
    whole = f"git orch show --json {ids.short(status.id)}"
    content = []
    if len(lines) > 1:
        content.append(parts.preformatted(room, result.command.strip(), whole=whole))
    if result.text.strip():
        content.append(parts.preformatted(room, result.text, whole=whole))
    if not content:
        content.append(parts.paragraph("It printed nothing.", "dim"))
    return parts.folded(summary, "\n".join(content), is_open=not result.passed)


def _how(result: CheckResult) -> str:
    return f"exited {result.exit}" if result.reason == "exited" else result.reason


# -- changes ---------------------------------------------------------------------------------------


def _changes(status: Status, step: StepStatus, patch: Patch | None, room: Room) -> Iterator[str]:
    if patch is None:
        return
    yield markup.element("h4", {}, "Changes")
    if patch.problem is not None:
        yield parts.paragraph(markup.text(f"The changes cannot be read: {patch.problem}."), "cut")
        return
    if step.commit is None:
        yield parts.paragraph("Of the last attempt; they are not on the branch.", "dim")
    if not patch.files and not patch.text:
        yield parts.paragraph("none")
        return
    yield parts.items(_some([_file(file) for file in patch.files]))
    whole = f"git orch diff {ids.short(status.id)} {step.number}"
    yield parts.folded(
        "Diff",
        parts.diff(room, patch.text, is_cut=patch.cut, whole=whole),
        is_open=_is_short(patch),
    )


def _is_short(patch: Patch) -> bool:
    return not patch.cut and patch.text.count("\n") <= 40


def _file(file: ChangedFile) -> str:
    if file.added is None or file.removed is None:
        return f"{parts.code(file.path)} binary"
    return f"{parts.code(file.path)} +{file.added} -{file.removed}"


def _earlier(status: Status, step: StepStatus, room: Room) -> Iterator[str]:
    """The attempts before the last one."""
    own = [attempt for attempt in status.attempts if attempt.step == step.id]
    if len(own) < 2:
        return
    shown = own[-_MOST_ATTEMPTS:]
    left = len(own) - len(shown)
    note = parts.paragraph(f"{left} earlier ones are left out.", "cut") if left else ""
    listed = parts.items(_attempt(attempt, status, room) for attempt in shown)
    yield parts.folded(f"All {len(own)} attempts", f"{listed}{note}")


def _attempt(attempt: Attempt, status: Status, room: Room) -> str:
    ended = markup.text(f"{report.when(attempt.event)}, {timeline.elapsed(attempt.seconds)}")
    shown = f"{parts.badge(attempt.outcome, timeline.tone(attempt))} {ended}"
    if attempt.error:
        whole = f"git orch show --attempts {ids.short(status.id)}"
        shown += parts.preformatted(room, attempt.error, whole=whole)
    return shown
