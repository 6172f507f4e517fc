"""The result of an attempt, held by a ref of its own until it has landed or is kept: whoever lost
the answer asks git.

The ref names a commit whose message is the result as JSON and whose parent is the commit the
attempt made, if any.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from git_orch import checkpoints
from git_orch.repo import refs, sync
from git_orch.repo.git import GitFailed
from git_orch.repo.objects import objects as odb

if TYPE_CHECKING:
    from git_orch.repo.identity import Identity
    from git_orch.repo.objects.objects import Objects, Written
    from git_orch.repo.plan_place import PlanPlace


class Given(NamedTuple):
    """The result of an attempt at a step: JSON, and the commit it made."""

    attempt: str
    text: str
    commit: str | None


def result_of(place: PlanPlace, objects: Objects, attempt: str) -> str | None:
    """The result of an attempt, as JSON; None when there is none yet."""
    oid = refs.value(place.repository, _ref(place, attempt))
    return odb.commit(objects, oid).message if oid is not None else None


@checkpoints.around("store result")
def store(place: PlanPlace, written: Written, identity: Identity, given: Given) -> str:
    """Store the result of an attempt unless there is one already; gives the one that counts, that
    of the first.
    """
    parents = (given.commit,) if given.commit is not None else ()
    holder = identity.commit(written, odb.write_tree(written, []), parents, given.text)
    try:
        refs.move_to_new(
            place.repository,
            _ref(place, given.attempt),
            written,
            old=None,
            new=holder,
            reason="orch: result",
        )
    except refs.RefMoved:
        first = result_of(place, written, given.attempt)
        if first is None:
            raise
        return first
    return given.text


def left(place: PlanPlace) -> dict[str, str]:
    """The results of a plan that nobody has taken yet: attempts, and the objects that their refs
    name.
    """
    values = refs.below(place.repository, place.results)
    return {ref.removeprefix(place.results): oid for ref, oid in values.items()}


@checkpoints.around("forget results")
def forget(place: PlanPlace, attempts: Iterable[str]) -> None:
    """Delete the refs of results that have landed or are kept.

    Where another git has locked the refs (deleting one needs packed-refs), they stay for the next
    run to delete: a run that has landed everything does not fail for them.
    """
    lines = "".join(f"delete {_ref(place, attempt)}\n" for attempt in attempts)
    if not lines:
        return
    try:
        deleting = ("update-ref", "--no-deref", "--stdin")
        place.repository.git.run(*sync.options(), *deleting, stdin=lines.encode("ascii"))
    except GitFailed as failed:
        if not failed.locked:
            raise


def _ref(place: PlanPlace, attempt: str) -> str:
    return place.results + attempt
