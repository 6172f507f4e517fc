"""Rollback is a ref reset: the plan branch goes back to where a step left it; what it leaves is kept."""

from __future__ import annotations

from dataclasses import dataclass

from git_orch import errors
from git_orch.flow.openplan import Entry, OpenPlan
from git_orch.plans import ids
from git_orch.plans.status import SATISFIED, Commit, Status
from git_orch.repo import worktrees


@dataclass(frozen=True, slots=True)
class Moved:
    """What a rollback did: from where to where, and the steps that are not done any more."""

    old: str
    new: str
    steps: tuple[int, ...]


def roll_back(plan: OpenPlan, to_step: int | None, *, in_checkout: bool = False) -> Moved | None:
    """Move the branch to where step `to_step` left it (None: to the cover commit); None when it is there already.

    Raises NotFound for an unknown step, Refused when commits that are not the plan's would be cut off.
    """
    status = plan.status()
    branch = status.branch
    if branch is None or not branch.commits:
        return None
    target = _target(status, to_step)
    if target.oid == branch.tip:
        return None
    cut = branch.commits[branch.commits.index(target) + 1 :]
    _refuse_foreign(plan, status, cut, target)
    gone = tuple(each.number for each in status.steps if each.commit in cut)
    left = any(each.state in SATISFIED and each.commit not in cut for each in status.steps)
    event = plan.event("plan.rolled-back", **{"from": branch.tip, "to": target.oid, "full": not left})
    plan.keep([branch.tip], "a tip that was rolled back")
    where = f"to step {to_step}" if to_step is not None else "to the start"
    _move(plan, branch.tip, target.oid, f"rollback {where}", (plan.home, event), in_checkout=in_checkout)
    return Moved(branch.tip, target.oid, gone)


def undo(plan: OpenPlan, *, in_checkout: bool = False) -> Moved:
    """Take back the last rollback. Raises Refused when the branch has moved on since, or nothing was rolled back."""
    status = plan.status()
    last = status.last_move
    if last is None or not last.why.startswith("rollback") or last.old is None:
        raise errors.Refused("what moved the branch last was no rollback", f"git orch log {ids.short(plan.id)}")
    if status.branch is None or status.branch.tip != last.new:
        raise errors.Refused(
            "the branch has moved on since the rollback", f"git log --oneline {last.old[:12]} orch/{plan.id}"
        )
    if plan.objects.read_many([last.old])[0] is None:
        raise errors.NotFound(f"commit '{last.old[:12]}' is gone", f"git orch exec {ids.short(plan.id)}")
    event = plan.event("plan.restored", **{"from": last.new, "to": last.old})
    _move(plan, last.new, last.old, "undo rollback", (plan.home, event), in_checkout=in_checkout)
    now = plan.status()
    back = now.satisfied() - status.satisfied()
    return Moved(last.new, last.old, tuple(each.number for each in now.steps if each.step.id in back))


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
    if not 1 <= to_step <= len(status.steps):
        raise errors.NotFound(
            f"there is no step {to_step}: the plan has {len(status.steps)}", f"git orch show {ids.short(status.id)}"
        )
    commit = status.steps[to_step - 1].commit
    if commit is None:
        raise errors.Refused(
            f"step {to_step} is not done: there is nothing to go back to", f"git orch show {ids.short(status.id)}"
        )
    return commit


def _refuse_foreign(plan: OpenPlan, status: Status, cut: tuple[Commit, ...], target: Commit) -> None:
    """Commits without a claim of this plan are the user's own: they are never cut off silently."""
    theirs = [commit for commit in cut if not any(claim.plan == status.id for claim in commit.message.claims)]
    if theirs:
        names = ", ".join(commit.oid[:10] for commit in theirs)
        raise errors.Refused(
            f"commits of yours are on the branch and would be cut off: {names}",
            f"git branch my-commits-{theirs[-1].oid[:7]} orch/{plan.id} && "
            f"git branch -f orch/{plan.id} {target.oid[:12]}",
        )


def _move(plan: OpenPlan, old: str, new: str, why: str, entry: Entry, *, in_checkout: bool) -> None:
    place = worktrees.checkout_of(plan.repository, plan.ref) if in_checkout else None
    if place is None:
        plan.move(old, new, why, [entry])
    else:
        plan.move_checked_out(place, old, new, why, [entry])
