"""The messages of the commits that git-orch makes: cover, step, merge and squash commits."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from git_orch.plans import trailers
from git_orch.plans.history.status import SATISFIED, Commit, Status, StepStatus
from git_orch.plans.plan import Plan, Step
from git_orch.plans.trailers import (
    Claim,
    Trailer,
    one_line,
    paragraph,
    subject,
    whole_subject,
)


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
    lines += [f"       review: {_criteria(review.criteria)}" for review in step.reviews]
    return "\n".join(lines)


class CheckLine(NamedTuple):
    """A check that ran on the commit's tree, and whether it passed. Of a review `command` are the
    criteria by which the `model` judged.
    """

    command: str
    passed: bool
    model: str | None = None

    def line(self) -> str:
        """The line that tells of it; nothing for a command of several lines."""
        if self.model is not None:
            return f"Reviewed: {_criteria(self.command)} ({one_line(self.model)})"
        return _command_line("Tested", self.command)


def step_message(
    step: Step,
    claim: Claim,
    checks: Iterable[CheckLine],
    extra: Iterable[Trailer],
    *,
    summary: str = "",
    failure: str = "",
    review: Iterable[str] = (),
) -> str:
    """The message of a step commit: why it was made and what tested it, for reviewers on a host
    without notes.

    `extra` are more trailers; `review` are reasons to look closely; `failure` is why an attempt
    failed, whose commit only keeps its work.
    """
    parts = [whole_subject(step.title)]
    parts.append(f"FAILED: {one_line(failure)}" if failure else _reason(step, summary))
    parts.append(_command_line("Ran", step.command.text()) if step.command is not None else "")
    tested = [check.line() for check in checks if check.passed]
    parts.append("\n".join(line for line in tested if line))
    parts += [f"Needs review: {one_line(reason)}" for reason in review]
    last = [claim.trailer(), *extra]
    parts.append("\n".join(f"{trailer.name}: {one_line(trailer.value)}" for trailer in last))
    return _message_text(parts)


def requirement_trailers(step: Step) -> list[Trailer]:
    """The trailers with the requirements that a step serves."""
    return [Trailer(trailers.REQUIREMENT, name) for name in step.requirements]


def _reason(step: Step, summary: str) -> str:
    """Why the step was done, in the words of its author, of the model that did it or of the task."""
    return paragraph(next(filter(str.strip, (step.why or "", summary, step.prompt or "")), ""))


def _criteria(text: str) -> str:
    """The criteria of a review on one line."""
    first, more, _ = text.strip().partition("\n")
    return one_line(f"{first} ..." if more else first)


def _command_line(name: str, command: str) -> str:
    """A line for a command; nothing for one of several lines."""
    return "" if len(command.strip().splitlines()) != 1 else f"{name}: {one_line(command)}"


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


class Credit(NamedTuple):
    """Who else stands in the message of a commit: people as `Name <email>`, how models are named,
    and the sign-off.
    """

    people: tuple[str, ...] = ()
    attribution: trailers.Attribution = "none"
    signoff: tuple[Trailer, ...] = ()


def squash_message(
    status: Status, own: Sequence[OwnCommit], empty: Container[str], credit: Credit
) -> str:
    """The message of a commit that squashes the whole plan, with the claims of all its steps.

    The steps whose IDs are in `empty` changed nothing, and are not listed.
    """
    landed = _landed_steps(status)
    parts = [trailers.subject(status.plan.title), *_objective(status)]
    details: list[str] = []
    claims: list[Claim] = []
    for step in landed:
        details += [] if step.id in empty else [_line(step), *_step_details(step)]
        claims += claims_of(status.id, step)
    parts.append("\n".join(details))
    if own:
        commits = [f"    {trailers.subject(commit.subject)} ({commit.oid})" for commit in own]
        parts.append("\n".join(["With:", *commits]))
    lines = [f"{trailers.STEP}: {claim.trailer().value}" for claim in claims]
    served = dict.fromkeys(name for step in landed for name in step.step.requirements)
    lines += [f"{trailers.REQUIREMENT}: {name}" for name in served]
    if status.usd():
        lines.append(f"{trailers.COST}: {status.usd():.4f} USD")
    models = dict.fromkeys(call.model for call in status.calls if not call.is_review)
    reviewers = dict.fromkeys(call.model for call in status.calls if call.is_review)
    others = [
        *(Trailer(trailers.MODEL, model) for model in models),
        *(Trailer(trailers.REVIEWER, model) for model in reviewers),
        *(Trailer("Co-authored-by", person) for person in dict.fromkeys(credit.people)),
        *trailers.attribution(credit.attribution, models),
        *credit.signoff,
    ]
    lines += [f"{trailer.name}: {one_line(trailer.value)}" for trailer in others]
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
    """Why the step was done, five lines at most, and a line for every check that passed."""
    if status.attempt is None:
        return []
    reason = status.step.why or status.attempt.summary
    summary = [f"     {trailers.subject(line)}" for line in reason.splitlines()[:5] if line.strip()]
    tested = [
        CheckLine(result.command, result.passed, result.model).line()
        for result in status.attempt.checks
        if result.passed
    ]
    return [*summary, *(f"     {line}" for line in tested if line)]


def _message_text(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part.strip()) + "\n"
