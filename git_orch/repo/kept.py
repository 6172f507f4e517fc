"""The kept chain: commits that must not be collected, as parents of a local chain that is never pushed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.repo import objects as odb
from git_orch.repo import raw, refs

if TYPE_CHECKING:
    from git_orch.repo.identity import Identity
    from git_orch.repo.objects import Objects
    from git_orch.repo.repository import Repository

_TRIES = 50


def keep(
    repository: Repository, objects: Objects, identity: Identity, plan: str, commits: Sequence[str], why: str
) -> None:
    """Make `commits` reachable from the plan's kept chain. Commits that are already gone are left out. Raises Busy."""
    present = [oid for oid, found in zip(commits, objects.read_many(commits), strict=True) if found is not None]
    if not present:
        return
    ref, written = refs.KEPT + plan, odb.Written(objects)
    person = identity.now()
    for tries in range(_TRIES):
        before = refs.value(repository, ref)
        link = odb.write_commit(
            written,
            raw.CommitObject(
                tree=odb.write_tree(written, []),
                parents=tuple(dict.fromkeys([before, *present] if before else present)),
                author=person.author,
                committer=person.committer,
                message=f"orch: keep {why}\n",
            ),
        )
        try:
            refs.move_to_new(repository, ref, written, old=before, new=link, reason=f"orch: keep {why}")
        except errors.Busy:
            if tries == _TRIES - 1:
                raise
        else:
            return
