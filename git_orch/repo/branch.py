"""Reading a plan branch: first-parent from its tip to the earliest commit of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_orch.plans import trailers
from git_orch.plans.status import Branch, Commit
from git_orch.repo import raw

if TYPE_CHECKING:
    from git_orch.repo.objects import Objects
    from git_orch.repo.repository import Repository

_FARTHEST = 50_000  # commits; a branch moved to a place without any commit of its plan is not followed to its root


@dataclass
class _Walk:
    plan: str
    tip: str
    base: str | None
    next: str | None
    seen: list[Commit] = field(default_factory=list)
    covered: bool = False


def read_many(objects: Objects, wanted: Sequence[tuple[str, str, str | None]]) -> list[Branch]:
    """The branches of many plans at once: each given as plan ID, tip, and the base its log names.

    The walk ends at the cover commit or, where that is missing, at the base; then the earliest commit is the earliest
    one that claims a step.
    """
    walks = [_Walk(plan, tip, base, tip) for plan, tip, base in wanted]
    for _ in range(_FARTHEST):
        going = [walk for walk in walks if walk.next is not None]
        if not going:
            break
        for walk, found in zip(going, objects.read_many([walk.next or "" for walk in going]), strict=True):
            if found is None or found.kind != "commit":
                walk.next = None
                continue
            _advance(walk, raw.commit_object(found.data))
    return [_branch(walk) for walk in walks]


def _advance(walk: _Walk, fields: raw.CommitObject) -> None:
    here = walk.next or ""
    message = trailers.read(fields.message)
    walk.seen.append(Commit(here, fields.tree, fields.parents, message))
    walk.covered = message.cover_of == walk.plan
    parent = fields.parents[0] if fields.parents else None
    walk.next = None if walk.covered or here == walk.base else parent


def _branch(walk: _Walk) -> Branch:
    commits = list(reversed(walk.seen))
    if not walk.covered:
        ours = [
            index
            for index, commit in enumerate(commits)
            if commit.oid != walk.base and any(claim.plan == walk.plan for claim in commit.message.claims)
        ]
        if not ours:
            return Branch(walk.tip, (), walk.tip)
        commits = commits[ours[0] :]
    earliest = commits[0]
    return Branch(walk.tip, tuple(commits), earliest.parents[0] if earliest.parents else None)


def upstream_steps(
    repository: Repository, plan: str, base: tuple[str, str], landed: Mapping[str, str]
) -> frozenset[str]:
    """Steps whose change is already in the base: by their trailers, or by the patch of the commit that landed them.

    `base` is the logged base and the one the branch has now; `landed` maps step IDs to commits.
    """
    old, new = base
    span = [new, f"^{old}"]
    listed = repository.git.run("log", "-z", "--format=%B", *span, "--")
    claims = {
        claim.step
        for message in listed.decode("utf-8", "replace").split("\0")
        for claim in trailers.read(message).claims
        if claim.plan == plan
    }
    rest = {step: commit for step, commit in landed.items() if step not in claims}
    if rest:
        theirs = set(_patch_ids(repository, span))
        for step, commit in rest.items():
            known = repository.git.finished("cat-file", "-e", f"{commit}^{{commit}}", expect=(0, 1, 128)).status == 0
            if known and set(_patch_ids(repository, ["-1", commit])) & theirs:
                claims.add(step)
    return frozenset(claims & landed.keys())


def _patch_ids(repository: Repository, span: Sequence[str]) -> list[str]:
    patches = repository.git.run("log", "-p", "--no-ext-diff", "--no-textconv", "--no-merges", *span, "--")
    listed = repository.git.run("patch-id", "--stable", stdin=patches)
    return [line.split()[0] for line in listed.decode("ascii", "replace").splitlines()]
