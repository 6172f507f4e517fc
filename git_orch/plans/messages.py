"""The messages of the commits that git-orch makes: cover, step, merge and squash commits."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from git_orch.plans import trailers
from git_orch.plans.history.status import SATISFIED, Commit, Status, StepStatus
from git_orch.plans.plan import Plan, Step
from git_orch.plans.trailers import Claim, Trailer, excerpt, one_line, paragraph, quote, subject


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
    """The end of one check, for the message of a step commit; `seconds` is its duration."""

    command: str
    result: str
    seconds: float


def step_message(
    step: Step,
    claim: Claim,
    summary: str,
    checks: Iterable[CheckLine],
    extra: Iterable[Trailer],
    *,
    review: Iterable[str] = (),
) -> str:
    """The message of a step commit: task, summary and checks, for reviewers on a host without
    notes.

    `extra` are more trailers; `review` are reasons to look closely.
    """
    parts = [subject(step.title)]
    task = _task_part(step)
    if task:
        parts.append(task)
    if summary.strip():
        parts.append("Summary:\n" + textwrap.indent(excerpt(quote(summary)), "    "))
    lines = [
        f"    {one_line(check.command)}: {one_line(check.result)} in {check.seconds:.1f} s"
        for check in checks
    ]
    if lines:
        parts.append("Checks:\n" + "\n".join(lines))
    parts += [f"Needs review: {one_line(reason)}" for reason in review]
    last = [*_claim_trailers(claim), *extra]
    parts.append("\n".join(f"{trailer.name}: {one_line(trailer.value)}" for trailer in last))
    return "\n\n".join(parts) + "\n"


def _claim_trailers(claim: Claim) -> list[Trailer]:
    return [
        Trailer(trailers.PLAN, claim.plan),
        Trailer(trailers.STEP, claim.step),
        Trailer(trailers.ATTEMPT, claim.attempt),
    ]


def _task_part(step: Step) -> str:
    if step.prompt:
        return "Asked:\n" + textwrap.indent(excerpt(quote(step.prompt)), "    ")
    if step.command is not None:
        return "Ran:\n    " + one_line(step.command.text())
    if step.files:
        return "Files:\n" + "\n".join(f"    {one_line(path)}" for path in sorted(step.files))
    return ""


def merge_message(status: Status, branch: str) -> str:
    """The message of a merge commit: a list of the steps whose commits it merges."""
    parts = [trailers.subject(f"Merge plan: {status.plan.title}"), *_objective(status)]
    parts.append("\n".join(_line(step) for step in _landed_steps(status)))
    parts.append(f"Into {branch}.\n\n{trailers.PLAN}: {status.id}")
    return _message_text(parts)


class OwnCommit(NamedTuple):
    """A commit that the user made on the plan branch, with its short ID."""

    oid: str
    subject: str


def squash_message(status: Status, own: Sequence[OwnCommit], coauthors: Iterable[str]) -> str:
    """The message of a commit that squashes the whole plan, with the claims of all its steps.

    `coauthors` are people as `Name <email>`.
    """
    landed = _landed_steps(status)
    parts = [trailers.subject(status.plan.title), *_objective(status)]
    details: list[str] = []
    claims: list[Claim] = []
    for step in landed:
        details += [_line(step), *_step_details(step)]
        claims += claims_of(status.id, step)
    parts.append("\n".join(details))
    if own:
        commits = [f"    {trailers.subject(commit.subject)} ({commit.oid})" for commit in own]
        parts.append("\n".join(["With:", *commits]))
    lines: list[str] = []
    for claim in claims:
        lines += [f"{trailer.name}: {trailer.value}" for trailer in _claim_trailers(claim)]
    if status.usd():
        lines.append(f"{trailers.COST}: {status.usd():.4f} USD")
    models = dict.fromkeys(call.model for call in status.calls)
    lines += [f"{trailers.MODEL}: {trailers.subject(model)}" for model in models]
    people = dict.fromkeys(coauthors)
    lines += [f"Co-authored-by: {trailers.subject(person, 200)}" for person in people]
    return _message_text([*parts, "\n".join(lines)])


def claims_of(plan: str, status: StepStatus) -> list[Claim]:
    """The last claim about a step in the message of its commit, as a list; empty without a
    commit.
    """
    claims = status.commit.message.claims if status.commit is not None else ()
    return [claim for claim in claims if claim.plan == plan and claim.step == status.id][-1:]


def is_bare_cover(status: Status, commit: Commit) -> bool:
    """Whether a commit is a cover without claims; git-orch leaves such a commit out when it copies
    a branch.
    """
    return commit.message.cover_of == status.id and not commit.message.claims


def _landed_steps(status: Status) -> list[StepStatus]:
    return [step for step in status.steps if step.state in SATISFIED and step.commit is not None]


def _objective(status: Status) -> list[str]:
    if status.plan.objective == status.plan.title:
        return []
    return [trailers.paragraph(status.plan.objective)]


def _line(status: StepStatus) -> str:
    return f"{status.number:3}. {trailers.subject(status.step.title)}"


def _step_details(status: StepStatus) -> list[str]:
    """The first five lines of a step's summary, and a line for the end of every check."""
    if status.attempt is None:
        return []
    summary = [
        f"     {trailers.subject(line)}"
        for line in status.attempt.summary.splitlines()[:5]
        if line.strip()
    ]
    checks = [
        f"     check: {trailers.subject(result.command, 200)}: {trailers.subject(result.reason)}"
        for result in status.attempt.checks
    ]
    return summary + checks


def _message_text(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part.strip()) + "\n"
