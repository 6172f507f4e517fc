"""Rollback is a ref reset: the plan branch goes back to where a step left it; what it leaves is kept."""

from __future__ import annotations

from dataclasses import dataclass

from git_orch import errors
from git_orch.flow import rewriting
from git_orch.flow.openplan import Entry, OpenPlan
from git_orch.plans import ids
from git_orch.plans.status import SATISFIED, Commit, Status
from git_orch.repo import catalog, worktrees
from git_orch.repo.objects import Written

_REVERSIBLE = ("rollback", "drop", "reorder", "rebase", "redo")  # what an undo takes back, by the reason of the move


@dataclass(frozen=True, slots=True)
class Moved:
    """What a rollback did: from where to where, and the steps that are not done any more.

    `replayed` are the user's own commits that stand on the new tip as new ones.
    """

    old: str
    new: str
    steps: tuple[int, ...]
    replayed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class How:
    """How to roll back: `in_checkout` also where the branch is checked out, `keep_users_own` replays the user's own
    commits on the target, `dry_run` moves nothing.
    """

    in_checkout: bool = False
    keep_users_own: bool = False
    dry_run: bool = False


def roll_back(plan: OpenPlan, to_step: int | None, how: How | None = None) -> Moved | None:
    """Move the branch to where step `to_step` left it (None: to the cover commit); None when it is there already.

    Raises NotFound for an unknown step, Refused when commits that are not the plan's would be cut off.
    """
    status = plan.status()
    if status.branch is None or not status.branch.commits:
        return None
    where = f"to step {to_step}" if to_step is not None else "to the start"
    return _to(plan, status, _target(status, to_step), (f"rollback {where}", how or How()))


def roll_back_last(plan: OpenPlan, count: int, how: How | None = None) -> Moved | None:
    """Take the last `count` steps on the branch back. Raises NotFound when there are not so many."""
    status = plan.status()
    commits = status.branch.commits if status.branch is not None else ()
    claiming = [place for place, commit in enumerate(commits) if _claims(commit, plan.id)]
    if count > len(claiming):
        raise errors.NotFound(
            f"the branch has {len(claiming)} steps, not {count}", f"git orch show {ids.short(plan.id)}"
        )
    target = commits[claiming[-count] - 1] if claiming[-count] > 0 else None
    if target is None:
        raise errors.Refused("the branch has no cover commit to go back to", f"git log orch/{plan.id}")
    return _to(plan, status, target, (f"rollback of the last {count}", how or How()))


def roll_back_run(plan: OpenPlan, tip: str) -> Moved | None:
    """Move the branch back to where it was when a run began; None when the run has moved nothing."""
    status = plan.status()
    commits = status.branch.commits if status.branch is not None else ()
    target = next((commit for commit in commits if commit.oid == tip), None)
    return None if target is None else _to(plan, status, target, ("rollback of a failed run", How()))


def _to(plan: OpenPlan, status: Status, target: Commit, why_and_how: tuple[str, How]) -> Moved | None:
    why, how = why_and_how
    branch = status.branch
    if branch is None or target.oid == branch.tip:
        return None
    cut = branch.commits[branch.commits.index(target) + 1 :]
    theirs = [commit for commit in cut if not _claims(commit, status.id)]
    if not how.keep_users_own:
        _refuse_foreign(plan, theirs, target)
    gone = tuple(each.number for each in status.steps if each.commit in cut)
    chain = rewriting.picked(plan, status, theirs, target.oid)
    moved = Moved(branch.tip, chain.tip, gone, tuple(new for _, new in chain.commits))
    if how.dry_run:
        return moved
    left = any(each.state in SATISFIED and each.commit not in cut for each in status.steps)
    event = plan.event("plan.rolled-back", **{"from": branch.tip, "to": chain.tip, "full": not left})
    plan.keep([branch.tip], "a tip that was rolled back")
    _move(plan, (branch.tip, chain.tip, why), (plan.home, event), how, chain.written)
    return moved


def undo(plan: OpenPlan, how: How | None = None) -> Moved:
    """Take back the last rollback, drop, reorder, rebase or redo.

    Raises Refused when the branch has moved on since, or none of these was last.
    """
    status, how = plan.status(), how or How()
    last = status.last_move
    if last is None or not last.why.startswith(_REVERSIBLE) or last.old is None:
        raise errors.Refused("what moved the branch last was no rollback", f"git orch log {ids.short(plan.id)}")
    verb = last.why.split()[0]
    if status.branch is None or status.branch.tip != last.new:
        raise errors.Refused(
            f"the branch has moved on since the {verb}", f"git log --oneline {last.old[:12]} orch/{plan.id}"
        )
    if plan.objects.read_many([last.old])[0] is None:
        raise errors.NotFound(f"commit '{last.old[:12]}' is gone", f"git orch exec {ids.short(plan.id)}")
    then = catalog.status(plan.repository, plan.objects, plan.id, plan.log.log, last.old)
    steps = tuple(each.number for each in then.steps if each.step.id in then.satisfied() - status.satisfied())
    moved = Moved(last.new, last.old, steps)
    if how.dry_run:
        return moved
    plan.keep([last.new], f"the branch before the {verb} was taken back")
    if verb == "rebase":
        _restore_base(plan, status)
    event = plan.event("plan.restored", **{"from": last.new, "to": last.old})
    _move(plan, (last.new, last.old, f"undo {verb}"), (plan.home, event), how, Written(plan.objects))
    plan.home_at_cover(plan.status())
    return moved


def _restore_base(plan: OpenPlan, status: Status) -> None:
    """The base that the log named before the last rebase."""
    named = [event for event in status.log.events if event.name in ("plan.created", "plan.rebased")]
    if len(named) > 1:
        plan.record((plan.home, plan.event("plan.rebased", base=named[-2].body.get("base"))))


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


def _refuse_foreign(plan: OpenPlan, theirs: list[Commit], target: Commit) -> None:
    """Commits without a claim of this plan are the user's own: they are never cut off silently."""
    if theirs:
        names = ", ".join(commit.oid[:10] for commit in theirs)
        where = next((f" --to-step {each.number}" for each in plan.status().steps if each.commit == target), "")
        raise errors.Refused(
            f"commits of yours are on the branch and would be cut off: {names}",
            f"git orch rollback {ids.short(plan.id)}{where} --keep-user-commits",
        )


def _move(plan: OpenPlan, move: tuple[str, str, str], entry: Entry, how: How, written: Written) -> None:
    old, new, why = move
    place = worktrees.checkout_of(plan.repository, plan.ref) if how.in_checkout else None
    if place is None:
        plan.move(old, new, why, [entry], written=written)
    else:
        plan.move_checked_out(place, old, new, why, [entry])
