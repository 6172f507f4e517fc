"""Rewriting a plan branch: dropping, reordering and redoing steps, and putting all of them onto
another base.

The whole new branch is built in memory, and the checks of every step whose tree has changed run on
it. Only then the branch moves, once: it never stands half-way, and a failure leaves everything as
it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from git_orch import errors
from git_orch.flow.approval import required
from git_orch.flow.approval.ground import approve_again, reaches_checks
from git_orch.flow.attempt import checks, prepare, verify
from git_orch.flow.branch import conflict
from git_orch.flow.branch.conflict import CheckFailed, Resolutions, Stopped
from git_orch.flow.move import Entry
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import base, edit
from git_orch.flow.reports import CheckEnded, Note
from git_orch.plans import approval, ids, sentences
from git_orch.plans.document import Document
from git_orch.plans.history import life
from git_orch.plans.history.status import (
    SATISFIED,
    Base,
    Branch,
    Commit,
    MoveKind,
    PlanState,
    Status,
    StepStatus,
)
from git_orch.repo import tree_records
from git_orch.repo.chain import Chain
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.merges import Conflicting
from git_orch.repo.objects.objects import Written
from git_orch.repo.worktree.conflict_record import Operation, Stop

_NAMED = 3  # paths of a conflict that a message names


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The outcome of a rewrite: the old and the new tip, the steps whose checks ran again, and the
    ID of the move.
    """

    old: str
    new: str
    verified: tuple[int, ...] = ()
    move: str = ""


# -- drop, reorder, rebase -------------------------------------------------------------------------


def drop(plan: OpenPlan, number: int) -> Rewritten:
    """Take one step's commit out of the middle. Raises Refused when a done step needs it; Conflict
    and StepFailed, which name a worktree in which a person may resolve it.
    """
    status, branch, step, commit = step_to_rewrite(plan, number)
    needing = [
        other
        for other in status.steps
        if step.id in other.step.depends_on and other.state in SATISFIED
    ]
    if needing:
        first = f"git orch drop {ids.short(plan.id)} {needing[-1].number}"
        raise errors.Refused(
            f"step {number} is needed by {sentences.steps(other.number for other in needing)}",
            first,
        )
    with conflict.offering(plan, Operation("drop", steps=(step.id,))):
        chain = pick_onto(plan, status, after(branch, commit), commit.parents[0])
        return move_branch(plan, status, chain, MoveKind.DROP, f"drop step {number}")


def reorder(plan: OpenPlan, numbers: Sequence[int]) -> Rewritten | None:
    """Put the steps into another order, in the plan's text and on the branch; None when only the
    text changes.

    A plan that is complete keeps the numbers of its steps: only its commits change places. Raises
    Refused; Conflict and StepFailed, which name a worktree in which a person may resolve it.
    """
    status = plan.status()
    steps = [status.steps[number - 1].step for number in numbers]
    seen: set[str] = set()
    for step in steps:
        missing = [need for need in step.depends_on if need not in seen]
        if missing:
            needed = status.plan.position(missing[0])
            raise errors.Refused(
                f"step {status.plan.position(step.id)} needs step {needed}, which would come after it",
                f"git orch graph {ids.short(plan.id)}",
            )
        seen.add(step.id)
    order = [step.id for step in steps]
    with conflict.offering(plan, Operation("reorder", steps=tuple(order))):
        done = _reorder_commits(plan, status, order)
    if plan.status().state is not PlanState.COMPLETE:
        part = edit.Undo({"part_of": done.move}) if done is not None else None
        new = status.plan._replace(steps=tuple(steps))
        edit.revise(plan, status.plan, new, estimate(status), part)
    return done


def estimate(status: Status) -> Document:
    """The estimate of a plan as an event stores it. Another order of the steps does not change it."""
    amounts = status.estimate._asdict() if status.estimate is not None else {}
    return {name: value for name, value in amounts.items() if value is not None}


def _reorder_commits(plan: OpenPlan, status: Status, order: list[str]) -> Rewritten | None:
    """The commits in the order of their steps; commits of the user's own stay behind the one that
    they stand on.
    """
    branch = status.branch
    commits = branch.commits if branch is not None else ()
    if len(commits) < 2 or commits[0].message.cover_of != plan.id:
        return None
    groups: list[tuple[int, list[Commit]]] = []
    for commit in commits[1:]:
        steps = [claim.step for claim in commit.message.claims if claim.plan == plan.id]
        # A commit that claims only steps that the plan lacks counts as the user's own.
        claimed = [order.index(step) for step in steps if step in order]
        if claimed or not groups:
            groups.append((min(claimed, default=-1), [commit]))
        else:
            groups[-1][1].append(commit)
    ordered = [
        commit for _, group in sorted(groups, key=lambda group: group[0]) for commit in group
    ]
    if ordered == list(commits[1:]):
        return None
    chain = pick_onto(plan, status, ordered, commits[0].oid)
    return move_branch(plan, status, chain, MoveKind.REORDER, "reorder")


def rebase(plan: OpenPlan, new: Base) -> Rewritten | None:
    """Put the whole plan onto another base; None when it is there. Raises Conflict, with every step
    that conflicts, and StepFailed; either names a worktree in which a person may resolve it.
    """
    status = plan.status()
    branch = _branch(plan, status)
    if new.commit == branch.base and new.ref in (None, status.base.ref):
        return None
    if status.base.snapshot:
        plan.reporter.emit(
            Note("the new base lacks the uncommitted files that the plan began with")
        )
    written = Written(plan.objects)
    cover = base.write_cover(written, plan.identity, plan.id, status.plan, new)
    own = branch.commits[1:] if branch.commits[0].message.cover_of == plan.id else branch.commits
    rebased = (cover, plan.event("plan.rebased", base=base.document(new)))
    why = f"rebase to {(new.commit or '')[:10]}"
    try:
        with conflict.offering(plan, Operation("rebase", new.ref or new.commit or "")):
            chain = pick_onto(plan, status, own, cover, written)
            done = move_branch(plan, status, chain, MoveKind.REBASE, why, [rebased])
    except errors.Busy:  # the log may name the new base already
        plan.record((plan.home, plan.event("plan.rebased", base=base.document(status.base))))
        raise
    plan.home_at_cover(plan.status())
    return done


# -- what they have in common ----------------------------------------------------------------------


def step_to_rewrite(plan: OpenPlan, number: int) -> tuple[Status, Branch, StepStatus, Commit]:
    """A step that is on the branch, alone in its commit. Raises NotFound, Refused."""
    status = plan.status()
    name = ids.short(plan.id)
    branch = _branch(plan, status)
    step = life.numbered_step(status, number)
    if step.commit is None or step.state not in SATISFIED:
        raise errors.Refused(
            f"step {number} is not done: it is {step.state.value}", f"git orch exec {name}"
        )
    if len({claim.step for claim in step.commit.message.claims if claim.plan == plan.id}) > 1:
        raise errors.Refused(
            f"commit {step.commit.oid[:10]} holds more than step {number}: it was squashed",
            f"git show {step.commit.oid[:10]}",
        )
    if not step.commit.parents:
        raise errors.Refused(f"step {number} is the first commit of all", f"git orch show {name}")
    return status, branch, step, step.commit


def after(branch: Branch, commit: Commit) -> tuple[Commit, ...]:
    """The commits that stand on this one."""
    return branch.commits[branch.commits.index(commit) + 1 :]


def _branch(plan: OpenPlan, status: Status) -> Branch:
    name = ids.short(plan.id)
    if status.branch is None:
        raise errors.Refused(f"'{name}' has no branch", f"git orch show {name}")
    if not status.branch.commits:
        raise errors.Refused(f"no step of '{name}' is done", f"git orch exec {name}")
    plan.refuse_checked_out()
    return status.branch


def pick_onto(
    plan: OpenPlan,
    status: Status,
    commits: Sequence[Commit],
    onto: str,
    written: Written | None = None,
) -> Chain:
    """The commits one after the other on `onto`, in memory; what conflicted before is picked as it
    was resolved. Raises Stopped, which names every step that conflicts.
    """
    chain = Chain(plan.repository, plan.identity, written or Written(plan.objects), onto)
    conflicts: list[tuple[Commit, tuple[Conflicting, ...]]] = []
    first: Stop | None = None
    resolutions = Resolutions(plan)
    for commit in commits:
        if len(commit.parents) > 1:
            raise errors.Refused(
                f"commit {commit.oid[:10]} on the branch is a merge of yours, which cannot be picked",
                f"git show {commit.oid[:10]}",
            )
        picked = resolutions.pick(chain, commit.oid)
        if picked.conflicts:
            conflicts.append((commit, picked.conflicts))
            first = first or Stop("pick", chain.tip, commit.oid, commit.oid)
    if first is not None:
        raise Stopped(_cause(status, conflicts), _look(conflicts), first, chain.written)
    chain.written.flush()  # worktrees are made of it, to run checks in
    return chain


def _cause(status: Status, conflicts: Sequence[tuple[Commit, tuple[Conflicting, ...]]]) -> str:
    parts = []
    for commit, paths_at_fault in conflicts:
        numbers = [step.number for step in status.steps if step.commit == commit]
        whose = f"step {numbers[0]}" if numbers else f"your commit {commit.oid[:10]}"
        paths = list(dict.fromkeys(conflict.path for conflict in paths_at_fault))
        parts.append(f"{whose} conflicts in {sentences.paths(paths, _NAMED)}")
    return f"branch unchanged: {'; '.join(parts)}"


def _look(conflicts: Sequence[tuple[Commit, tuple[Conflicting, ...]]]) -> str:
    return f"git show {conflicts[0][0].oid[:10]}"


def move_branch(
    plan: OpenPlan,
    status: Status,
    chain: Chain,
    kind: MoveKind,
    why: str,
    entries: Sequence[Entry] = (),
) -> Rewritten:
    """Verify what has another tree now, keep the old tip and move the branch.

    Raises StepFailed, and Busy where the branch is not any more where `status` has it; then nothing
    moves.
    """
    old = status.branch.tip if status.branch is not None else ""
    _extend_ground(plan, status, chain)
    verified = _verify(plan, status, chain)
    plan.keep([old], f"the branch before '{why}'")
    tree_records.add(
        plan.place,
        verified=[
            (step.step.id, approval.step_digest(step.step), tree)
            for step, _, tree in verified
            if step.step.checks or step.step.id not in status.unverified_here
        ],
    )
    verified_events = [
        (oid, plan.event("step.verified", step=step.id, tree=tree)) for step, oid, tree in verified
    ]
    rewritten = (plan.home, plan.event("plan.rewritten", why=why, **{"from": old, "to": chain.tip}))
    entries = [*entries, *verified_events, rewritten]
    move = plan.move(old, chain.tip, why, entries, kind=kind, written=chain.written)
    conflict.forget_settled(plan)
    checked = tuple(step.number for step, _, _ in verified if step.step.checks)
    return Rewritten(old, chain.tip, checked, move)


def _extend_ground(plan: OpenPlan, status: Status, chain: Chain) -> None:
    """Let the grants of an approval hold on the new trees, where they held on all that those are
    made of.
    """
    ground = required.recorded_ground(plan, status)
    if ground is None:
        return
    tree_before = odb.commit(chain.written, chain.start).tree
    for old, new in chain.became.items():
        picked, tree = odb.commit(chain.written, old), odb.commit(chain.written, new).tree
        below = [odb.commit(chain.written, parent).tree for parent in picked.parents]
        ground.extend(tree, picked.tree, tree_before, *below)
        tree_before = tree


def _verify(plan: OpenPlan, status: Status, chain: Chain) -> list[tuple[StepStatus, str, str]]:
    """Run the checks of every step whose commit has another tree now; gives these steps with commit
    and tree. Where they would run beside what was granted for other trees, they do not run.
    """
    changed = []
    commits = status.branch.commits if status.branch is not None else ()
    by_oid = {commit.oid: commit for commit in commits}
    for old, oid in chain.became.items():
        before = by_oid[old]
        tree = odb.commit(chain.written, oid).tree
        steps = [step for step in status.steps if step.commit == before]
        changed += [(step, oid, tree) for step in steps if tree != before.tree]
    if any(step.step.checks for step, _, _ in changed):
        grant = required.require_approval(plan, status)
        trees = [tree for _, _, tree in changed]
        if reaches_checks(grant) and not all(map(grant.ground.holds_on, trees)):
            verify = f"git orch verify {ids.short(plan.id)} --tip --record"
            plan.reporter.emit(
                Note(
                    "the checks did not run: nobody here has approved the new tree; "
                    f"then, if it is good: {approve_again(status, grant)} && {verify}"
                )
            )
            return [(step, oid, tree) for step, oid, tree in changed if not step.step.checks]
        # git makes worktrees only of what a ref holds
        plan.keep([chain.tip], "a rewritten branch that was verified")
        with prepare.bench(plan) as bench:
            for step, oid, tree in changed:
                stage = bench.stage(oid, tree)
                for result in checks.sequence(step.step.verification, stage, plan.new_id()):
                    plan.reporter.emit(CheckEnded(step.number, result))
                    if not result.passed:
                        command = sentences.command(result.command)
                        below = odb.commit(chain.written, oid).parents[0]
                        old = next(old for old, new in chain.became.items() if new == oid)
                        raise CheckFailed(
                            f"branch unchanged: check {command} of step {step.number} "
                            f"{result.reason} on the new branch, which is kept as {chain.tip[:10]}",
                            f"git show {chain.tip[:10]}",
                            Stop("mend", below, old, oid),
                            chain.written,
                        )
    return [entry for entry in changed if _is_reviewed(plan, *entry[:2])]


def _is_reviewed(plan: OpenPlan, step: StepStatus, oid: str) -> bool:
    """Whether models have judged the change that a commit makes, or need not: nobody is asked."""
    try:
        results = verify.review(plan, step, step.step, oid, verify.Terms(), "")
    except errors.Refused:
        results = ()
    passed = len(results) == len(step.step.reviews) and all(result.passed for result in results)
    if not passed:
        again = f"git orch verify {ids.short(plan.id)} {step.number} --record"
        what = f"step {step.number} has changed since its review"
        plan.reporter.emit(Note(f"{what}; to have it reviewed: {again}"))
    return passed


def report(plan: OpenPlan, done: Rewritten) -> None:
    """Report the move, and the old tip that is kept."""
    again = f"; checked again: {sentences.steps(done.verified)}" if done.verified else ""
    plan.reporter.emit(
        Note(
            f"branch moved from {done.old[:10]} to {done.new[:10]}{again}; {done.old[:10]} is kept"
        )
    )
