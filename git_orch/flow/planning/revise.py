"""Another version of a plan, by a model: of the steps that are not done. It is stored as an edit
is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import ask, create, draft, edit, open_comments, validate
from git_orch.flow.planning.ask import Terms
from git_orch.flow.planning.replies import ReplyFile
from git_orch.plans import ids
from git_orch.plans.document import Document
from git_orch.plans.file import revised
from git_orch.plans.file.findings import Finding, PlanFileError
from git_orch.plans.file.revised import Old, Revision
from git_orch.plans.history.status import Status, StepStatus
from git_orch.plans.plan import Plan
from git_orch.repo import settings
from git_orch.repo.local import approvals
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository

if TYPE_CHECKING:
    from git_orch.agents import planner, revision_prompts


def limits(plan: OpenPlan, typed: float | None, spent: float) -> tuple[float, float]:
    """What asking may cost in USD (0: no limit), and what is spent of that. What somebody typed is
    for this revision, which has cost so much; else the nearer one holds of `orch.maxUsd`, and of
    the limit of the whole plan, which is `orch.maxUsd` as long as nobody typed one.
    """
    if typed is not None:
        return typed, spent
    of_planning = settings.of_user(plan.repository).maxUsd
    remembered = approvals.read(plan.place).limits.plan
    of_plan = of_planning if remembered is None else remembered
    cost = sum(max(0.0, call.usd) for call in plan.status().calls)
    if of_plan > 0 and (of_planning <= 0 or of_plan - cost < of_planning - spent):
        return of_plan, cost
    return of_planning, spent


def revise(plan: OpenPlan, status: Status, terms: Terms, file: ReplyFile) -> Revision:
    """The next version of a plan, as the person wants it who wrote the text in the file. What the
    calls have cost becomes the plan's, also where there is no version in the end.
    """
    old = _old(status)
    try:
        return ask.ask(
            plan.repository,
            terms,
            plan.reporter,
            file,
            lambda delimiter: question(plan.repository, status, file.task, terms, delimiter),
            lambda text: _read(plan.repository, text, old),
        )
    finally:
        record_calls(plan, file)


def record_calls(plan: OpenPlan, file: ReplyFile) -> None:
    """Write the calls of the file into the log, but for those that it has."""
    logged = {_key(event.body) for event in plan.log.log.events if event.name == "model.called"}
    new = [call for call in file.calls if _key(call) not in logged]
    if new:
        plan.record(*((plan.home, plan.event("model.called", **call)) for call in new))


def _key(call: Mapping[str, object]) -> tuple[object, ...]:
    return call.get("request"), call.get("model"), call.get("usd"), call.get("seconds")


def store(plan: OpenPlan, old: Plan, new: Plan, estimate: Document, file: ReplyFile) -> bool:
    """Store the next version; False where it is equal. The file goes."""
    changed = edit.revise(plan, old, new, estimate, message=file.task)
    create.put_away_reply(plan.place, file.path, plan.new_id())
    return changed


def question(
    repository: Repository, status: Status, says: str, terms: Terms, delimiter: str
) -> planner.Question:
    """The whole prompt of a revision."""
    from git_orch.agents import planner, revision_prompts

    task = next(
        (event.body.get("task") for event in status.log.events if event.name == "plan.created"), ""
    )
    past = {step.id: _past(status, step) for step in status.steps}
    next_id = ids.next_step_id(status.step_ids)
    remarks = open_comments.read(PlanPlace(repository, status.id), status)
    version = revision_prompts.Version(status.plan, past, next_id, says, *remarks)
    facts = ask.capabilities(repository, terms)
    about = " ".join([says, status.plan.title, *(step.title for step in status.steps)])
    sections = ask.map_of(repository, about, terms)
    asked = task if isinstance(task, str) else ""
    return planner.Question(asked, facts, terms.model, delimiter, sections, version)


def _old(status: Status) -> Old:
    done = frozenset(step.id for step in status.steps if stays(status, step))
    return Old(status.plan, done, status.step_ids)


def stays(status: Status, step: StepStatus) -> bool:
    """Whether a step of the plan is one that no version changes."""
    return step.commit is not None or step.id in status.satisfied_steps()


def _past(status: Status, step: StepStatus) -> revision_prompts.Past:
    from git_orch.agents import revision_prompts

    attempt = step.attempt
    usd = sum(call.usd for call in status.calls if call.step == step.id)
    is_done = stays(status, step)
    if attempt is None:
        return revision_prompts.Past(step.word, is_done, usd)
    failure = ""
    if attempt.outcome == "failed" and not is_done:
        failed = [check for check in attempt.checks if not check.passed]
        output = [f"$ {check.command}\n{check.text}" for check in failed[-1:]]
        failure = "\n".join([attempt.error or "failed", *output])
    if attempt.question is not None and not attempt.answer:
        failure = f"it waits for an answer to: {attempt.question}"
    changed = attempt.changed if is_done else ()
    summary = attempt.summary if is_done else ""
    return revision_prompts.Past(step.word, is_done, usd, summary, changed, failure)


def _read(repository: Repository, text: str, old: Old) -> Revision | planner.Flawed[Revision]:
    """The next version in a reply, or the findings for the model to correct. One that would change
    a step that is done is none.
    """
    from git_orch.agents import planner

    try:
        revision = revised.revision(text, old)
    except PlanFileError as wrong:
        return planner.Flawed([finding.of_field() for finding in wrong.findings])
    plan = revision.plan
    named = [step.id for step in plan.steps]
    problems = [
        draft.finding_text(revised.with_ids(finding, named))
        for finding in findings(repository, plan, frozenset(old.done))
        if draft.is_for_model(finding)
    ]
    return planner.Flawed(problems, revision) if problems else revision


def findings(
    repository: Repository, plan: Plan, done: frozenset[str] | None = None
) -> list[Finding]:
    """The findings of `git orch check` in a version, without notes and without done steps."""
    return [
        finding
        for finding in validate.findings_of_plan(repository, plan)
        if finding.level != "note" and revised.step_of(finding, plan) not in (done or ())
    ]
