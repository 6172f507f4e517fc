"""The place where attempts and checks happen: the plan's own worktree, and the launcher for its commands."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.flow.attempt import Site
from git_orch.flow.openplan import OpenPlan
from git_orch.flow.reporting import Note
from git_orch.plans import ids
from git_orch.plans.status import Status
from git_orch.repo import objects as odb
from git_orch.repo import raw, snapshot, store, worktrees
from git_orch.repo.git import GitFailed
from git_orch.repo.worktrees import Worktree
from git_orch.sandbox import environment
from git_orch.sandbox.launcher import Launcher

if TYPE_CHECKING:
    from git_orch.flow.agentstep import Service


def opened(plan: OpenPlan, commit: str, service: Service | None = None) -> Site:
    """The plan's worktree, clean and at `commit`, and everything an attempt needs there; `service` for agent steps."""
    return _site(plan, _worktree(plan, commit), service)


def handed_over(plan: OpenPlan, commit: str) -> Site:
    """The worktree where a person does a manual step, as they left it; made at `commit` when there is none."""
    found = worktrees.existing(plan.repository, plan.id, "manual")
    return _site(plan, found or worktrees.made(plan.repository, plan.id, commit, "manual"))


@contextlib.contextmanager
def for_checks(plan: OpenPlan, commit: str) -> Iterator[Site]:
    """A worktree of its own for looking at commits, removed afterwards."""
    worktrees.remove(plan.repository, plan.id, "verify")  # one that a killed verification left
    try:
        yield _site(plan, worktrees.made(plan.repository, plan.id, commit, "verify"))
    finally:
        worktrees.remove(plan.repository, plan.id, "verify")


def refuse_foreign(plan: OpenPlan, status: Status) -> None:
    """Raises Refused for a plan whose text was written elsewhere: to run it is to run somebody else's commands."""
    if status.clone != store.clone_id(plan.repository):
        name = ids.short(plan.id)
        raise errors.Refused(
            f"'{name}' was written in another copy of the repository: its commands are somebody else's",
            f"git orch show {name} --yaml > plan.yaml; read it, then: git orch plan --from plan.yaml",
        )


def _site(plan: OpenPlan, worktree: Worktree, service: Service | None = None) -> Site:
    return Site(
        repository=plan.repository,
        identity=plan.identity,
        new_objects=plan.objects.another,
        worktree=worktree,
        launcher=Launcher(os.environ, environment.home(os.environ) or Path("/nonexistent")),
        reporter=plan.reporter,
        stop=threading.Event(),
        spool=plan.spool,
        service=service,
    )


def _worktree(plan: OpenPlan, commit: str) -> Worktree:
    """The plan's worktree at `commit`; what a killed attempt left in it is kept first."""
    found = worktrees.existing(plan.repository, plan.id)
    if found is None:
        return worktrees.made(plan.repository, plan.id, commit)
    if _kept(plan, found):
        try:
            worktrees.point(found, commit)
        except GitFailed:
            worktrees.remove(plan.repository, plan.id)
        else:
            return found
    return worktrees.made(plan.repository, plan.id, commit)


def put_away(plan: OpenPlan) -> None:
    """Remove the worktree that a killed run left behind; what is in it is kept first."""
    found = worktrees.existing(plan.repository, plan.id)
    if found is not None and _kept(plan, found):
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
    """A commit of what an attempt left in the worktree; None when all of it is on the branch."""
    head = worktrees.head(worktree)
    tree = snapshot.of_worktree(worktree)
    left = head
    if tree != odb.commit(plan.objects, head).tree:
        person = plan.identity.now()
        message = "work of an attempt that was cut off\n"
        left = odb.write_commit(plan.objects, raw.CommitObject(tree, (head,), person.author, person.committer, message))
    tip = plan.tip()
    return None if tip is not None and plan.is_ancestor(left, tip) else left
