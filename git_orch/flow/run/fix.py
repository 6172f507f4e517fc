"""Mending a step by hand: a worktree with the work of its failed attempt, to be handed in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.attempt import by_hand, prepare
from git_orch.flow.attempt.by_hand import Beginning
from git_orch.flow.attempt.means import Means
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import graph, ids, sentences
from git_orch.plans.history import life
from git_orch.plans.history.status import SATISFIED, Status, StepState, StepStatus
from git_orch.repo.log import kept
from git_orch.repo.worktree import worktrees
from git_orch.repo.worktree.worktrees import Worktree


class Place(NamedTuple):
    """Where a person mends a step. `commit` is the kept attempt that it began with, `conflicts` are
    the paths in which that conflicts with what landed since; it `is_new` when it was made now.
    """

    step: StepStatus
    path: Path
    commit: str | None
    conflicts: tuple[str, ...]
    is_new: bool


class Waiting(NamedTuple):
    """A step that a person works on, and where."""

    step: StepStatus
    worktree: Worktree
    beginning: Beginning | None  # None: exec made it, for a manual step


def open_worktree(plan: OpenPlan, number: int | None) -> Place:
    """The worktree for mending a step (None: the one that failed), made if it is not there yet.

    Where the branch has moved on since it was made, what was done there is brought along. Raises
    Refused for a step that is done, or that waits for another one; Conflict where a conflict in
    the worktree keeps it from following.
    """
    status = plan.status()
    step = life.numbered_step(status, number) if number is not None else _failed_step(plan, status)
    _refuse_unfit(status, step)
    means, tip = prepare.means(plan), status.branch.tip if status.branch is not None else ""
    there = _waiting(means, plan, step)
    if there is None:
        beginning = Beginning(tip, _kept_work(plan, step))
        worktree = by_hand.make(plan, means, prepare.purpose_of(step.step), beginning)
    else:
        worktree = there.worktree
        beginning = _brought_along(plan, there, tip)
    conflicts = tuple(by_hand.unresolved(worktree))
    return Place(step, worktree.path, beginning.commit, conflicts, there is None)


def _brought_along(plan: OpenPlan, there: Waiting, tip: str) -> Beginning:
    """The beginning of a worktree that is there, on the present tip."""
    worktree, beginning = there.worktree, there.beginning
    if beginning is None:
        return Beginning(tip)
    by_hand.finish(plan, worktree, beginning)
    if beginning.base == tip:
        return beginning
    now = by_hand.follow(plan, worktree, beginning, tip)
    plan.reporter.emit(
        Note(f"the branch has moved on: your work stands on {tip[:10]} now ({now.commit} is kept)")
    )
    return now


def _failed_step(plan: OpenPlan, status: Status) -> StepStatus:
    """The step that failed or that a person mends already; else one that is a person's."""
    ended = (StepState.FAILED, StepState.STOPPED)
    steps = [step for step in status.steps if step.state in ended]
    steps = steps or [one.step for one in waiting(prepare.means(plan), plan, status)]
    if steps:
        return steps[0]
    ready = graph.ready_steps(status.plan, status.satisfied_steps(), status.skipped)
    manual = next((step.id for step in ready if step.kind == "manual"), None)
    if manual is not None:
        return status.steps[status.plan.position(manual) - 1]
    name = ids.short(status.id)
    number = status.plan.position(ready[0].id) if ready else None
    raise errors.Refused(
        f"no step of '{name}' has failed",
        f"git orch fix {name} {number}  # do step {number} by hand"
        if number is not None
        else f"git orch show {name}",
    )


def _refuse_unfit(status: Status, step: StepStatus) -> None:
    """Raises Refused for a step that nobody can mend as it stands."""
    name, number = ids.short(status.id), step.number
    if step.state is StepState.CLAIMED:
        raise errors.Refused(
            f"a commit on the branch is marked as step {number}",
            f"git orch adopt {name} {number}",
        )
    if step.state in SATISFIED:
        raise errors.Refused(
            f"step {number} is done",
            f"git orch redo {name} {number}  # runs it again; or: git orch edit {name}",
        )
    refuse_early(status, step)


def refuse_early(status: Status, step: StepStatus) -> None:
    """Raises Refused for a step that needs others which are not done."""
    satisfied = status.satisfied_steps()
    needed = [other for other in step.step.depends_on if other not in satisfied]
    if needed:
        numbers = [status.plan.position(other) for other in needed]
        raise errors.Refused(
            f"step {step.number} needs {sentences.steps(numbers)} first",
            f"git orch exec {ids.short(status.id)}",
        )


def _kept_work(plan: OpenPlan, step: StepStatus) -> str | None:
    """The commit of the step's last attempt, if that failed here and the commit is still there: a
    log that came from elsewhere may name any commit.
    """
    attempt = step.attempt
    if attempt is None or attempt.outcome == "landed" or attempt.commit is None:
        return None
    return attempt.commit if kept.is_attempt(plan.place, plan.objects, attempt.commit) else None


# -- what waits to be handed in --------------------------------------------------------------------


def _waiting(means: Means, plan: OpenPlan, step: StepStatus) -> Waiting | None:
    purpose = prepare.purpose_of(step.step)
    there = by_hand.existing(means, plan.id, purpose)
    if there is not None:
        return Waiting(step, *there)
    if purpose != prepare.MANUAL:
        return None
    worktree = prepare.existing_person_worktree(means, plan.id, purpose)
    return Waiting(step, worktree, None) if worktree is not None else None


def waiting(means: Means, plan: OpenPlan, status: Status) -> list[Waiting]:
    """The steps that a person mends in a worktree of theirs; manual ones are not among them."""
    places = [_waiting(means, plan, step) for step in status.steps if step.kind != "manual"]
    return [place for place in places if place is not None]


def give_up(plan: OpenPlan, number: int | None) -> tuple[Path, str]:
    """Remove the worktree in which a person mends a step (None: the only one); gives its path and
    the commit that keeps what was in it. Raises Refused where there is none, or several are.
    """
    status, means = plan.status(), prepare.means(plan)
    places = [
        place
        for place in waiting(means, plan, status)
        if number is None or place.step.number == number
    ]
    if not places:
        cause = "you mend no steps" if number is None else f"you do not mend step {number}"
        raise errors.Refused(cause, f"git orch status {plan.name}")
    if len(places) > 1:
        raise errors.Refused(
            f"you mend {len(places)} steps: name one",
            f"git orch done --abort {plan.name} {places[0].step.number}",
        )
    step, worktree, beginning = places[0]
    base = beginning.base if beginning is not None else worktrees.head(worktree)
    work = by_hand.keep(plan, worktree, base)
    worktrees.remove(plan.repository, plan.id, prepare.purpose_of(step.step))
    return worktree.path, work


def to_hand_in(means: Means, plan: OpenPlan, status: Status, number: int | None) -> Waiting:
    """The step that a person hands in. Raises Refused where none waits, or several do."""
    step = (
        life.numbered_step(status, number) if number is not None else _only_one(means, plan, status)
    )
    _refuse_unfit(status, step)
    there = _waiting(means, plan, step)
    if there is None or (there.beginning is not None and not there.beginning.is_ready):
        name = ids.short(status.id)
        again = "exec" if step.kind == "manual" else "fix"
        typed = name if again == "exec" else f"{name} {step.number}"
        other = worktrees.of_another(plan.repository, plan.id, prepare.MANUAL)
        whose = f": {other}" if other is not None and step.kind == "manual" else ""
        raise errors.Refused(
            f"there is no worktree with the work for step {step.number}{whose}",
            f"git orch {again} {typed}  # makes it",
        )
    return there


def _only_one(means: Means, plan: OpenPlan, status: Status) -> StepStatus:
    """The one step that a person works on."""
    name, satisfied = ids.short(status.id), status.satisfied_steps()
    places = waiting(means, plan, status)
    top = plan.repository.top  # whoever stands in one of them means that one
    places = [place for place in places if place.worktree.path == top] or places
    steps = [place.step for place in places if place.step.id not in satisfied]
    if len(steps) > 1:
        raise errors.Refused(
            f"you work on {sentences.steps(step.number for step in steps)}: name one",
            f"git orch done {name} {steps[0].number}",
        )
    ready = graph.ready_steps(status.plan, satisfied, status.skipped)
    manual = next((step.id for step in ready if step.kind == "manual"), None)
    if not steps and manual is not None:
        return status.steps[status.plan.position(manual) - 1]
    if not steps:
        failed = next((step for step in status.steps if step.state is StepState.FAILED), None)
        raise errors.Refused(
            "no step waits for your work",
            f"git orch fix {name} {failed.number}"
            if failed is not None
            else f"git orch exec {name}",
        )
    return steps[0]


def note_abandoned(plan: OpenPlan, status: Status, chosen: frozenset[str] | None) -> None:
    """Say where a person's work on steps is that a run is about to do again."""
    for step in status.steps:
        if step.state in SATISFIED or step.kind == "manual":
            continue
        if chosen is not None and step.id not in chosen:
            continue
        path = worktrees.path_of(plan.repository, plan.id, prepare.purpose_of(step.step))
        if path.is_dir():
            plan.reporter.emit(Note(f"your work on step {step.number} stays in {path}"))
