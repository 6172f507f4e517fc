"""Rollback is a ref reset: the plan branch goes back to where a step left it; what it leaves is
kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from git_orch import errors
from git_orch.flow.branch import conflict, rewrite
from git_orch.flow.move import Change, Entry
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import ids, sentences
from git_orch.plans.history import life
from git_orch.plans.history.status import SATISFIED, Commit, MoveKind, Status
from git_orch.repo.chain import Chain
from git_orch.repo.objects.objects import Written
from git_orch.repo.worktree import worktrees
from git_orch.repo.worktree.conflict_record import Operation


@dataclass(frozen=True, slots=True)
class Moved:
    """The outcome of a rollback: the old and the new tip, and the steps that are not done any more.

    `cut` are the commits that were taken off, `replayed` those of the user's own that stand on the
    new tip as new ones.
    """

    old: str
    new: str
    steps: tuple[int, ...]
    replayed: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class How:
    """The options of a rollback: `in_checkout` also where the branch is checked out,
    `keep_users_own` replays the user's own commits on the target, `dry_run` moves nothing.
    """

    in_checkout: bool = False
    keep_users_own: bool = False
    dry_run: bool = False


def roll_back(plan: OpenPlan, to_step: int | None, how: How | None = None) -> Moved | None:
    """Move the branch to where step `to_step` left it (None: to the cover commit); None when it is
    there already.

    Raises NotFound for an unknown step, Refused when commits that are not the plan's would be cut
    off.
    """
    status = plan.status()
    if status.branch is None or not status.branch.commits:
        return None
    where = f"to step {to_step}" if to_step is not None else "to the start"
    return _to(plan, status, _target(status, to_step), f"rollback {where}", how or How())


def roll_back_last(plan: OpenPlan, count: int, how: How | None = None) -> Moved | None:
    """Take the last `count` steps on the branch back. Raises NotFound when there are not so many."""
    status = plan.status()
    commits = status.branch.commits if status.branch is not None else ()
    claiming = [place for place, commit in enumerate(commits) if _claims(commit, plan.id)]
    if count > len(claiming):
        raise errors.NotFound(
            f"the branch has {sentences.count(len(claiming), 'step')}, not {count}",
            f"git orch show {plan.name}",
        )
    target = commits[claiming[-count] - 1] if claiming[-count] > 0 else None
    if target is None:
        raise errors.Refused(
            "the branch has no cover commit to go back to", f"git log orch/{plan.id}"
        )
    return _to(plan, status, target, f"rollback by {sentences.count(count, 'step')}", how or How())


def roll_back_again(plan: OpenPlan, operation: Operation) -> Moved | None:
    """Run a rollback again whose conflict a person has resolved. Raises Refused where the branch
    has left the commit that it goes back to.
    """
    status = plan.status()
    commits = status.branch.commits if status.branch is not None else ()
    target = next((commit for commit in commits if commit.oid == operation.onto), None)
    if target is None:
        raise errors.Refused(
            f"the branch has {operation.onto[:10]} no more, to which it was to go back",
            f"git orch done --abort {plan.name}",
        )
    step = next((step.number for step in status.steps if step.commit == target), None)
    where = f"to step {step}" if step is not None else "to the start"
    how = How("checkout" in operation.flags, keep_users_own=True)
    return _to(plan, status, target, f"rollback {where}", how)


def roll_back_run(plan: OpenPlan, tip: str) -> Moved | None:
    """Move the branch back to where it was when a run began; None when the run has moved nothing."""
    status = plan.status()
    commits = status.branch.commits if status.branch is not None else ()
    target = next((commit for commit in commits if commit.oid == tip), None)
    return (
        None if target is None else _to(plan, status, target, "rollback after a failed run", How())
    )


def _to(plan: OpenPlan, status: Status, target: Commit, why: str, how: How) -> Moved | None:
    branch = status.branch
    if branch is None or target.oid == branch.tip:
        return None
    cut = branch.commits[branch.commits.index(target) + 1 :]
    theirs = [commit for commit in cut if not _claims(commit, status.id)]
    if not how.keep_users_own:
        _refuse_foreign(plan, theirs, target)
    elif theirs == list(cut):
        return None
    gone = tuple(step.number for step in status.steps if step.commit in cut)
    chain = _replay(plan, status, theirs, target, how)
    moved = Moved(
        branch.tip,
        chain.tip,
        gone,
        tuple(chain.became.values()),
        tuple(commit.oid for commit in cut),
    )
    if how.dry_run:
        return moved
    left = any(step.state in SATISFIED and step.commit not in cut for step in status.steps)
    event = plan.event(
        "plan.rolled-back", **{"from": branch.tip, "to": chain.tip, "full": not left}
    )
    plan.keep([branch.tip], "a tip that was rolled back")
    change = Change(MoveKind.ROLLBACK, plan.ref, branch.tip, chain.tip, why)
    move_to(plan, change, [(plan.home, event)], chain.written, in_checkout=how.in_checkout)
    conflict.forget_settled(plan)
    return moved


def _replay(
    plan: OpenPlan, status: Status, theirs: list[Commit], target: Commit, how: How
) -> Chain:
    """Pick the user's own commits onto the target. Raises Conflict, which names a worktree in which
    a person may resolve it.
    """
    if how.dry_run:
        return rewrite.pick_onto(plan, status, theirs, target.oid)
    flags = ("keep-user-commits", "checkout") if how.in_checkout else ("keep-user-commits",)
    with conflict.offering(plan, Operation("rollback", target.oid, flags)):
        return rewrite.pick_onto(plan, status, theirs, target.oid)


def _claims(commit: Commit, plan: str) -> bool:
    return any(claim.plan == plan for claim in commit.message.claims)


def _target(status: Status, to_step: int | None) -> Commit:
    commits = status.branch.commits if status.branch is not None else ()
    if to_step is None:
        first = commits[0]
        if first.message.cover_of != status.id:
            raise errors.Refused(
                "the branch has no cover commit to go back to",
                f"git branch -f orch/{status.id} {status.base.commit or first.oid}",
            )
        return first
    commit = life.numbered_step(status, to_step).commit
    if commit is None:
        raise errors.Refused(
            f"step {to_step} is not done: there is nothing to go back to",
            f"git orch show {ids.short(status.id)}",
        )
    return commit


def _refuse_foreign(plan: OpenPlan, theirs: list[Commit], target: Commit) -> None:
    """Commits without a claim of this plan are the user's own: they are never cut off silently."""
    if theirs:
        names = ", ".join(commit.oid[:10] for commit in theirs)
        again = f"git orch rollback {plan.name}"
        where = next(
            (f" --to-step {step.number}" for step in plan.status().steps if step.commit == target),
            "",
        )
        raise errors.Refused(
            f"rolling back would take your own commits off the branch: {names}",
            f"{again}{where} --keep-user-commits"
            if all(len(commit.parents) < 2 for commit in theirs)  # a merge cannot be replayed
            else f"git branch -f orch/{plan.id} {target.oid[:12]}  # cuts them off, and git-orch keeps them",
        )


def move_to(
    plan: OpenPlan,
    change: Change,
    entries: Sequence[Entry],
    written: Written,
    *,
    in_checkout: bool,
) -> None:
    """Move the plan branch to where it may have been before; with `in_checkout` also where it is
    checked out.
    """
    place = worktrees.checkout_of(plan.repository, plan.ref) if in_checkout else None
    if place is not None:
        plan.move_checked_out(place, change, entries)
        return
    old, new, why, kind = change.old, change.new, change.why, change.kind
    plan.move(old, new, why, entries, kind=kind, written=written, marks=change.marks)
