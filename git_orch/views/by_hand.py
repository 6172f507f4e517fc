"""The work of a person that waits, a conflict, a manual step or one that is mended: `status` and
`show` say where it is, and what goes on with it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_orch.plans import ids
from git_orch.repo import own_files, places
from git_orch.views import report
from git_orch.views.console import Styled
from git_orch.views.headlines import ByHand

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from git_orch.plans.history.status import StepStatus
    from git_orch.repo.repository import Repository
    from git_orch.repo.worktree.conflict_record import Record

_OF_STEPS = ("-fix", "-manual")  # how the names of worktrees end in which a person works
_BY_HAND = (*_OF_STEPS, "-conflict")


def of_plans(repository: Repository, plans: Iterable[str]) -> dict[str, ByHand]:
    """By plan, the work that waits; none where others could have written it."""
    try:
        there = places.worktree_names(repository)
        if not any(name.endswith(_BY_HAND) for name in there):
            return {}
        return _of_plans(repository, plans, {*there})
    except own_files.NotOurs:
        return {}


def _of_plans(
    repository: Repository, plans: Iterable[str], there: Collection[str]
) -> dict[str, ByHand]:
    from git_orch.repo.worktree import conflict_record, worktrees

    found: dict[str, ByHand] = {}
    for plan in plans:
        name = worktrees.path_of(repository, plan, conflict_record.PURPOSE).name
        record = conflict_record.read(repository, plan) if name in there else None
        worked_on = f"{worktrees.path_of(repository, plan).name}-"
        if record is not None:
            found[plan] = _conflict(plan, record)
        elif any(name.startswith(worked_on) and name.endswith(_OF_STEPS) for name in there):
            found |= _worked_on(repository, plan)
    return found


def _worked_on(repository: Repository, plan: str) -> dict[str, ByHand]:
    """By plan, the first step that a person does or mends; none where it is done meanwhile."""
    from git_orch.flow.attempt import prepare
    from git_orch.repo import refs
    from git_orch.repo.log import catalog
    from git_orch.repo.objects import objects

    live = refs.listing(repository, ()).plans
    there = {plan: live[plan]} if plan in live else {}
    with contextlib.closing(objects.opened(repository)) as database:
        opened = [one for one in catalog.statuses(repository, database, there) if one.is_open()]
    for status in opened:
        places = prepare.places_by_hand(repository, status)
        for step in status.steps:
            if step.id in places:
                shown = _manual if step.step.kind == "manual" else _mended
                return {plan: shown(plan, step, places[step.id])}
    return {}


def _manual(plan: str, step: StepStatus, path: str) -> ByHand:
    money = report.more_money([step.attempt])
    return ByHand(
        ((Styled("yours    ", "yellow"), f"step {step.number} in {path}"),),
        f"git orch done {ids.short(plan)}{money}  # when step {step.number} is done there",
        None,
    )


def _mended(plan: str, step: StepStatus, path: str) -> ByHand:
    words = f"{ids.short(plan)} {step.number}"
    return ByHand(
        (
            (Styled("mending  ", "yellow"), f"step {step.number} in {path}"),
            (f"         to give it up: git orch done --abort {words}",),
        ),
        f"git orch done {words}{report.more_money([step.attempt])}  # when it is mended there",
        None,
    )


def of_plan(repository: Repository, plan: str) -> ByHand | None:
    """The work on a plan that waits."""
    return of_plans(repository, [plan]).get(plan)


def _conflict(plan: str, record: Record) -> ByHand:
    name, command = ids.short(plan), record.operation.command
    give_up = f"git orch done --abort {name}"
    if record.is_ready:
        what = f"'git orch {command}' waits for it to be resolved in {record.path}"
        following = f"git orch done {name}  # when it is resolved there"
    else:
        what = f"'git orch {command}' was cut off before it showed its conflict"
        following = f"git orch done {name}  # shows it"
    return ByHand(
        ((Styled("conflict ", "yellow"), what), (f"         to give it up: {give_up}",)),
        following,
        {"command": command, "path": str(record.path), "abort": give_up},
    )
