"""The specs of many ideas at once: what one spec does in three moves of refs, a hundred do in three
transactions.

The order is that of a single one: the logs with the intents, the branches, the confirmations. Killed in
between, each plan by itself is where a single one would be, and recovery settles it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from git_orch import errors
from git_orch.flow import move as moves
from git_orch.flow.documents import orchestrate, spec
from git_orch.flow.move import Change
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import base as basing
from git_orch.flow.planning import create
from git_orch.flow.reports import Reporter
from git_orch.plans.documents.templates import Template
from git_orch.plans.history import fold
from git_orch.plans.history.status import Base, MoveKind, Status
from git_orch.repo import identity, localfiles, refs
from git_orch.repo.log import log as store
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.refs import RefMove
from git_orch.repo.repository import Repository

_TOGETHER = 40  # plans that are locked at a time, each by an open file; some have 256 of these
_THREADS = 4  # a sync waits for the disk, not for us


class _Staged(NamedTuple):
    """A spec whose objects are written: its cover, and where the log was, is with the intent, and is
    with the confirmation.
    """

    place: PlanPlace
    cover: str
    before: str
    intended: str
    confirmed: str


class Ground(NamedTuple):
    """What all the specs begin with: where their steps start, and the user's template."""

    base: Base
    template: Template | None = None


def write_offline(
    repository: Repository, plans: Sequence[str], ground: Ground, reporter: Reporter
) -> list[str]:
    """Write the specs of plans that are due, as `spec.offline` has them; gives those that have one
    now. The others are to be looked at one by one.
    """
    parts = [plans[start : start + _TOGETHER] for start in range(0, len(plans), _TOGETHER)]
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        try:
            ends = pool.map(lambda part: _write_part(repository, part, ground, reporter), parts)
            return [plan for end in ends for plan in end]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _write_part(
    repository: Repository, plans: Sequence[str], ground: Ground, reporter: Reporter
) -> list[str]:
    person = identity.of_user(repository)
    with (
        contextlib.ExitStack() as held,
        contextlib.closing(odb.opened(repository)) as database,
    ):
        ours = [*_locked(repository, plans, held)]
        values = refs.of_plans(repository)  # the second look, now that nobody else can write
        covers = Written(database)
        waiting = [covers]
        staged: list[_Staged] = []
        for place in ours:
            value = values.get(place.id)
            if value is None or value.log is None or value.branch is not None:
                continue
            with contextlib.suppress(errors.OrchError):  # whoever looks at it alone will say why
                log = store.LogWriter(place, database, person, tip=value.log)
                plan = OpenPlan(place, database, person, reporter, log)
                status = fold.fold(place.id, log.log, None)
                if status is not None and _can_go(status):
                    staged.append(_stage(plan, status, ground, covers, waiting))
        if not staged:
            return []
        try:
            _move(repository, staged, waiting)
        except errors.Busy:
            return []
        return [one.place.id for one in staged]


def _locked(
    repository: Repository, plans: Sequence[str], held: contextlib.ExitStack
) -> Iterator[PlanPlace]:
    for plan in plans:
        place = PlanPlace(repository, plan)
        if localfiles.is_held(place):  # nobody waits for a hundred others
            continue
        with contextlib.suppress(errors.Busy):
            held.enter_context(localfiles.lock(place))
            yield place


def _can_go(status: Status) -> bool:
    return orchestrate.is_due(status) and not status.pending_moves and not status.damaged


def _stage(
    plan: OpenPlan, status: Status, ground: Ground, covers: Written, waiting: list[Written]
) -> _Staged:
    """Write the objects of a spec, and the record on this machine that it was made here."""
    base = ground.base
    written = spec.offline(status, ground.template)
    create.refuse_secrets(plan.repository, written.plan)
    cover = basing.write_cover(covers, plan.identity, plan.id, written.plan, base)
    event = spec.event(plan, status.owner, written, base)
    change = Change(MoveKind.CREATE, plan.ref, None, cover, spec.WHY)
    intent = moves.intend(plan, change, cover)
    before = plan.log.tip or ""
    intended, _ = plan.log.stage([(cover, event), (cover, intent.event)])
    done = plan.event("move.done", move=intent.event.id)
    confirmed, objects = plan.log.stage([(cover, done)])
    waiting.append(objects)
    spec.record_made(plan, written, base)
    return _Staged(plan.place, cover, before, intended, confirmed)


def _move(repository: Repository, staged: Sequence[_Staged], waiting: Sequence[Written]) -> None:
    odb.store(waiting)
    intents = [RefMove(one.place.log, one.before, one.intended) for one in staged]
    refs.move_together(repository, intents, store.REASON)
    branches = [RefMove(one.place.branch, None, one.cover) for one in staged]
    refs.move_together(repository, branches, moves.reason(spec.WHY))
    ends = [RefMove(one.place.log, one.intended, one.confirmed) for one in staged]
    refs.move_together(repository, ends, store.REASON)
    for written in waiting:
        written.forget()
