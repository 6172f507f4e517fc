"""The kept chain: commits that must not be collected, as parents of a local chain that is never
pushed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
# Whether the first parent of a link is the link before it: what it keeps may look like a link, too.
_PLACES = {"\n\nOrch-Link: first\n": False, "\n\nOrch-Link: next\n": True}
_DROPPED = "orch: let go of old attempts"
FAILED_ATTEMPT = "a failed attempt"
QUESTION = "an attempt that asked"
INTERRUPTED_WORK = "work of an interrupted attempt"
INTERRUPTED_RESULTS = "results of interrupted attempts"
DISTURBED_FILES = "files that changed while a check ran"
# Why something is kept that orch.keepDays limits.
ATTEMPTS = (FAILED_ATTEMPT, QUESTION, INTERRUPTED_WORK, INTERRUPTED_RESULTS, DISTURBED_FILES)


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
        link = identity.commit(written, tree, parents, _message(why, first=before is None))
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


class Link(NamedTuple):
    """A link of a chain: its commit, and the commits that it holds beside the link before."""

    oid: str
    commit: CommitObject
    held: tuple[str, ...]

    @property
    def why(self) -> str:
        """Why they are held."""
        return self.commit.message.removeprefix(_WHY).partition("\n")[0].strip()

    @property
    def seconds(self) -> int:
        """When the link was made, in seconds since 1970; now for one that does not say."""
        words = self.commit.committer.split(" ")
        return int(words[-2]) if len(words) > 1 and words[-2].isdigit() else 2**62


def _links(objects: Objects, now: str | None, until: str | None = None) -> Iterator[Link]:
    """The links of a chain from `now` back, without `until` and those before it."""
    while now is not None and now != until:
        commit = odb.commit(objects, now)
        before = commit.parents[0] if _has_link_before(objects, commit) else None
        yield Link(now, commit, commit.parents[1:] if before is not None else commit.parents)
        now = before


def since(place: PlanPlace, objects: Objects, link: str | None) -> list[Kept]:
    """The commits that a plan keeps since that link, oldest first."""
    links = reversed([*_links(objects, tip(place), link)])
    return [Kept(oid, link.why) for link in links for oid in link.held]


def is_attempt(place: PlanPlace, objects: Objects, commit: str) -> bool:
    """Whether a commit is kept as what an attempt of this clone has made."""
    links = _links(objects, tip(place))
    return any(commit in link.held and link.why.startswith(ATTEMPTS) for link in links)


def drop_attempts(place: PlanPlace, objects: Database, before: float) -> None:
    """Let go of the attempts that failed or were cut off before a time (seconds since 1970); all
    else that is kept stays. Raises Busy, MissingObject.
    """
    drop(place, objects, lambda link: link.seconds < before and link.why.startswith(ATTEMPTS))


def drop(
    place: PlanPlace, objects: Database, goes: Callable[[Link], bool], *, dry_run: bool = False
) -> int:
    """Let go of the links that `goes` says; all else that is kept stays. Gives how many commits they
    hold. Raises Busy, MissingObject.
    """
    last = tip(place)
    written = odb.Written(objects)
    now: str | None = None
    changed = False
    dropped = 0
    for link in reversed([*_links(objects, last)]):
        if goes(link):
            changed = True
            dropped += len(link.held)
        elif changed:
            parents = (now, *link.held) if now is not None else link.held
            message = _message(link.why, first=now is None)
            moved = link.commit._replace(parents=parents, message=message)
            now = odb.write_commit(written, moved)
        else:
            now = link.oid
    if last is None or not changed or dry_run:
        return dropped
    if now is None:
        refs.delete(place.repository, place.kept, old=last, reason=_DROPPED)
    else:
        refs.move_to_new(place.repository, place.kept, written, old=last, new=now, reason=_DROPPED)
    return dropped


def _message(why: str, *, first: bool) -> str:
    [place] = (text for text, is_next in _PLACES.items() if is_next != first)
    return f"{_WHY}{why}{place}"


def _has_link_before(objects: Objects, link: CommitObject) -> bool:
    """Whether the first parent of a link is the link before it. One that does not say was made by
    an early version: links have no files.
    """
    for place, is_next in _PLACES.items():
        if link.message.endswith(place):
            return is_next
    if not link.parents:
        return False
    first = odb.commit(objects, link.parents[0])
    return first.message.startswith(_WHY) and first.tree == link.tree
