"""The part of git orch plan that lets a model change the steps of a plan that are not done."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.cli import here, planning, reading
from git_orch.flow.attempt import brief, job
from git_orch.flow.documents import comments
from git_orch.flow.model import estimate as estimating
from git_orch.flow.model import service, typed_text
from git_orch.flow.planning import draft, open_comments, replies, revise
from git_orch.plans import ids, revision, sentences
from git_orch.plans.history import life
from git_orch.repo import owners, settings
from git_orch.repo.plan_place import PlanPlace
from git_orch.views import console, report

if TYPE_CHECKING:
    from git_orch.cli.planning import Typed
    from git_orch.flow.open_plan import OpenPlan
    from git_orch.flow.planning.ask import Terms
    from git_orch.flow.planning.replies import ReplyFile
    from git_orch.plans.document import Document
    from git_orch.plans.history.status import Status
    from git_orch.plans.plan import Plan
    from git_orch.repo.repository import Repository

_COMMENTS = "Take up my comments on the plan."
_USAGE = 'git orch plan --revise -m "what to change"'


def run(repository: Repository, typed: Typed, earlier: ReplyFile | None) -> None:
    """Ask a model for the next version of a plan, and store it; `earlier` is the file of a revision
    that failed.
    """
    handle = earlier.plan if earlier is not None else typed.revise or None
    says = earlier.task if earlier is not None else _text(repository, handle, typed)
    if typed.estimate_only:
        _print_estimate(repository, handle, says, typed)
        return
    with contextlib.ExitStack() as held:
        plan = held.enter_context(
            here.open_plan(handle, quiet=typed.quiet, progress=typed.progress)
        )
        life.states_to_edit(plan.status().recorded_state, plan.status().state, plan.name)
        file = earlier or held.enter_context(replies.begin(repository, says, plan.id))
        revise.record_calls(plan, file)
        before = plan.status()
        max_usd, spent = revise.limits(plan, typed.max_usd, file.usd())
        terms = _terms(repository, before, typed)._replace(max_usd=max_usd, spent=spent)
        revised = revise.revise(plan, before, terms, file)
        new = revised.plan
        estimate = estimate_of(repository, before, new, terms.model)
        changed = revise.store(plan, before.plan, new, estimate, file)
        who = owners.of_user(repository)
        addressed = comments.close_addressed(plan, before, revised, who) if changed else []
        _print(plan, before, changed=changed)
    for number, has_changed in addressed:
        why = "its part changed" if has_changed else "by a change elsewhere, says the model"
        console.out(f"comment {number} is addressed: {why}")


def _text(repository: Repository, handle: str | None, typed: Typed) -> str:
    """What a person wants to have changed: else what the open comments say. Raises UsageError where
    nothing says so.
    """
    texts = typed.remarks
    if not texts and sys.stdin is not None and not sys.stdin.isatty():
        texts = (planning.standard_input(),)
    text = "\n\n".join(typed_text.paragraphs(texts, _USAGE))
    if not text and not typed.remarks and _has_comments(repository, handle):
        return _COMMENTS
    if not text:
        raise errors.UsageError("nothing says what to change", _USAGE)
    return text


def _has_comments(repository: Repository, handle: str | None) -> bool:
    """Whether the user made a comment on the plan that is open."""
    try:
        with reading.open_objects(repository) as database:
            status = reading.status_of(repository, database, handle)
    except errors.NotFound:
        return False
    return bool(open_comments.read(PlanPlace(repository, status.id), status).own)


def _terms(repository: Repository, status: Status, typed: Typed) -> Terms:
    tip = status.branch.tip if status.branch is not None else status.base.commit
    return planning.terms_of(repository, typed, tip)


def _print_estimate(repository: Repository, handle: str | None, says: str, typed: Typed) -> None:
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, handle)
    life.require_steps(status)
    terms = _terms(repository, status, typed)
    question = revise.question(repository, status, says, terms, "0" * 16)
    tokens = draft.tokens_of(question, with_tools=terms.look and terms.base is not None)
    planning.print_asking(typed, terms, tokens, "revising the plan")


def estimate_of(repository: Repository, status: Status, new: Plan, model: str) -> Document:
    """The estimate of another version of a plan."""
    chosen = settings.of_user(repository)
    asks = any(step.kind == "agent" for step in new.steps)
    return estimating.plan_estimate(
        new,
        model,
        service.price_table(chosen),
        estimating.samples(repository) if asks else (),
        brief.prompt_tokens(repository, new, status.base.commit, job.task_of(status)),
    )


def _print(plan: OpenPlan, before: Status, *, changed: bool) -> None:
    after = plan.status()
    here.give(here.plan_document(plan.repository, after, running=False))
    name = ids.short(after.id)
    if not changed:
        console.out(f"{name}: nothing changed")
        return
    was, now = (
        sentences.usd(status.estimate.likely()) if status.estimate is not None else "none"
        for status in (before, after)
    )
    what = revision.differences(before.plan, after.plan)
    console.out(f"{name}: {what}   estimate {now} (was {was})")
    if after.plan.missing:
        console.out(f"missing: {', '.join(after.plan.missing)}")
    done = frozenset(step.id for step in after.steps if revise.stays(after, step))
    here.print_findings(revise.findings(plan.repository, after.plan, done))
    console.out(f"read: git orch plan diff {name}")
    console.out(f"to take it back: git orch undo {name}")
    console.out(*report.next_command(after, running=False))
