"""The work that a killed attempt left in a worktree. git-orch keeps it, then frees the worktree."""

from __future__ import annotations

from git_orch import errors
from git_orch.flow.attempt.site import refused_path
from git_orch.flow.machine import sandbox
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import ids, sentences
from git_orch.repo import stale_locks
from git_orch.repo.git import GitFailed
from git_orch.repo.local import conversations
from git_orch.repo.log import kept
from git_orch.repo.objects import objects as odb
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import conflict_record, pool, snapshot, worktrees
from git_orch.repo.worktree.enclosed import Boundary
from git_orch.repo.worktree.gate import GateRefused
from git_orch.repo.worktree.worktrees import Purpose, Worktree
from git_orch.sandbox import secrecy

_WORK = {"manual": "a manual step", conflict_record.PURPOSE: "a conflict"}


def boundary(plan: OpenPlan) -> Boundary:
    return sandbox.boundary(plan.repository, lambda text: plan.reporter.emit(Note(text)))


def put_away(plan: OpenPlan) -> None:
    """Remove the worktrees that a killed run of this plan left behind; what is in them is kept
    first.
    """
    remove_verify_worktrees(plan)
    with pool.take(plan.place, 0) as names:
        for name in names:
            recover(plan, name)
            worktrees.remove(plan.repository, name)


def remove_verify_worktrees(plan: OpenPlan) -> None:
    """Remove what a killed verification left: nobody has worked in it."""
    if worktrees.path_of(plan.repository, plan.id, "verify").exists():
        worktrees.remove(plan.repository, plan.id, "verify")


def put_away_person_worktrees(plan: OpenPlan) -> None:
    """Remove the worktrees in which a person works, each as `put_away_person_worktree` does."""
    for purpose in worktrees.purposes(plan.repository, plan.id):
        if purpose not in ("exec", "verify"):
            put_away_person_worktree(plan, purpose)


def put_away_person_worktree(plan: OpenPlan, purpose: Purpose) -> None:
    """Remove a worktree in which a person works; what they did there is kept first. One that is
    broken stays, and one with what the gate refuses.
    """
    worktree = worktrees.existing(plan.repository, plan.id, boundary(plan), purpose)
    if worktree is None:
        return
    try:
        head = worktrees.head(worktree)
        terms = snapshot.Terms(secrecy.secrets())
        left = _commit_of(plan, snapshot.taken(plan.repository, worktree, head, terms).tree, head)
    except (GateRefused, GitFailed, odb.MissingObject, errors.UnfitRepository) as stays:
        plan.reporter.emit(Note(f"left {sentences.quoted(worktree.path)} as it is: {stays.cause}"))
        return
    tip = plan.tip()
    if left is not None or tip is None or not plan.is_ancestor(head, tip):
        what = _WORK.get(purpose, "a step")
        plan.keep([left or head], f"work on {what}")
        plan.reporter.emit(Note(f"kept your work on {what}: {(left or head)[:10]}"))
    worktrees.remove(plan.repository, plan.id, purpose)


def recover(plan: OpenPlan, name: str) -> None:
    """Keep what an attempt that was cut off left in the worktree, for the plan it was made for."""
    owner = pool.owner(plan.repository, name)
    if owner is None:
        return
    worktree = worktrees.existing(plan.repository, name, boundary(plan))
    if worktree is not None:
        stale_locks.of_worktree(plan.repository, worktree.git.git_dir)
        _keep_left(plan, name, worktree, owner)
    pool.disown(plan.repository, name)


def _keep_left(plan: OpenPlan, name: str, worktree: Worktree, owner: str) -> None:
    """Keep what a killed attempt left in the worktree; one that is broken is removed."""
    place = PlanPlace(plan.repository, owner)
    try:
        head, tree = worktrees.head(worktree), _left_tree(plan, worktree)
        left = _commit_of(plan, tree, head) if tree is not None else None
    except (GitFailed, odb.MissingObject, errors.UnfitRepository) as broken:
        plan.reporter.emit(Note(f"making a new worktree: {broken.cause}"))
        worktrees.remove(plan.repository, name)
        return
    if tree is not None:
        conversations.close_left(place, name, head, tree, left)
    if left is not None:
        # A checkout would not write anew what git takes for unchanged.
        worktrees.remove(plan.repository, name)
        why = kept.INTERRUPTED_WORK
        kept.keep(place, plan.objects, plan.identity, [left], why)
        whose = "" if owner == plan.id else f" for '{ids.short(owner)}'"
        plan.reporter.emit(Note(f"kept the work of an interrupted attempt{whose}: {left[:10]}"))


def _left_tree(plan: OpenPlan, worktree: Worktree) -> str | None:
    """The tree that an attempt left in the worktree; None where the gate refuses it: that goes to a
    local file, of which a note tells.
    """
    head = worktrees.head(worktree)
    refused = refused_path(plan.repository, f"left-in-{head[:12]}")
    terms = snapshot.Terms(secrecy.secrets(), refused)
    try:
        return snapshot.taken(plan.repository, worktree, head, terms).tree
    except GateRefused as gated:
        plan.reporter.emit(Note(f"{gated.cause}; saved in {refused}"))
        return None


def _commit_of(plan: OpenPlan, tree: str, head: str) -> str | None:
    """A commit of the tree; None where its base or the branch has it already."""
    tip = plan.tip()
    on_branch = odb.commit(plan.objects, tip).tree if tip is not None else None
    if tree in (odb.commit(plan.objects, head).tree, on_branch):
        return None
    message = "work of an interrupted attempt\n"
    return plan.identity.commit(plan.objects, tree, [head], message)
