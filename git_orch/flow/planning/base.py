"""The start of a plan: the base commit, the cover commit on it, and a base branch that moved on."""

from __future__ import annotations

import shlex

from git_orch import errors
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import messages, sentences, trailers
from git_orch.plans.document import Document
from git_orch.plans.history.status import Base, MoveKind, Status
from git_orch.plans.plan import Plan
from git_orch.repo import ask, identity, refs
from git_orch.repo.identity import Identity
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Objects
from git_orch.repo.repository import Repository

_HEADS = "refs/heads/"


def choose_base(repository: Repository, requested: str | None) -> Base:
    """The base for a new plan: `requested` (a ref or a commit), else HEAD. Raises UnfitRepository
    for an unknown one.
    """
    git = repository.user_git
    name = requested if requested is not None else "HEAD"
    commit = ask.commit(git, name)
    if requested is None:
        return Base(commit, _loggable(ask.head_branch(git)))
    if commit is None:
        raise errors.UnfitRepository(f"'{requested}' names no commit", "git branch --all")
    ref = _loggable(ask.full_name(git, requested))
    return Base(commit, ref if ref is not None and ref.startswith("refs/heads/") else None)


def _loggable(ref: str | None) -> str | None:
    """The name of a branch; None for one that is not UTF-8, which no log can hold."""
    try:
        (ref or "").encode("utf-8")
    except UnicodeEncodeError:
        return None
    return ref


def take_snapshot(repository: Repository, objects: Objects, base: Base) -> Base:
    """A base that holds the user's uncommitted files as well: a commit of its own on HEAD; theirs
    stay as they are.
    """
    from git_orch.flow.machine import sandbox
    from git_orch.repo.worktree import snapshot

    tree = snapshot.of_user(repository, lambda: sandbox.boundary(repository), base.commit)
    if base.commit is not None and tree == odb.commit(objects, base.commit).tree:
        return base  # nothing is uncommitted
    parents = (base.commit,) if base.commit is not None else ()
    person = identity.of_user(repository)
    commit = person.commit(objects, tree, parents, "snapshot of uncommitted files\n")
    return Base(commit, base.ref, snapshot=True)


def document(base: Base) -> Document:
    """The base as an event stores it."""
    body: Document = {"commit": base.commit, "ref": base.ref}
    return body | ({"snapshot": True} if base.snapshot else {})


def write_cover(objects: Objects, person: Identity, plan_id: str, plan: Plan, base: Base) -> str:
    """The cover commit: empty, on the base, its message the plan for people to read."""
    tree = (
        odb.write_tree(objects, [])
        if base.commit is None
        else odb.commit(objects, base.commit).tree
    )
    parents = (base.commit,) if base.commit is not None else ()
    message = messages.cover_message(plan_id, plan, base.commit or trailers.UNBORN)
    return person.commit(objects, tree, parents, message)


def start_tree(plan: OpenPlan, status: Status) -> str | None:
    """The tree that the next step would start from: that of the branch that the plan follows, where
    it can, else the tip's. None where the branch is gone and with it the base.
    """
    moved = _moved_base(plan, status)
    if moved is not None and _reason_to_stay(plan, status, moved) is None:
        return odb.commit(plan.objects, moved).tree
    if status.branch is not None and status.branch.commits:
        return status.branch.commits[-1].tree
    base = status.branch.tip if status.branch is not None else status.base.commit
    if base is None or plan.objects.read_many([base])[0] is None:
        return None
    return odb.commit(plan.objects, base).tree


def _moved_base(plan: OpenPlan, status: Status) -> str | None:
    """The tip of the branch that a plan without a landed step follows, if it has moved on."""
    base = status.base
    if (
        base.ref is None
        or status.branch is None
        or any(step.commit is not None for step in status.steps)
    ):
        return None
    tip = refs.value(plan.repository, base.ref)
    if tip is None or tip in (base.commit, status.branch.base):
        return None
    if (
        base.snapshot
        and base.commit is not None
        and odb.commit(plan.objects, base.commit).parents == (tip,)
    ):
        return None
    return tip


def gone(plan: OpenPlan, ref: str, command: str, hint: str) -> errors.NotFound:
    """The error for a base branch that is not there: `command` goes on where it was renamed, and
    `hint` tells what else to do.
    """
    branch = sentences.quoted(ref.removeprefix(_HEADS))
    cause = f"there is no branch {branch} any more, on which '{plan.name}' was made"
    new = ask.renamed_branch(plan.repository.git, ref)
    if new is None:
        return errors.NotFound(cause, hint)
    name = new.removeprefix(_HEADS)
    return errors.NotFound(
        f"{cause}: it was renamed to {sentences.quoted(name)}",
        f"{command} --onto {shlex.quote(name)}",
    )


def follow_base(plan: OpenPlan, status: Status) -> bool:
    """Put a plan without a landed step onto the tip of its base branch, or report why not; whether
    it moved.
    """
    _note_gone(plan, status)
    tip, ref, branch = _moved_base(plan, status), status.base.ref, status.branch
    if tip is None or ref is None or branch is None:
        return False
    reason = _reason_to_stay(plan, status, tip)
    name = ref.removeprefix("refs/heads/")
    if reason is not None:
        plan.reporter.emit(
            Note(
                f"{sentences.quoted(name)} moved on since the plan was made; the plan stays on "
                f"its base: {reason}"
            )
        )
        return False
    new = Base(tip, ref)
    commit = write_cover(plan.objects, plan.identity, plan.id, status.plan, new)
    plan.keep([branch.tip], "the cover on the old base")
    rebased = (commit, plan.event("plan.rebased", base=document(new)))
    plan.move(branch.tip, commit, f"rebase to {name}", [rebased], kind=MoveKind.REBASE)
    plan.home = commit
    plan.reporter.emit(
        Note(
            f"{sentences.quoted(name)} moved on since the plan was made; the plan now starts from "
            f"{tip[:10]}"
        )
    )
    return True


def _note_gone(plan: OpenPlan, status: Status) -> None:
    """Report that the branch which the plan started from was renamed or deleted."""
    base = status.base
    if base.ref is None or base.commit is None or refs.value(plan.repository, base.ref) is not None:
        return
    hint = f"git orch rebase {plan.name} --onto BRANCH"
    missing = gone(plan, base.ref, f"git orch rebase {plan.name}", hint)
    plan.reporter.emit(Note(f"{missing.cause}; to follow it: {missing.hint}"))


def is_ours(status: Status, commit: str) -> bool:
    """Whether git-orch itself put the branch there: a cover that the user amended is not replaced
    by a new one.
    """
    return any(
        event.name == "move.intended" and event.body.get("to") == commit
        for event in status.log.events
    )


def _reason_to_stay(plan: OpenPlan, status: Status, tip: str) -> str | None:
    branch = status.branch
    if status.base.snapshot:
        return "it was made with uncommitted files"
    if branch is None or len(branch.commits) != 1 or branch.commits[0].message.cover_of != plan.id:
        return "its branch is not just the cover commit"
    if not is_ours(status, branch.tip):
        return "you changed its cover commit"
    if status.base.commit is None:
        return None
    return (
        None
        if plan.is_ancestor(status.base.commit, tip)
        else "the old base is not part of it any more"
    )
