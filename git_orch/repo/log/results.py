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
    from git_orch.repo.repository import Repository


class Given(NamedTuple):
    """The result of an attempt at a step of a plan: JSON, and the commit it made."""

    plan: str
    attempt: str
    text: str
    commit: str | None


def result_of(repository: Repository, objects: Objects, plan: str, attempt: str) -> str | None:
    """The result of an attempt, as JSON; None when there is none yet."""
    oid = refs.value(repository, _ref(plan, attempt))
    return odb.commit(objects, oid).message if oid is not None else None


@checkpoints.around("store result")
def store(repository: Repository, written: Written, identity: Identity, given: Given) -> str:
    """Store the result of an attempt unless there is one already; gives the one that counts, that
    of the first.
    """
    parents = (given.commit,) if given.commit is not None else ()
    holder = identity.commit(written, odb.write_tree(written, []), parents, given.text)
    try:
        refs.move_to_new(
            repository,
            _ref(given.plan, given.attempt),
            written,
            old=None,
            new=holder,
            reason="orch: result",
        )
    except refs.RefMoved:
        first = result_of(repository, written, given.plan, given.attempt)
        if first is None:
            raise
        return first
    return given.text


def left(repository: Repository, plan: str) -> dict[str, str]:
    """The results of a plan that nobody has taken yet: attempts, and the objects that their refs
    name.
    """
    prefix = f"{refs.RESULTS}{plan}/"
    listed = repository.git.run("for-each-ref", "--format=%(objectname) %(refname)", prefix).decode(
        "ascii", "replace"
    )
    pairs = (line.split(" ", 1) for line in listed.splitlines())
    return {ref.removeprefix(prefix): oid for oid, ref in pairs}


@checkpoints.around("forget results")
def forget(repository: Repository, plan: str, attempts: Iterable[str]) -> None:
    """Delete the refs of results that have landed or are kept.

    Where another git has locked the refs (deleting one needs packed-refs), they stay for the next
    run to delete: a run that has landed everything does not fail for them.
    """
    lines = "".join(f"delete {_ref(plan, attempt)}\n" for attempt in attempts)
    if not lines:
        return
    try:
        repository.git.run(*sync.options(), "update-ref", "--stdin", stdin=lines.encode("ascii"))
    except GitFailed as failed:
        if not failed.locked:
            raise


def _ref(plan: str, attempt: str) -> str:
    return f"{refs.RESULTS}{plan}/{attempt}"
