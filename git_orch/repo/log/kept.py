"""The kept chain: commits that must not be collected, as parents of a local chain that is never
pushed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch import errors
from git_orch.repo import refs
from git_orch.repo.objects import objects as odb

if TYPE_CHECKING:
    from git_orch.repo.identity import Identity
    from git_orch.repo.objects.objects import Database, Objects, Written
    from git_orch.repo.objects.raw import CommitObject
    from git_orch.repo.plan_place import PlanPlace

_TRIES = 50
_WHY = "orch: keep "
_DROPPED = "orch: let go of old attempts"
FAILED_ATTEMPT = "a failed attempt"
INTERRUPTED_WORK = "work of an interrupted attempt"
INTERRUPTED_RESULTS = "results of interrupted attempts"
DISTURBED_FILES = "files that changed while a check ran"
# Why something is kept that orch.keepDays limits.
ATTEMPTS = (FAILED_ATTEMPT, INTERRUPTED_WORK, INTERRUPTED_RESULTS, DISTURBED_FILES)


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


class _Link(NamedTuple):
    """A link of a chain: its commit, and the commits that it holds beside the link before."""

    oid: str
    commit: CommitObject
    held: tuple[str, ...]

    @property
    def why(self) -> str:
        """Why they are held."""
        return self.commit.message.removeprefix(_WHY).strip()

    @property
    def seconds(self) -> int:
        """When the link was made, in seconds since 1970; now for one that does not say."""
        words = self.commit.committer.split(" ")
        return int(words[-2]) if len(words) > 1 and words[-2].isdigit() else 2**62


def _links(objects: Objects, now: str | None, until: str | None = None) -> Iterator[_Link]:
    """The links of a chain from `now` back, without `until` and those before it."""
    while now is not None and now != until:
        commit = odb.commit(objects, now)
        first = commit.parents[0] if commit.parents else None
        before = first if first is not None and _is_link(objects, first) else None
        yield _Link(now, commit, commit.parents[1:] if before is not None else commit.parents)
        now = before


def since(place: PlanPlace, objects: Objects, link: str | None) -> list[Kept]:
    """The commits that a plan keeps since that link, oldest first."""
    links = reversed([*_links(objects, tip(place), link)])
    return [Kept(oid, link.why) for link in links for oid in link.held]


def drop_attempts(place: PlanPlace, objects: Database, before: float) -> None:
    """Let go of the attempts that failed or were cut off before a time (seconds since 1970); all
    else that is kept stays. Raises Busy, MissingObject.
    """
    last = tip(place)
    written = odb.Written(objects)
    now: str | None = None
    changed = False
    for link in reversed([*_links(objects, last)]):
        if link.seconds < before and link.why.startswith(ATTEMPTS):
            changed = True
        elif changed:
            parents = (now, *link.held) if now is not None else link.held
            now = odb.write_commit(written, link.commit._replace(parents=parents))
        else:
            now = link.oid
    if last is None or not changed:
        return
    if now is None:
        refs.delete(place.repository, place.kept, old=last, reason=_DROPPED)
    else:
        refs.move_to_new(place.repository, place.kept, written, old=last, new=now, reason=_DROPPED)


def _is_link(objects: Objects, oid: str) -> bool:
    return odb.commit(objects, oid).message.startswith(_WHY)
