"""Pruning: what is old, and what no plan needs any more, goes.

A plan needs what it has until it is archived. An archived one keeps the tip that it comes back to
and, unless it has landed, all else that is not a failed attempt. Nothing of a plan that somebody
works on is touched, and no worktree in which a person works.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.plans import ids
from git_orch.plans.history import changes
from git_orch.repo import localfiles, own_files, refs
from git_orch.repo.local import keep_days, layers
from git_orch.repo.log import archive, catalog, kept
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import pool, worktrees
from git_orch.sandbox import trees

if TYPE_CHECKING:
    from pathlib import Path

    from git_orch.plans.history.status import Status
    from git_orch.repo.objects.objects import Database
    from git_orch.repo.repository import Repository

# What a local directory holds, as people read it.
_FILES = {
    "output": "outputs",
    "traces": "conversations",
    "tapes": "recorded requests",
    "refused": "refused changes",
    "replies": "replies of planners",
    "edit": "drafts",
}
_OURS = ("exec", "verify")  # purposes of worktrees that are no person's


class Gone(NamedTuple):
    """Things of one kind that went, or would; `size` in bytes, None where that is git's affair."""

    kind: str
    things: int
    size: int | None


class Age(NamedTuple):
    """How old what goes is, in days; with `dry_run` nothing goes."""

    days: float
    dry_run: bool = False


def prune(
    repository: Repository, objects: Database, statuses: Sequence[Status], age: Age
) -> list[Gone]:
    """Remove what is older than that and not needed; `statuses` are those of all plans that can be
    read, archived ones too.
    """
    before = time.time() - age.days * 86_400
    live = refs.listing(repository).plans.keys() | {status.id for status in statuses}
    busy = localfiles.held(repository, live)
    free = {
        status.id: status
        for status in statuses
        if status.archived is not None and status.id not in busy
    }
    needed = live - free.keys()
    spared = _names(needed, [status for status in statuses if status.id in needed])
    gone = []
    # Nobody knows which files those plans need whose logs cannot be read.
    for name, kind in _FILES.items() if _are_all_read(repository, objects, statuses) else ():
        place = repository.state_dir / name
        sizes = keep_days.remove_older(place, before, spared, dry_run=age.dry_run)
        gone.append(Gone(kind, len(sizes), sum(sizes)))
    tips = sum(_drop_kept(repository, objects, status, before, age) for status in free.values())
    gone.append(Gone("kept commits", tips, None))
    sizes = [*_worktrees(repository, free, before, age)]
    gone.append(Gone("worktrees", len(sizes), sum(sizes)))
    if not busy:  # a run sees layers without having them open
        sizes = layers.remove_unused(repository, before, dry_run=age.dry_run)
        gone.append(Gone("layers", len(sizes), sum(sizes)))
    return [thing for thing in gone if thing.things]


def _names(plans: set[str], statuses: Sequence[Status]) -> frozenset[str]:
    """The names that files of these plans have."""
    attempts = {attempt.id for status in statuses for attempt in status.attempts}
    return frozenset(plans | {ids.short(plan) for plan in plans} | attempts)


def _are_all_read(repository: Repository, objects: Database, statuses: Sequence[Status]) -> bool:
    """Whether there is no plan, open or archived, but these."""
    listing = refs.listing(repository)
    put_away = archive.read_at(repository, objects, listing.archive)
    plans = listing.plans.keys() | put_away.plans.keys()
    return not put_away.damaged and plans <= {status.id for status in statuses}


def _drop_kept(
    repository: Repository, objects: Database, status: Status, before: float, age: Age
) -> int:
    """How many commits an archived plan does not keep any more."""
    place = PlanPlace(repository, status.id)
    try:
        with localfiles.lock(place):
            if refs.value(repository, place.log) is not None:  # somebody has brought it back
                return 0
            [now] = catalog.archived_statuses(repository, objects, status.id)
            needed = _needed(repository, now)

            def goes(link: kept.Link) -> bool:
                if link.seconds >= before or not needed.isdisjoint(link.held):
                    return False
                return now.landed is not None or link.why.startswith(kept.ATTEMPTS)

            return kept.drop(place, objects, goes, dry_run=age.dry_run)
    except (errors.OrchError, ValueError):  # somebody works on it now, or has broken the chain
        return 0


def _needed(repository: Repository, status: Status) -> set[str | None]:
    """The commits that an archived plan, or an undo of its changes, comes back to. When the branch
    has moved on since the plan landed, nothing can be taken back any more.
    """
    needed = {status.archived.tip if status.archived is not None else None}
    landed = status.landed
    if landed is not None and refs.value(repository, landed.ref) != landed.new:
        return needed
    history = changes.read(status.log.events, f"{refs.BRANCHES}{status.id}")
    for change in (*history.stand, *history.undone):
        needed |= {change.old, change.new}
    return needed


def _worktrees(
    repository: Repository, free: dict[str, Status], before: float, age: Age
) -> Iterator[int]:
    """The sizes of the worktrees that go: those of the pool, and what archived plans left."""
    with pool.idle(repository, lambda name: worktrees.path_of(repository, name).is_dir()) as names:
        for name in names:
            yield from _remove_worktree(repository, name, "exec", before, age)
    for plan in free:
        place = PlanPlace(repository, plan)
        with contextlib.suppress(errors.OrchError), localfiles.lock(place):
            if refs.value(repository, place.log) is not None:
                continue
            for purpose in worktrees.purposes(repository, plan):
                if purpose in _OURS:
                    yield from _remove_worktree(repository, plan, purpose, before, age)


def _remove_worktree(
    repository: Repository, name: str, purpose: str, before: float, age: Age
) -> Iterator[int]:
    path = worktrees.path_of(repository, name, purpose)
    try:
        if _last_use(repository, path) >= before:
            return
        size = trees.size(path)
        if not age.dry_run:
            worktrees.remove(repository, name, purpose)
    except (OSError, own_files.NotOurs):
        return
    yield size


def _last_use(repository: Repository, path: Path) -> float:
    """When git-orch wrote to a worktree last. Raises OSError where there is none."""
    git_dir = worktrees.git_dir_of(repository, path)
    times = [path.stat().st_mtime]
    for name in ("HEAD", "index"):
        with contextlib.suppress(OSError):
            times.append(
                os.stat(git_dir / name).st_mtime if git_dir != repository.common_dir else 0
            )
    return max(times)
