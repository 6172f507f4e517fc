"""The kept chain: commits that must not be collected, as parents of a local chain that is never
pushed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.repo import refs
from git_orch.repo.objects import objects as odb

if TYPE_CHECKING:
    from git_orch.repo.identity import Identity
    from git_orch.repo.objects.objects import Database, Objects, Written
    from git_orch.repo.plan_place import PlanPlace

_TRIES = 50
_WHY = "orch: keep "


def keep(
    place: PlanPlace,
    objects: Database | Written,
    identity: Identity,
    commits: Sequence[str],
    why: str,
) -> None:
    """Make `commits` reachable from the plan's kept chain; those that are only `Written` are stored
    with it. Commits that are already gone are left out. Raises Busy.
    """
    present = [
        oid
        for oid, stored in zip(commits, objects.read_many(commits), strict=True)
        if stored is not None
    ]
    if not present:
        return
    written = objects if isinstance(objects, odb.Written) else odb.Written(objects)
    for tries in range(_TRIES):
        before = tip(place)
        parents = list(dict.fromkeys([before, *present] if before else present))
        tree = odb.write_tree(written, [])
        link = identity.commit(written, tree, parents, f"{_WHY}{why}\n")
        try:
            refs.move_to_new(
                place.repository,
                place.kept,
                written,
                old=before,
                new=link,
                reason=f"{_WHY}{why}",
            )
        except errors.Busy:
            if tries == _TRIES - 1:
                raise
        else:
            return


class Kept(NamedTuple):
    """A commit that is kept, and why."""

    commit: str
    why: str


def tip(place: PlanPlace) -> str | None:
    """The last link of a plan's kept chain; None when nothing is kept."""
    return refs.value(place.repository, place.kept)


def since(place: PlanPlace, objects: Objects, link: str | None) -> list[Kept]:
    """The commits that a plan keeps since that link, oldest first."""
    kept_tips: list[Kept] = []
    now = tip(place)
    while now is not None and now != link:
        commit = odb.commit(objects, now)
        first = commit.parents[0] if commit.parents else None
        before = first if first is not None and _is_link(objects, first) else None
        held = commit.parents[1:] if before is not None else commit.parents
        why = commit.message.removeprefix(_WHY).strip()
        kept_tips[:0] = [Kept(oid, why) for oid in held]
        now = before
    return kept_tips


def _is_link(objects: Objects, oid: str) -> bool:
    return odb.commit(objects, oid).message.startswith(_WHY)
