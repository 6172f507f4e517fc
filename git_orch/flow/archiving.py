"""Putting a plan away: its log becomes a note in the archive, its branch and its log ref go, what it made is kept.

The order makes each step repeatable: the log says that the plan is put away, the archive has the log, only then refs
go. A command that finds such a log does the rest.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from git_orch import errors
from git_orch.flow import sites
from git_orch.flow.openplan import OpenPlan
from git_orch.plans import events, ids
from git_orch.plans.status import Status
from git_orch.repo import archive as archives
from git_orch.repo import identity, localfiles, objects, refs, results, store
from git_orch.repo import objects as odb
from git_orch.repo.archive import Kept
from git_orch.repo.repository import Repository


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """A plan that is out of the archive; `tip` is where its branch is again, None where that commit is not here."""

    plan: str
    tip: str | None


def archive(plan: OpenPlan, why: str) -> None:
    """Put a plan away. Raises Busy when its branch is checked out somewhere."""
    status = plan.status()
    plan.refuse_checked_out()
    sites.put_away(plan)
    _keep_results(plan)
    tip = status.branch.tip if status.branch is not None else None
    done = sorted(status.satisfied())
    body = {"plan": plan.id, "state": status.state.value, "done": done, "why": why}
    put_away = plan.event("plan.archived", **body, **({"tip": tip} if tip is not None else {}))
    plan.record((plan.home, put_away))
    finish(plan)


def finish(plan: OpenPlan) -> None:
    """Do what is left of putting away a plan whose log says that it is."""
    plan.record()
    archives.put(plan.repository, plan.objects, plan.identity, _target(plan), _lines(plan))
    tip, log = plan.tip(), refs.value(plan.repository, refs.LOGS + plan.id)
    if tip is not None:
        plan.keep([tip], "the tip of a plan that was put away")
        refs.delete(plan.repository, plan.ref, old=tip, reason="orch: archive")
    if log is not None:
        refs.delete(plan.repository, refs.LOGS + plan.id, old=log, reason="orch: archive")


def _target(plan: OpenPlan) -> str:
    status = plan.status()
    commits = status.branch.commits if status.branch is not None else ()
    cover = commits[0].oid if commits and commits[0].message.cover_of == plan.id else plan.home
    return archives.target_of(plan.objects, plan.id, cover)


def _lines(plan: OpenPlan) -> bytes:
    """All lines of all notes, damaged ones and those of later versions too."""
    blobs = [odb.read(plan.objects, blob, "blob") for blob in plan.log.notes.blobs.values()]
    return b"".join(line + b"\n" for line in sorted({line for blob in blobs for line in blob.splitlines()}))


def _keep_results(plan: OpenPlan) -> None:
    left = results.left(plan.repository, plan.id)
    plan.keep(list(left.values()), "results of attempts that were cut off")
    results.forget(plan.repository, plan.id, left)


def unarchive(repository: Repository, found: Kept) -> BroughtBack:
    """Bring a plan back: its log and, where its last tip is here, its branch. Raises Busy."""
    person = identity.of_user(repository)
    with (
        localfiles.lock(repository, found.plan),
        contextlib.closing(objects.opened(repository, warm=False)) as database,
    ):
        tip = _tip(database, found)
        writer = store.LogWriter(repository, database, person, found.plan)
        if writer.tip is None:
            writer.notes.blobs[found.target] = database.write("blob", found.note)
            writer.log = events.read([found.note])
        back = writer.event("plan.unarchived", **({"tip": tip} if tip is not None else {}))
        branch = refs.BRANCHES + found.plan
        if tip is not None and refs.value(repository, branch) is None:
            refs.move(repository, branch, old=None, new=tip, reason=f"orch {back.id}: unarchive")
        writer.append([(found.target, back)])
        archives.drop(repository, database, person, found.target)
    return BroughtBack(found.plan, tip)


def _tip(database: objects.Objects, found: Kept) -> str | None:
    """Where the branch was, if that commit is still here."""
    from git_orch.plans import state

    status = state.fold(found.plan, found.log, None)
    tip = status.archived.tip if status is not None and status.archived is not None else None
    known = database.read_many([tip])[0] if tip is not None else None
    return tip if known is not None and known.kind == "commit" else None


def refuse_archived(status: Status) -> None:
    """Raises Refused for a plan that was put away."""
    if status.archived is not None:
        name = ids.short(status.id)
        raise errors.Refused(f"'{name}' is archived", f"git orch unarchive {name}")
