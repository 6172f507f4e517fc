"""Looking for what is damaged, left over or contradictory. Nothing is written, and no lock taken.

A plan that somebody runs changes while it is looked at: what only passes is no fault of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from git_orch.flow.checking import configuration, local_files
from git_orch.plans import faults, ids, sentences
from git_orch.plans.faults import Fault
from git_orch.repo import localfiles, own_files, refs
from git_orch.repo.log import archive, catalog

if TYPE_CHECKING:
    from git_orch.plans.history.status import Status
    from git_orch.repo.objects.objects import Database
    from git_orch.repo.refs import Listing, PlanRefs
    from git_orch.repo.repository import Repository


class _Looked(NamedTuple):
    """What was read at one moment: refs, those whose commits are missing, the statuses of live and
    archived plans, the plans whose logs are too large with the reason, and how many notes of the
    archive are damaged.
    """

    plans: Mapping[str, PlanRefs]
    broken: Mapping[str, str]
    others: Mapping[str, str]
    live: list[Status]
    archived: list[Status]
    unread: Mapping[str, str]
    in_archive: frozenset[str]
    damaged_notes: int


def check(repository: Repository, objects: Database) -> list[Fault]:
    """All faults of the repository, of git's configuration and of this machine's files about it."""
    listed = [*_of_names(repository)]
    try:
        before = _refs(repository)
    except refs.Symbolic as symbolic:
        return [*listed, Fault("symbolic-ref", symbolic.cause, symbolic.hint or "git orch status")]
    running = localfiles.held(repository, before)
    looked = catalog.read_steadily(repository, lambda listing: _look(repository, objects, listing))
    listed += _of_refs(looked)
    listed += _of_objects(repository, objects, looked.broken)
    listed += _of_statuses(repository, objects, looked)
    live, archived = looked.plans.keys(), looked.in_archive
    listed += local_files.of_refs(live | archived, looked.others)
    listed += local_files.faults(repository, live, archived)
    listed += configuration.faults(repository)
    running |= localfiles.held(repository, {**before, **looked.plans})
    after = _refs(repository)
    busy = running | {plan for plan in {**before, **after} if before.get(plan) != after.get(plan)}
    return [fault for fault in listed if not _passes(fault, busy)]


def _passes(fault: Fault, busy: frozenset[str]) -> bool:
    return fault.passes and (fault.plan in busy if fault.plan is not None else bool(busy))


def _refs(repository: Repository) -> dict[str, PlanRefs]:
    return refs.listing(repository).plans


def _look(repository: Repository, objects: Database, listing: Listing) -> _Looked:
    others = refs.below(repository, refs.KEPT, refs.RESULTS)
    broken = _broken(objects, listing, others)
    whole = {plan: values for plan, values in listing.plans.items() if not _is_in(broken, plan)}
    unread: dict[str, str] = {}
    live = catalog.statuses(repository, objects, whole, unread=unread)
    put_away = archive.read_at(repository, objects, listing.archive)
    archived = catalog.statuses_of_notes(repository, objects, put_away, listing.plans)
    return _Looked(
        listing.plans,
        broken,
        others,
        live,
        archived,
        unread,
        frozenset(put_away.plans),
        put_away.damaged,
    )


def _broken(objects: Database, listing: Listing, others: Mapping[str, str]) -> dict[str, str]:
    """The refs of plans that name commits which git does not have."""
    named = dict(others)
    for plan, values in listing.plans.items():
        if values.log is not None:
            named[f"{refs.LOGS}{plan}"] = values.log
        if values.branch is not None:
            named[f"{refs.BRANCHES}{plan}"] = values.branch
    present = objects.present([*named.values()])
    return {
        ref: oid
        for (ref, oid), is_there in zip(named.items(), present, strict=True)
        if not is_there
    }


def _is_in(broken: Mapping[str, str], plan: str) -> bool:
    return f"{refs.LOGS}{plan}" in broken or f"{refs.BRANCHES}{plan}" in broken


def _of_names(repository: Repository) -> Iterator[Fault]:
    ref = refs.in_the_way(repository)
    if ref is not None:
        blocked = refs.blocked_by(ref)
        yield Fault("name-taken", blocked.cause, blocked.hint or "git orch status")


def _of_refs(looked: _Looked) -> Iterator[Fault]:
    readable = {status.id for status in looked.live}
    for plan, values in looked.plans.items():
        name = ids.short(plan)
        if _is_in(looked.broken, plan):
            continue
        if values.log is None:
            yield _of_branch_alone(plan, is_archived=plan in looked.in_archive)
        elif plan in looked.unread:
            yield faults.unreadable(plan, f"the log is not read: {looked.unread[plan]}")
        elif plan not in readable:
            yield faults.unreadable(plan, "the log cannot be read")
        if values.log is not None and plan in looked.in_archive and plan in readable:
            [status] = [status for status in looked.live if status.id == plan]
            if status.archived is None:
                what = "the plan is live, and its note is still in the archive"
                repair = f"git orch archive --undo {name}"
                yield Fault("archive-left", what, repair, plan, passes=True)
    if looked.damaged_notes:
        what = f"{looked.damaged_notes} of the notes in the archive cannot be read"
        ref = refs.ARCHIVE
        repair = f"git update-ref refs/aside/archive {ref} && git log {ref}  # looks at what it had"
        yield Fault("archive-damaged", what, repair)


def _of_objects(
    repository: Repository, objects: Database, broken: Mapping[str, str]
) -> Iterator[Fault]:
    for ref, oid in broken.items():
        plan = next((part for part in ref.split("/") if ids.PLAN_ID.fullmatch(part)), None)
        what = f"{sentences.quoted(ref)} names {oid[:10]}, and git has no such commit"
        yield Fault("commit-missing", what, _last_whole(repository, objects, ref), plan)


def _last_whole(repository: Repository, objects: Database, ref: str) -> str:
    """The command that brings a ref back to the last commit of its reflog that is there."""
    before = refs.recorded(repository, ref)
    there = [oid for oid, here in zip(before, objects.present(before), strict=True) if here]
    return f"git update-ref {ref} {there[0]}" if there else "git fsck --lost-found"


def _of_branch_alone(plan: str, *, is_archived: bool) -> Fault:
    aside = f"git branch -m orch/{plan} aside/{plan}"
    if is_archived:
        return Fault("archived-branch", "the plan is archived, and has a branch", aside, plan)
    what = "the branch has no log: it is gone, or was not fetched"
    return Fault("log-missing", what, aside, plan)


def _of_statuses(repository: Repository, objects: Database, looked: _Looked) -> Iterator[Fault]:
    here = faults.Here(_clone(repository), time.time_ns() // 1_000_000)
    for status in looked.live:
        yield from faults.of_plan(status, here)
    for status in looked.archived:
        yield from faults.of_archived(status)
    # What another copy of the repository landed need not be here.
    ours = [status for status in looked.live if here.clone in (status.clone, None)]
    landings = [(status, attempt) for status in ours for attempt in faults.missing_claims(status)]
    present = objects.present([attempt.commit or "" for _, attempt in landings])
    for (status, attempt), is_there in zip(landings, present, strict=True):
        if not is_there:
            yield faults.without_commit(status, attempt)


def _clone(repository: Repository) -> str | None:
    """The name of this copy of the repository, which is not made for the purpose."""
    from pathlib import Path

    try:
        return own_files.read_bytes(Path(repository.shared_path, "clone")).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
