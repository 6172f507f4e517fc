"""Recovery: finishes or abandons moves of a plan branch that were cut off, and notices the user's
own moves.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from git_orch import errors
from git_orch.flow import move as moves
from git_orch.flow.branch import target
from git_orch.flow.branch.user_acts import notice
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import sentences
from git_orch.plans.history.status import Move, Status
from git_orch.repo import ask, refs
from git_orch.repo.git import Git
from git_orch.repo.log import catalog, log
from git_orch.repo.worktree import worktrees


def settle(plan: OpenPlan, *, put_away: bool = False) -> None:
    """Finish or drop moves of this clone that were cut off, then notice what the user did to the
    branch.

    Raises Busy when the branch is being rebased, was moved while a move of ours was cut off or,
    unless the plan is to be `put_away`, was deleted.
    """
    _refuse_rebasing(plan)
    clone = log.clone_id(plan.repository)
    for move in plan.status().pending_moves:
        if move.clone != clone:
            continue
        if move.ref == plan.ref:  # a log that came from elsewhere moves nothing but its branch
            _settle_move(plan, move)
        else:
            _settle_landing(plan, move)
    status = plan.status()
    if status.branch is None and not status.plan.steps:
        return  # an idea has no branch
    if not (put_away and (status.branch is None or status.archived is not None)):
        notice(plan, status)


def finish_archiving(plan: OpenPlan) -> None:
    """Put away a plan whose log says that this clone was about to.

    Raises Refused then, for whatever was to be done with it, and for one that is archived, by
    whichever clone.
    """
    if plan.log.tip is None:
        for archived in catalog.archived_statuses(plan.repository, plan.objects, plan.id):
            _refuse_archived(archived)
    status = plan.status()
    if status.archived is not None:
        if status.archived.clone == log.clone_id(plan.repository):
            from git_orch.flow.branch import (
                archive,  # rarely: only a kill in the middle of it leads here
            )

            archive.finish(plan)
        _refuse_archived(status)


def _refuse_archived(status: Status) -> None:
    from git_orch.flow.branch import archive

    archive.refuse_archived(status)


def _refuse_rebasing(plan: OpenPlan) -> None:
    """Raises Busy in the middle of a rebase: what is on the branch meanwhile is not the user's last
    word.
    """
    place = worktrees.checkout_of(plan.repository, plan.ref)
    if place is None or ask.rebased_branch(place) is None:
        return
    try:
        named = (place / "gitdir").read_text("utf-8", "surrogateescape").strip()
        where = Path(os.path.normpath(place / named)).parent
    except FileNotFoundError:  # the main worktree has no such pointer; git lists it first
        listed = plan.repository.git.run("worktree", "list", "--porcelain", "-z")
        where = Path(os.fsdecode(listed.partition(b"\0")[0].removeprefix(b"worktree ")))
    raise errors.Busy(
        f"'orch/{plan.id}' is being rebased in {sentences.quoted(where)}",
        f"git -C {shlex.quote(str(where))} rebase --continue  # or --abort",
    )


def _settle_move(plan: OpenPlan, move: Move) -> None:
    if moves.has_happened(plan.repository, move):
        moves.confirm(plan, move, move.new)
        return
    tip = refs.value(plan.repository, move.ref)
    if tip == move.old and plan.objects.read_many([move.new])[0] is not None:
        if not _index_went_ahead(plan, move):
            if target.put_back(plan.repository, move):
                _give_up(plan, move)
                return
            plan.refuse_checked_out()
        refs.move(
            plan.repository,
            move.ref,
            old=move.old,
            new=move.new,
            reason=moves.reason(move.why),
        )
        moves.confirm(plan, move, move.new)
        plan.reporter.emit(Note(f"finished an interrupted command: {move.why}"))
        return
    plan.abandon(move)
    if tip == move.old:
        plan.reporter.emit(
            Note(
                f"cannot finish an interrupted command, its commit was garbage-collected: {move.why}"
            )
        )
    elif tip is not None:
        raise errors.Busy(
            f"the branch of '{plan.name}' was moved while '{move.why}' was interrupted; its result is kept",
            f"git orch exec {plan.name}",
        )


def _index_went_ahead(plan: OpenPlan, move: Move) -> bool:
    """Whether the branch is checked out with the index of its new tip: a step in place was cut off
    as it landed.
    """
    place = worktrees.checkout_of(plan.repository, plan.ref)
    if place is None or move.old is None:
        return False
    git = Git(worktrees.git_dir_of(plan.repository, place), place, plan.repository.variables)
    look = ("diff-index", "--cached", "--quiet")
    return [
        git.finished(*look, oid, "--", expect=(0, 1)).status for oid in (move.old, move.new)
    ] == [1, 0]


def _settle_landing(plan: OpenPlan, move: Move) -> None:
    """A move of a branch of the user's was made or not; it is never made here."""
    if target.is_done(plan.repository, move):
        moves.confirm(plan, move, plan.home)
        return
    if target.put_back(plan.repository, move):
        _give_up(plan, move)
        return
    moves.abandon(plan, move.id)
    name = plan.name
    plan.reporter.emit(
        Note(f"'{move.why}' of {name} was interrupted before it changed anything: run it again")
    )


def _give_up(plan: OpenPlan, move: Move) -> None:
    """Write down that a move did not happen, of which git had written some files."""
    moves.abandon(plan, move.id)
    plan.reporter.emit(
        Note(
            f"'{move.why}' of {plan.name} was interrupted; its half-written files "
            "are removed from the checkout: run it again"
        )
    )
