"""Picking: commits of steps go onto another branch, in memory where they fit.

Where they do not, and the branch is checked out, `git cherry-pick` is started there, so that its
user can resolve it; a local file remembers whose pick that is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from git_orch import errors
from git_orch.flow.branch import conflict, land, opening, pick_by_hand
from git_orch.flow.branch import target as targets
from git_orch.flow.branch.conflict import Stopped
from git_orch.flow.branch.land import Built
from git_orch.flow.branch.pick_by_hand import Picked, Record
from git_orch.flow.branch.target import Checkout, Consequence, Target
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import ids, sentences
from git_orch.plans.history.status import SATISFIED, MoveKind, Status, StepState, StepStatus
from git_orch.repo import refs
from git_orch.repo.chain import Chain
from git_orch.repo.log import upstream
from git_orch.repo.objects import merges
from git_orch.repo.objects.objects import Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.repo.worktree.conflict_record import Operation, Stop


@dataclass(frozen=True, slots=True)
class _Work:
    """Steps about to be picked: in the order of their commits on the plan branch, and where they
    go; with `force` also without those that they need.
    """

    plan: OpenPlan
    status: Status
    steps: tuple[StepStatus, ...]
    target: Target
    old: str
    force: bool

    @property
    def name(self) -> str:
        return ids.short(self.plan.id)

    def commits(self) -> list[str]:
        """The commits to pick; one that claims several steps comes once."""
        return list(
            dict.fromkeys(step.commit.oid for step in self.steps if step.commit is not None)
        )


def pick(
    plan: OpenPlan,
    numbers: Sequence[int],
    onto: str | None,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Picked | None:
    """Put the commits of these steps onto a branch, by default the one the user is on; None when
    they are there.

    Raises Refused for a step that is not done or, without `force`, whose dependencies are not
    there; Busy when files are in the way; Conflict, with the pick begun in the checkout that has
    the branch, or else in a worktree that the error names.
    """
    status = plan.status()
    chosen = [_done(status, number) for number in numbers]
    target = targets.find(plan.repository, onto or targets.here(plan.repository))
    if target.tip is None:
        raise errors.Refused(
            f"{sentences.quoted(target.name)} has no commit yet",
            f"git orch land --onto {target.typed} {plan.name}",
        )
    there = (
        upstream.landed_commits(plan.place, status.branch, target.tip)
        if status.branch is not None
        else {}
    )
    already = [step for step in chosen if step.id in there]
    if already:
        shown = ", ".join(str(step.number) for step in already)
        plan.reporter.emit(Note(f"on {sentences.quoted(target.name)} already: step {shown}"))
    work = _Work(
        plan,
        status,
        _in_order(status, [step for step in chosen if step not in already]),
        target,
        target.tip,
        force,
    )
    if not work.steps:
        return None
    if not force:
        _refuse_missing(work, there)
    land.warn_of_unverified_steps(plan, status, work.steps)
    return _carry_out(work, dry_run=dry_run)


def _done(status: Status, number: int) -> StepStatus:
    step, name = status.steps[number - 1], ids.short(status.id)
    if step.state is StepState.UPSTREAM:
        raise errors.Refused(
            f"step {number} has no commit of its own: it is in the base", f"git orch show {name}"
        )
    if step.state not in SATISFIED or step.commit is None:
        raise errors.Refused(f"step {number} is not done", f"git orch exec {name}")
    return step


def _in_order(status: Status, chosen: Sequence[StepStatus]) -> tuple[StepStatus, ...]:
    commits = [commit.oid for commit in status.branch.commits] if status.branch is not None else []
    return tuple(
        sorted(
            chosen,
            key=lambda step: commits.index(step.commit.oid) if step.commit is not None else 0,
        )
    )


def _refuse_missing(work: _Work, there: Mapping[str, str]) -> None:
    """Raises Refused when a step needs one that is neither picked nor on the branch."""
    with_base = (
        work.status.branch is not None
        and work.status.branch.base is not None
        and work.plan.is_ancestor(work.status.branch.base, work.old)
    )
    based = {
        step.id for step in work.status.steps if step.state is StepState.UPSTREAM and with_base
    }
    have = {step.id for step in work.steps} | set(there) | based
    needs = {
        step.number: [
            str(work.status.plan.position(other))
            for other in step.step.depends_on
            if other not in have
        ]
        for step in work.steps
    }
    reason = "; ".join(
        f"step {number} needs {', '.join(missing)}" for number, missing in needs.items() if missing
    )
    if reason:
        also = sorted({int(number) for missing in needs.values() for number in missing})
        numbers = ",".join(
            str(number) for number in sorted({*also, *(step.number for step in work.steps)})
        )
        raise errors.Refused(
            f"{reason}, not on {sentences.quoted(work.target.name)}",
            f"git orch pick {work.name} {numbers} --onto {work.target.typed}  # or --force",
        )


def _carry_out(work: _Work, *, dry_run: bool) -> Picked | None:
    checkout = work.target.checkout
    changed = targets.uncommitted(work.plan.repository, checkout) if checkout is not None else []
    if checkout is not None and changed:
        raise targets.Blocked(checkout, changed)
    try:
        with _offering(work, dry_run=dry_run):
            built = _build(work)
    except Stopped as stopped:
        if checkout is None or dry_run:
            raise
        return _by_hand(work, checkout, stopped)
    if dry_run:
        return Picked(work.target.ref, work.old, built.tip, built.commits)
    typed = ",".join(str(step.number) for step in work.steps)
    again = f"pick {work.name} {typed} --onto {work.target.typed}"
    built = land.sign(work.plan, built, again)
    body = {"commits": dict(built.commits)}
    why = f"pick step {typed} onto {work.target.name}"
    change = work.target.to(built.tip, MoveKind.PICK, why)
    try:
        targets.advance(
            work.plan, work.target, change, built.written, Consequence("steps.picked", body)
        )
    except refs.RefMoved as lost:
        raise errors.Busy(lost.cause, f"git orch {again}") from lost
    conflict.forget_settled(work.plan)
    return Picked(work.target.ref, work.old, built.tip, built.commits)


def _offering(work: _Work, *, dry_run: bool) -> AbstractContextManager[None]:
    """Where no checkout has the branch, a person resolves conflicts in a worktree of their own."""
    if dry_run or work.target.checkout is not None:
        return contextlib.nullcontext()
    flags = ("force",) if work.force else ()
    steps = tuple(step.id for step in work.steps)
    return conflict.offering(work.plan, Operation("pick", work.target.ref, flags, steps))


def _build(work: _Work) -> Built:
    """The commits on top of the branch, in memory. Raises Conflict."""
    plan = work.plan
    chain = Chain(plan.repository, plan.identity, Written(plan.objects), work.old)
    resolutions = conflict.Resolutions(plan)
    for commit in work.commits():
        picked = resolutions.pick(chain, commit)
        if picked.conflicts:
            steps = [
                step.number
                for step in work.steps
                if step.commit is not None and step.commit.oid == commit
            ]
            paths = ", ".join(sentences.quoted(one.path) for one in picked.conflicts)
            if any(one.kind == merges.REPOSITORY for one in picked.conflicts):
                raise errors.Refused(
                    f"with {sentences.steps(steps)} {paths} on "
                    f"{sentences.quoted(work.target.name)} is a repository inside the tree",
                    f"git orch diff {work.name}",
                )
            typed = ",".join(str(step.number) for step in work.steps)
            raise Stopped(
                f"{sentences.steps(steps)} cannot be picked onto "
                f"{sentences.quoted(work.target.name)}: {paths}",
                f"git orch pick {work.name} {typed} --onto {work.target.typed}  # to resolve it",
                Stop("pick", chain.tip, commit, commit),
                chain.written,
            )
    commits = {
        step.id: chain.became[step.commit.oid] for step in work.steps if step.commit is not None
    }
    chain.written.flush()
    return Built(chain.tip, chain.written, commits, tuple(chain.became.values()))


def _by_hand(work: _Work, checkout: Checkout, stopped: Stopped) -> Picked:
    """Begin `git cherry-pick` in the checkout: the user resolves what does not fit there."""
    steps = tuple(step.id for step in work.steps)
    begun = Record(work.plan.id, work.target.ref, work.old, steps, tuple(work.commits()))
    pick_by_hand.begin(work.plan.repository, checkout, begun, stopped)
    picked = pick_by_hand.record_outcome(work.plan, begun)
    pick_by_hand.forget(work.plan.repository, checkout)
    return picked


# -- a pick that waits -----------------------------------------------------------------------------


def waiting(repository: Repository) -> tuple[Checkout, Record]:
    """The pick that was begun where the user stands. Raises Refused when there is none."""
    checkout = Checkout(repository.top, repository.git_dir) if repository.top is not None else None
    record = pick_by_hand.record_of(repository, checkout) if checkout is not None else None
    if checkout is None or record is None:
        raise errors.Refused("no pick waits here", "git status")
    return checkout, record


def waits_here(repository: Repository) -> bool:
    """Whether a pick was begun where the user stands."""
    try:
        return waiting(repository) is not None
    except errors.Refused:
        return False


def go_on(repository: Repository, reporter: Reporter) -> Picked:
    """Go on with the pick that waits where the user stands; none of its steps are there when they
    gave it up.

    Raises Conflict when it stops again.
    """
    checkout, record = waiting(repository)
    if pick_by_hand.in_progress(checkout, record):
        pick_by_hand.go_on(repository, checkout, record)
    else:
        reporter.emit(Note("git has ended the pick already"))
    return _end(repository, reporter, checkout, record)


def give_up(repository: Repository, reporter: Reporter) -> Picked:
    """Put everything back to where it was before the pick that waits where the user stands."""
    checkout, record = waiting(repository)
    if pick_by_hand.in_progress(checkout, record):
        pick_by_hand.give_up(repository, checkout)
    else:
        reporter.emit(Note("git has ended the pick already: there is nothing to abort"))
    return _end(repository, reporter, checkout, record)


def _end(repository: Repository, reporter: Reporter, checkout: Checkout, record: Record) -> Picked:
    place = PlanPlace(repository, record.plan)
    try:
        with opening.open_for_writing(place, reporter) as plan:
            picked = pick_by_hand.record_outcome(plan, record)
    except errors.NotFound as gone:
        reporter.emit(Note(f"the plan's log was not updated: {gone.cause}"))
        picked = pick_by_hand.outcome(repository, record)
    pick_by_hand.forget(repository, checkout)
    return picked
