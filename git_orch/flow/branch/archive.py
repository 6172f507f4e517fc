"""Putting a plan away: its log becomes a note in the archive, its branch and its log ref go, what
it made is kept.

The order makes each step repeatable: the log says that the plan is put away, the archive has the
log, an unlanded tip is kept, only then refs go. A command of the same clone that finds such a log
does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from git_orch import errors
from git_orch.flow.attempt import leftovers
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import ids, redact
from git_orch.plans.history import events
from git_orch.plans.history.status import Status
from git_orch.repo import refs
from git_orch.repo.local import proofs
from git_orch.repo.log import archive as archives
from git_orch.repo.log import catalog, results
from git_orch.repo.objects import objects as odb
from git_orch.sandbox import secrecy


@dataclass(frozen=True, slots=True)
class PutAway:
    """Where the branch of a plan was; `merged` is the branch of the user's that has its tip, else
    it is kept.
    """

    tip: str | None
    merged: str | None


def archive(plan: OpenPlan, why: str, marks: Mapping[str, str] = MappingProxyType({})) -> PutAway:
    """Put a plan away, or do what is left of it. Raises Busy when its branch is checked out
    somewhere. `marks` are further fields of the event, as `plans/history/changes.py` says.
    """
    if plan.status().archived is None:
        plan.refuse_checked_out()
        _refuse_huge(plan)
        leftovers.put_away(plan)
        leftovers.put_away_person_worktrees(plan)
        _keep_results(plan)
        _declare(plan, why, marks)
    return finish(plan)


def _declare(plan: OpenPlan, why: str, marks: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write down that the plan is put away, and what it is then, for whoever has the log without
    the commits.
    """
    tip = plan.tip() or plan.status().known_tip
    status = catalog.status(plan.place, plan.objects, plan.log.log, tip)
    reason = redact.redacted(why, secrecy.secrets())
    body = {
        "plan": plan.id,
        "state": status.state.value,
        "done": sorted(status.satisfied_steps()),
        "why": reason,
        **marks,
    }
    plan.record((plan.home, plan.event("plan.archived", **body, **tip_field(tip))))


def tip_field(tip: str | None) -> dict[str, str]:
    return {} if tip is None else {"tip": tip}


def finish(plan: OpenPlan) -> PutAway:
    """Do what is left of putting away a plan whose log says that it is. Raises Busy as `archive`
    does.
    """
    plan.refuse_checked_out()
    plan.record()
    status = plan.status()
    plan.home_at_cover(status)
    tip = plan.tip()
    if tip is not None and status.archived is not None and tip != status.archived.tip:
        # The user committed to the branch after an archiving was cut off.
        _declare(plan, status.archived.why)
    archives.Writer(plan.repository, plan.objects, plan.identity).put(
        plan.id, plan.home, _lines(plan)
    )
    proofs.remember(plan.place, status, plan.home)
    last_tip = tip or (status.archived.tip if status.archived is not None else None)
    merged = _branch_with(plan, status, last_tip) if last_tip is not None else None
    if last_tip is not None and merged is None:
        plan.keep([last_tip], "the tip of an archived plan")
    plan.refuse_checked_out()
    if tip is not None:
        refs.delete(plan.repository, plan.ref, old=tip, reason="orch: archive")
    if plan.log.tip is not None:
        refs.delete(plan.repository, plan.place.log, old=plan.log.tip, reason="orch: archive")
    return PutAway(last_tip, merged)


def _branch_with(plan: OpenPlan, status: Status, tip: str) -> str | None:
    """The branch, where the plan landed or began, that has the tip as a part of its history."""
    candidates = [status.landed.ref if status.landed is not None else None, status.base.ref]
    for ref in dict.fromkeys(candidate for candidate in candidates if candidate is not None):
        there = (
            refs.value(plan.repository, ref)
            if ref.startswith("refs/heads/") and ref != plan.ref
            else None
        )
        if there is not None and plan.is_ancestor(tip, there):
            return ref
    return None


def _lines(plan: OpenPlan) -> bytes:
    """All lines of all notes, damaged ones and those of later versions too."""
    return events.union(
        odb.read(plan.objects, blob, "blob") for blob in plan.log.notes.blobs.values()
    )


def _refuse_huge(plan: OpenPlan) -> None:
    size = len(_lines(plan))
    if size > archives.LARGEST * 3 // 4:  # with room for what is written until it is back
        name = plan.name
        raise errors.Refused(
            f"the log of '{name}' is too large for the archive: {size:,} bytes",
            f"git orch log {name}",
        )


def _keep_results(plan: OpenPlan) -> None:
    left = results.left(plan.place)
    plan.keep(list(left.values()), "results of interrupted attempts")
    results.forget(plan.place, left)


def refuse_archived(status: Status) -> None:
    """Raises Refused for a plan that was put away."""
    if status.archived is not None:
        name = ids.short(status.id)
        raise errors.Refused(f"'{name}' is archived", f"git orch archive --undo {name}")
