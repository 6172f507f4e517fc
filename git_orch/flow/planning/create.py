"""A new plan: its log first, then its branch."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from git_orch import errors
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import base as basing
from git_orch.flow.planning.replies import looks_file
from git_orch.flow.reports import Reporter
from git_orch.plans import approval, ids, plan_document, redact, sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import Base, MoveKind
from git_orch.plans.plan import Plan
from git_orch.repo import ask, identity, localfiles, own_files, refs, settings
from git_orch.repo.local import approvals, plannings
from git_orch.repo.log import log as store
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.sandbox import keeping, secrecy


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan that is not stored yet; `origin` is file, template or model, `calls` are the paid
    calls that made it.

    `reply_file` is the local file that holds a model's reply until the plan is stored. One that
    `needs_approval` may hold commands that the user has not seen. `id` is the beginning of its ID, where somebody has
    named it.
    """

    plan: Plan
    origin: str
    estimate: Document
    task: str | None = None
    calls: Sequence[Document] = ()
    reply_file: Path | None = None
    owner: str = ""
    needs_approval: bool = False
    id: str = ""


def refuse_unready(repository: Repository, *, include_dirty: bool) -> None:
    """Raises UnfitRepository where no plan can be made: to be asked before a model is paid for one."""
    identity.of_user(repository)
    if include_dirty and repository.top is None:
        raise errors.UnfitRepository(
            "a bare repository has no uncommitted files", "git orch plan --base main"
        )
    if include_dirty:
        unmerged = ask.unmerged(repository.user_git)
        if unmerged:
            cause = f"{sentences.quoted(unmerged[0])} has a conflict that is not resolved"
            raise errors.Busy(cause, "git status")
    refuse_blocked(repository)


def refuse_blocked(repository: Repository) -> None:
    """Raises UnfitRepository where a ref stands in the place of a directory of git-orch's."""
    for ref in ("refs/heads/orch", "refs/notes/orch", "refs/orch"):
        if refs.value(repository, ref) is not None:
            refs.refuse_at(ref)
    refs.refuse_in_the_way(repository)


def refuse_secrets(repository: Repository, plan: Plan) -> None:
    """Raises Refused for a plan that holds a secret of this user or the shape of a key: its text is
    stored and pushed.
    """
    secrets = secrecy.secrets()
    for step in plan.steps:
        title = redact.redacted(step.title, secrets)
        text = json.dumps(plan_document.step_document(step), ensure_ascii=False)
        where = f"step {plan.position(step.id)} ('{title}') holds what looks like a key or a secret"
        advice = "let the command read it from a file or a variable, and plan again"
        _refuse_secret(repository, text, secrets, where, advice)
    where = "the title, objective or description holds what looks like a secret"
    about = plan_document.to_document(plan._replace(steps=()))
    text = "\n".join([plan.title, plan.objective, plan.body or "", json.dumps(about)])
    _refuse_secret(repository, text, secrets, where, "take it out and plan again")


def _refuse_secret(
    repository: Repository, text: str, secrets: Sequence[str], where: str, advice: str
) -> None:
    present = redact.secrets_in(text, secrets)
    allowed = settings.allowed_secrets(repository) if present else frozenset[str]()
    for fingerprint in sorted(map(redact.fingerprint, present)):
        if fingerprint not in allowed:
            from git_orch.repo.worktree import gate

            raise errors.Refused(where, f"{advice}; if it {gate.allowing(fingerprint)}")


def create(
    repository: Repository,
    draft: Draft,
    base: Base,
    reporter: Reporter,
) -> str:
    """Store the plan and make its branch; gives the plan's ID. Raises UnfitRepository, Busy."""
    refuse_secrets(repository, draft.plan)
    person = identity.of_user(repository)
    with contextlib.closing(objects.opened(repository)) as database:
        title = draft.plan.title
        given = draft.id
        plan_id = named(repository, given, title) if given else unused_id(repository, title)
        place = PlanPlace(repository, plan_id)
        written = objects.Written(database)
        cover = basing.write_cover(written, person, plan_id, draft.plan, base)
        log = store.LogWriter(place, database, person)
        plan = OpenPlan(place, database, person, reporter, log, cover)
        created = plan.event(
            "plan.created",
            plan=plan_document.to_document(draft.plan),
            base=basing.document(base),
            origin=draft.origin,
            estimate=draft.estimate,
            **({"task": draft.task} if draft.task else {}),
            **({"owner": draft.owner} if draft.owner else {}),
        )
        called = [plan.event("model.called", **call) for call in draft.calls]
        made = approval.Approved(plan_id, draft.plan, base.commit, base.ref)
        if not draft.needs_approval:
            approvals.write_made(place, made.document())
        entries = [(cover, event) for event in (created, *called)]
        plan.move(None, cover, "create", entries, kind=MoveKind.CREATE, written=written)
        plan.confirm()
    if draft.reply_file is not None:
        put_away_reply(place, draft.reply_file, created.id)
    return plan_id


def put_away_reply(place: PlanPlace, reply_file: Path, name: str) -> None:
    """Remove the file of a planning whose plan is stored. What its model looked at is a conversation
    of the plan from now on, with a name that puts it in its place.
    """
    plannings.forget(reply_file)
    localfiles.remove(reply_file)
    looks = looks_file(reply_file)
    with keeping.unnecessary(keeping.CONVERSATION):
        if looks.is_file():
            with own_files.directory_of(place.traces / name) as directory:
                os.rename(looks, f"{name}.jsonl", dst_dir_fd=directory)


def named(repository: Repository, beginning: str, title: str) -> str:
    """The ID that begins so. Raises UsageError where a plan has it already."""
    if any(ids.without_slug(plan) == beginning for plan in refs.listing(repository).plans):
        raise errors.UsageError(f"there is a plan '{beginning}' already", "git orch ls --all")
    plan_id = f"{beginning}-{ids.slug(title)}"
    ids.see([plan_id])
    return plan_id


def unused_id(repository: Repository, title: str) -> str:
    """A new ID that no plan of the repository has."""
    there = refs.listing(repository).plans
    previous: str | None = None
    while True:
        plan_id = ids.plan_id(
            title, time.time_ns() // 1_000_000, int.from_bytes(os.urandom(3), "big"), previous
        )
        if plan_id not in there:
            ids.see([plan_id])
            return plan_id
        previous = plan_id
