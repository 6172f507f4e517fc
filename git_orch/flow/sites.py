"""The place where attempts and checks happen: the plan's own worktree, and the launcher for its commands."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow import confinement
from git_orch.flow.attempt import Site, refused_path
from git_orch.flow.openplan import OpenPlan
from git_orch.flow.reporting import Note
from git_orch.plans import redact
from git_orch.repo import objects as odb
from git_orch.repo import raw, settings, snapshot, worktrees
from git_orch.repo.enclosed import Boundary
from git_orch.repo.gate import GateRefused
from git_orch.repo.git import GitFailed
from git_orch.repo.worktrees import Worktree
from git_orch.sandbox import secrecy

if TYPE_CHECKING:
    from git_orch.flow.agentstep import Service


def opened(plan: OpenPlan, commit: str, service: Service | None = None) -> Site:
    """The plan's worktree, clean and at `commit`, and everything an attempt needs there; `service` for agent steps."""
    boundary = _boundary(plan)
    worktree = _worktree(plan, boundary, commit)
    if (worktree.path / ".gitmodules").is_file():
        plan.reporter.emit(Note("submodules are empty in the worktree of a step"))
    return _site(plan, worktree, service)


def handed_over(plan: OpenPlan, commit: str) -> Site:
    """The worktree where a person does a manual step, as they left it; made at `commit` when there is none."""
    boundary = _boundary(plan)
    found = worktrees.existing(plan.repository, plan.id, boundary, "manual")
    return _site(plan, found or worktrees.made(plan.repository, plan.id, boundary, commit, "manual"))


@contextlib.contextmanager
def for_checks(plan: OpenPlan, commit: str) -> Iterator[Site]:
    """A worktree of its own for looking at commits, removed afterwards."""
    boundary = _boundary(plan)
    worktrees.remove(plan.repository, plan.id, "verify")  # one that a killed verification left
    try:
        yield _site(plan, worktrees.made(plan.repository, plan.id, boundary, commit, "verify"))
    finally:
        worktrees.remove(plan.repository, plan.id, "verify")


def _boundary(plan: OpenPlan) -> Boundary:
    return confinement.boundary(plan.repository, lambda text: plan.reporter.emit(Note(text)))


def _site(plan: OpenPlan, worktree: Worktree, service: Service | None = None) -> Site:
    return Site(
        repository=plan.repository,
        identity=plan.identity,
        new_objects=plan.objects.another,
        worktree=worktree,
        launcher=worktree.enclosure.launcher,
        reporter=plan.reporter,
        stop=threading.Event(),
        spool=plan.spool,
        service=service,
        run_hooks=settings.of_user(plan.repository).runHooks,
    )


def _worktree(plan: OpenPlan, boundary: Boundary, commit: str) -> Worktree:
    """The plan's worktree at `commit`; what a killed attempt left in it is kept first."""
    found = worktrees.existing(plan.repository, plan.id, boundary)
    if found is None:
        return worktrees.made(plan.repository, plan.id, boundary, commit)
    if _kept(plan, found):
        try:
            worktrees.point(found, commit)
        except GitFailed:
            worktrees.remove(plan.repository, plan.id)
        else:
            return found
    return worktrees.made(plan.repository, plan.id, boundary, commit)


def put_away(plan: OpenPlan) -> None:
    """Remove the worktree that a killed run left behind; what is in it is kept first."""
    if worktrees.path_of(plan.repository, plan.id).exists():
        found = worktrees.existing(plan.repository, plan.id, _boundary(plan))
        if found is None or not _kept(plan, found):
            return
    worktrees.remove(plan.repository, plan.id)


def _kept(plan: OpenPlan, worktree: Worktree) -> bool:
    """Keep what a killed attempt left in the worktree; False when it was broken, and is removed."""
    try:
        left = leftover(plan, worktree)
    except (GitFailed, odb.MissingObject, errors.UnfitRepository) as broken:
        plan.reporter.emit(Note(f"the worktree is made anew: {broken.cause}"))
        worktrees.remove(plan.repository, plan.id)
        return False
    if left is not None:
        plan.keep([left], "work of an attempt that was cut off")
        plan.reporter.emit(Note(f"work of an attempt that was cut off is kept as {left[:10]}"))
    return True


def leftover(plan: OpenPlan, worktree: Worktree) -> str | None:
    """A commit of what an attempt left in the worktree; None when all of it is on the branch.

    What the gate refuses goes to a local file, of which a note tells.
    """
    head = worktrees.head(worktree)
    refused = refused_path(plan.repository, f"left-in-{head[:12]}")
    terms = snapshot.Terms(redact.secret_values(secrecy.all_variables()), refused)
    left = head
    try:
        tree = snapshot.taken(plan.repository, worktree, head, terms).tree
    except GateRefused as gated:
        plan.reporter.emit(Note(f"{gated.cause}; it is in {refused}"))
        tree = odb.commit(plan.objects, head).tree
    if tree != odb.commit(plan.objects, head).tree:
        person = plan.identity.now()
        message = "work of an attempt that was cut off\n"
        left = odb.write_commit(plan.objects, raw.CommitObject(tree, (head,), person.author, person.committer, message))
    tip = plan.tip()
    return None if tip is not None and plan.is_ancestor(left, tip) else left
