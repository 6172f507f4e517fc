"""Reading a plan branch: first-parent from its tip to the earliest commit of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_orch.plans import trailers
from git_orch.plans.history.status import Branch, Commit
from git_orch.repo.log import bounds
from git_orch.repo.objects import raw

if TYPE_CHECKING:
    from git_orch.repo.objects.objects import Found, Objects

# Commits; a branch moved to a place without any commit of its plan is not followed to its root.
_FARTHEST = 50_000


@dataclass
class _Walk:
    plan: str
    tip: str
    base: str | None
    next: str | None
    seen: list[Commit] = field(default_factory=list)
    covered: bool = False
    size: int = 0  # bytes of the commits


def read_many(objects: Objects, starts: Sequence[tuple[str, str, str | None]]) -> list[Branch]:
    """The branches of many plans at once: each given as plan ID, tip, and the base its log names.

    The walk ends at the cover commit or, where that is missing, at the base; then the earliest
    commit is the earliest one that claims a step.
    """
    walks = [_Walk(plan, tip, base, tip) for plan, tip, base in starts]
    for _ in range(_FARTHEST):
        going = [walk for walk in walks if walk.next is not None]
        if not going:
            break
        nexts = [walk.next or "" for walk in going]
        commits = bounds.read_small(objects, nexts, bounds.LARGEST_COMMIT)
        for walk, commit in zip(going, commits, strict=True):
            if commit is None or commit.kind != "commit" or walk.size > bounds.LARGEST_LOG:
                walk.next = None
                continue
            walk.size += len(commit.data)
            _advance(walk, raw.commit_object(commit.data))
    return _with_reverted(objects, [_branch(walk) for walk in walks])


def _with_reverted(objects: Objects, branches: list[Branch]) -> list[Branch]:
    """The branches with the commits that reverts name by an ID from before an amend or a rebase,
    while they exist.
    """
    missing = []
    for branch in branches:
        here = {commit.oid for commit in branch.commits}
        missing.append(
            sorted({oid for commit in branch.commits for oid in commit.message.reverts} - here)
        )
    if not any(missing):
        return branches
    every = [oid for oids in missing for oid in oids]
    stored = iter(bounds.read_small(objects, every, bounds.LARGEST_COMMIT))
    named = [tuple(_commit(oid, next(stored)) for oid in oids) for oids in missing]
    return [
        branch._replace(named=tuple(commit for commit in commits if commit is not None))
        for branch, commits in zip(branches, named, strict=True)
    ]


def _commit(oid: str, stored: Found | None) -> Commit | None:
    if stored is None or stored.kind != "commit":
        return None
    fields = raw.commit_object(stored.data)
    return _of(oid, fields, trailers.read(fields.message))


def _of(oid: str, fields: raw.CommitObject, message: trailers.Message) -> Commit:
    subject = fields.message.lstrip("\n").partition("\n")[0]
    return Commit(oid, fields.tree, fields.parents, message, subject)


def _advance(walk: _Walk, fields: raw.CommitObject) -> None:
    here = walk.next or ""
    message = trailers.read(fields.message)
    walk.seen.append(_of(here, fields, message))
    walk.covered = message.cover_of == walk.plan
    parent = fields.parents[0] if fields.parents else None
    walk.next = None if walk.covered or here == walk.base else parent


def _branch(walk: _Walk) -> Branch:
    commits = list(reversed(walk.seen))
    if not walk.covered:
        ours = [
            index
            for index, commit in enumerate(commits)
            if commit.oid != walk.base
            and any(claim.plan == walk.plan for claim in commit.message.claims)
        ]
        if not ours:
            return Branch(walk.tip, (), walk.tip)
        commits = commits[ours[0] :]
    earliest = commits[0]
    return Branch(walk.tip, tuple(commits), earliest.parents[0] if earliest.parents else None)
