"""The messages of the commits that git-orch makes: cover, step, merge and squash commits."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from git_orch.plans import trailers
from git_orch.plans.history.status import SATISFIED, Commit, Status, StepStatus
from git_orch.plans.plan import Plan, Step
from git_orch.plans.trailers import Claim, clipped, one_line, paragraph, quoted, subject


def cover_message(plan_id: str, plan: Plan, base: str) -> str:
    """The plan for people to read in any git client."""
    parts = [subject(f"plan: {plan.title}")]
    if plan.objective != plan.title:
        parts.append(paragraph(plan.objective))
    parts.append("\n".join(_step_line(plan, step) for step in plan.steps))
    parts.append(f"{trailers.PLAN}: {plan_id}\n{trailers.BASE}: {base}")
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def _step_line(plan: Plan, step: Step) -> str:
    needs = ", ".join(str(plan.position(other)) for other in step.depends_on)
    after = f" (after {needs})" if needs else ""
    lines = [f"{plan.position(step.id):3}. {subject(step.title)} [{step.kind}]{after}"]
    lines += [f"       check: {one_line(check.command.text())}" for check in step.checks]
    return "\n".join(lines)


class CheckLine(NamedTuple):
    """How one check ended, for the message of a step commit; `seconds` is its duration."""

    command: str
    result: str
    seconds: float


def step_message(
    step: Step,
    claim: Claim,
    summary: str,
    checks: Iterable[CheckLine],
    extra: Iterable[tuple[str, str]],
    *,
    review: Iterable[str] = (),
) -> str:
    """What a reviewer reads on a host that shows no notes: what was asked, what was done, which
    checks ran.

    `review` are reasons to look closely.
    """
    parts = [subject(step.title)]
    asked = _asked(step)
    if asked:
        parts.append(asked)
    if summary.strip():
        parts.append("Summary:\n" + textwrap.indent(clipped(quoted(summary)), "    "))
    lines = [
        f"    {one_line(check.command)}: {one_line(check.result)} in {check.seconds:.1f} s"
        for check in checks
    ]
    if lines:
        parts.append("Checks:\n" + "\n".join(lines))
    parts += [f"Needs review: {one_line(reason)}" for reason in review]
    claims = [
        (trailers.PLAN, claim.plan),
        (trailers.STEP, claim.step),
        (trailers.ATTEMPT, claim.attempt),
        *extra,
    ]
    parts.append("\n".join(f"{name}: {one_line(value)}" for name, value in claims))
    return "\n\n".join(parts) + "\n"


def _asked(step: Step) -> str:
    if step.prompt:
        return "Asked:\n" + textwrap.indent(clipped(quoted(step.prompt)), "    ")
    if step.command is not None:
        return "Ran:\n    " + one_line(step.command.text())
    if step.files:
        return "Files:\n" + "\n".join(f"    {one_line(path)}" for path in sorted(step.files))
    return ""


def merge_message(status: Status, branch: str) -> str:
    """The message of a merge commit: the steps that it brings, in a list; the commits themselves
    are behind it.
    """
    parts = [trailers.subject(f"Merge plan: {status.plan.title}"), *_objective(status)]
    parts.append("\n".join(_line(each) for each in _brought(status)))
    parts.append(f"Into {branch}.\n\n{trailers.PLAN}: {status.id}")
    return _joined(parts)


def squash_message(status: Status, own: Sequence[tuple[str, str]], coauthors: Iterable[str]) -> str:
    """The message of the one commit that is the whole plan, with the claims of all its steps.

    `own` are the user's own commits on the branch, as short ID and subject; `coauthors` are people
    as `Name <email>`.
    """
    brought = _brought(status)
    parts = [trailers.subject(status.plan.title), *_objective(status)]
    parts.append("\n".join(line for each in brought for line in (_line(each), *_told(each))))
    if own:
        parts.append(
            "With:\n"
            + "\n".join(f"    {trailers.subject(subject)} ({oid})" for oid, subject in own)
        )
    lines = [
        f"{trailers.PLAN}: {claim.plan}\n{trailers.STEP}: {claim.step}\n{trailers.ATTEMPT}: {claim.attempt}"
        for each in brought
        for claim in claims_of(status.id, each)
    ]
    lines += [f"{trailers.COST}: {status.usd():.4f} USD"] if status.usd() else []
    lines += [
        f"{trailers.MODEL}: {trailers.subject(model)}"
        for model in dict.fromkeys(c.model for c in status.calls)
    ]
    lines += [
        f"Co-authored-by: {trailers.subject(person, 200)}" for person in dict.fromkeys(coauthors)
    ]
    return _joined([*parts, "\n".join(lines)])


def claims_of(plan: str, each: StepStatus) -> list[Claim]:
    """What the commit of a step claims about that step."""
    claims = each.commit.message.claims if each.commit is not None else ()
    return [claim for claim in claims if claim.plan == plan and claim.step == each.step.id][-1:]


def is_bare_cover(status: Status, commit: Commit) -> bool:
    """Whether a commit is the cover and nothing else: it is left out where commits are written
    anew.
    """
    return commit.message.cover_of == status.id and not commit.message.claims


def _brought(status: Status) -> list[StepStatus]:
    return [each for each in status.steps if each.state in SATISFIED and each.commit is not None]


def _objective(status: Status) -> list[str]:
    return (
        [trailers.paragraph(status.plan.objective)]
        if status.plan.objective != status.plan.title
        else []
    )


def _line(each: StepStatus) -> str:
    return f"{each.number:3}. {trailers.subject(each.step.title)}"


def _told(each: StepStatus) -> list[str]:
    """What was said of a step, and how its checks ended."""
    if each.attempt is None:
        return []
    said = [
        f"     {trailers.subject(line)}"
        for line in each.attempt.summary.splitlines()[:5]
        if line.strip()
    ]
    ran = [
        f"     check: {trailers.subject(result.command, 200)}: {trailers.subject(result.reason)}"
        for result in each.attempt.checks
    ]
    return said + ran


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part.strip()) + "\n"
