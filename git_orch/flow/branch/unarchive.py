"""Bringing a plan back from the archive."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from git_orch import errors
from git_orch.flow.branch import opening
from git_orch.flow.branch.archive import tip_field
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Reporter
from git_orch.plans import ids
from git_orch.plans.history.status import MoveKind
from git_orch.repo import identity, localfiles, refs
from git_orch.repo.log import archive as archives
from git_orch.repo.log import log
from git_orch.repo.objects import objects
from git_orch.repo.plan_place import PlanPlace


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """A plan that is out of the archive; `tip` is where its branch is again, None where that commit
    is not here.
    """

    plan: str
    tip: str | None


def unarchive(
    place: PlanPlace, reporter: Reporter, marks: Mapping[str, str] = MappingProxyType({})
) -> BroughtBack:
    """Bring a plan back: its log and, where its last tip is here, its branch. Raises Busy,
    NotFound. `marks` are further fields of the event, as `plans/history/changes.py` says.

    The note leaves the archive last: killed before, the plan is in both places, and the live one
    counts.
    """
    repository = place.repository
    with contextlib.closing(objects.opened(repository)) as database:
        notes = archives.read(repository, database).plans.get(place.id, ())
        with localfiles.lock(place):
            opening.take_stale_locks_away(place, reporter)
            if refs.value(repository, place.log) is None:
                _begin_log(place, database, notes)
    with opening.open_for_writing(place, reporter, put_away=True) as opened:
        tip = _brought_back(opened, marks)
        opened.record()
        archives.Writer(repository, opened.objects, opened.identity).drop(place.id, notes)
    return BroughtBack(place.id, tip)


def _begin_log(
    place: PlanPlace, database: objects.Database, notes: tuple[archives.Note, ...]
) -> None:
    """The log as it was when the plan was put away: cut off here, the next command puts it away
    again.
    """
    if not notes:
        raise errors.NotFound(f"'{ids.short(place.id)}' is not in the archive", "git orch ls --all")
    repository = place.repository
    hung = database.read_many([notes[0].target])[0]
    home = repository.empty_blob if hung is not None and hung.kind == "blob" else notes[0].target
    content = archives.content(repository, database, notes)
    log.begin(place, database, identity.of_user(repository), (home, content))


def _brought_back(plan: OpenPlan, marks: Mapping[str, str]) -> str | None:
    """Write down that the plan is back, and make its branch again; gives the branch's tip, if it
    has one now.
    """
    archived = plan.status().archived
    if archived is None:  # killed before the note was gone
        return plan.tip()
    taken_back = [event.id for event in plan.log.log.events if event.name == "plan.archived"]
    tip, live = _present(plan, archived.tip), plan.tip()
    back = plan.event("plan.unarchived", archived=taken_back, **tip_field(live or tip), **marks)
    if live is None and tip is not None:
        plan.move(None, tip, "unarchive", [(plan.home, back)], kind=MoveKind.UNARCHIVE)
    else:
        plan.record((plan.home, back))
    return live or tip


def _present(plan: OpenPlan, tip: str | None) -> str | None:
    """The commit, if it is still here."""
    stored = plan.objects.read_many([tip])[0] if tip is not None else None
    return tip if stored is not None and stored.kind == "commit" else None
