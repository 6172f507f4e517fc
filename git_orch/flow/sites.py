"""The place where attempts and checks happen: the plan's own worktree, and the launcher for its commands."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from git_orch import errors
from git_orch.flow.attempt import Site
from git_orch.flow.openplan import OpenPlan
from git_orch.flow.reporting import Note
from git_orch.repo import objects as odb
from git_orch.repo import raw, snapshot, worktrees
from git_orch.repo.worktrees import Worktree
from git_orch.sandbox.launcher import Launcher


def opened(plan: OpenPlan, commit: str, prices: str | None = None) -> Site:
    """The plan's worktree, clean and at `commit`, and everything an attempt needs there."""
    return Site(
        repository=plan.repository,
        identity=plan.identity,
        new_objects=plan.objects.another,
        worktree=_worktree(plan, commit),
        launcher=Launcher(os.environ, Path.home()),
        reporter=plan.reporter,
        stop=threading.Event(),
        spool=plan.spool,
        prices=prices,
    )


def _worktree(plan: OpenPlan, commit: str) -> Worktree:
    """The plan's worktree at `commit`; what a killed attempt left in it is kept first."""
    found = worktrees.existing(plan.repository, plan.id)
    if found is None:
        return worktrees.made(plan.repository, plan.id, commit)
    try:
        _keep_leftover(plan, found)
        worktrees.point(found, commit)
    except errors.UnfitRepository as broken:
        plan.reporter.emit(Note(f"the worktree is made anew: {broken.cause}"))
        return worktrees.made(plan.repository, plan.id, commit)
    return found


def _keep_leftover(plan: OpenPlan, worktree: Worktree) -> None:
    head = worktrees.head(worktree)
    tree = snapshot.of_worktree(worktree)
    left = head
    if tree != odb.commit(plan.objects, head).tree:
        person = plan.identity.now()
        message = "work of an attempt that was cut off\n"
        left = odb.write_commit(
            plan.objects, raw.CommitObject(tree, (head,), person.author, person.committer, message)
        )
    tip = plan.tip()
    if tip is None or not plan.is_ancestor(left, tip):
        plan.keep([left], "work of an attempt that was cut off")
        plan.reporter.emit(Note(f"work of an attempt that was cut off is kept as {left[:10]}"))
