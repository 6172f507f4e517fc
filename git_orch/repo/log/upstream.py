"""Finding a plan's steps in another branch: by their trailers, or by their patch where somebody
wrote a new message.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch import notices
from git_orch.plans import trailers
from git_orch.plans.history import fold
from git_orch.plans.history.status import Branch, Commit, Landing, PlanState, Status
from git_orch.repo import ask, refs
from git_orch.repo.git import GitFailed
from git_orch.repo.objects import partial
from git_orch.repo.plan_place import PlanPlace

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

_EACH = ("log", "--no-walk=unsorted", "--stdin")  # the commits that the lines name
_GITLINK = " 160000 "
_MOST_PATHS = 1000  # that a search is narrowed to; with more of them it looks at every commit
# Whatever the user's configuration says of patches: those that are compared have to be made alike.
_PATCH = (
    "--patch", "--format=%H", "--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers", "--no-renames",
    "--full-index", "--binary", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short",
    "--no-ext-diff", "--no-textconv",
)  # fmt: skip


def steps(place: PlanPlace, logged: str, base: str, landed: Mapping[str, str]) -> dict[str, str]:
    """Steps whose change is already in the base, with the commit there.

    `logged` is the base that the log names, `base` the one that the branch has now; `landed` maps
    step IDs to commits. What the base itself reverted is not in it.
    """
    repository = place.repository
    # A base that was rewritten may be collected: then patches have nothing to end at.
    reachable = ask.commit(repository.git, logged) is not None
    span = (
        [base, f"^{logged}"]
        if reachable
        else [base, "--fixed-strings", f"--grep={place.id}", "--grep=This reverts commit "]
    )
    there, reverted = fold.standing_claims(place.id, _commits(repository, span))
    rest = {step: commit for step, commit in landed.items() if step not in there}
    if rest and reachable:
        here = {
            step: commit
            for step, commit in rest.items()
            if ask.commit(repository.git, commit) is not None
        }
        patches = _Patches(repository, may_fetch=False)
        there |= patches.same(here, patches.of_span(span, reverted))
    return {step: commit for step, commit in there.items() if step in landed}


def landed_commits(
    place: PlanPlace, branch: Branch, target: str, *, may_fetch: bool = True
) -> dict[str, str]:
    """The commits of `target` (an ID) that hold steps of a plan branch, by step. A partial clone
    that may not fetch does not compare patches of which it lacks a part.

    A step that was merged is its own commit; one that was picked or rebased has its trailers or its
    patch there; and when one commit has the patch of the whole branch, as a squash has, it holds
    every step. What another attempt made of a step is not what the branch has, nor what may have
    been there before the step's commit became what it is now.
    """
    repository = place.repository
    claims = [
        (claim, commit)
        for commit in branch.commits
        for claim in commit.message.claims
        if claim.plan == place.id
    ]
    ours = {claim.step: commit for claim, commit in claims}
    there = _part_of(repository, [commit.oid for commit in ours.values()], target)
    placed = {step: commit.oid for step, commit in ours.items() if commit.oid in there}
    rest = {claim.step: claim for claim, _ in claims if claim.step not in placed}
    if not rest or branch.base is None:
        return placed
    span = [target, f"^{branch.base}", f"^{branch.tip}"]
    listed = _commits(repository, span)
    claimed, reverted = fold.standing_claims(place.id, listed)
    claims_by_commit = {commit.oid: commit.message.claims for commit in listed}
    same = {
        step: claimed[step]
        for step, claim in rest.items()
        if step in claimed and claim in claims_by_commit[claimed[step]]
    }
    newer = _newer(repository, {ours[step].oid: oid for step, oid in same.items()})
    placed |= {step: oid for step, oid in same.items() if ours[step].oid not in newer}
    if len(placed) == len(ours):
        return placed
    patches = _Patches(repository, may_fetch=may_fetch)
    theirs = patches.of_span(span, reverted, patches.changed_paths(branch))
    missing = {step: ours[step].oid for step in rest if step not in placed}
    placed |= patches.same(missing, theirs)
    squash = theirs.get(patches.of_all(branch) or "")
    return dict.fromkeys(ours, squash) | placed if squash is not None else placed


def base_tip(repository: Repository, status: Status) -> str | None:
    """Where the base branch is now, if somebody else may have put the plan there: a complete one that
    has not landed.
    """
    ref = status.base.ref
    may_be = status.state is PlanState.COMPLETE and status.landed is None
    return refs.value(repository, ref) if may_be and ref is not None else None


class GoneBase(NamedTuple):
    """A base branch that is not there any more, and the full name that it has now, if one is known."""

    ref: str
    renamed: str | None


def gone_base(repository: Repository, status: Status) -> GoneBase | None:
    """The base branch of an open plan, if somebody has renamed or deleted it."""
    base = status.base
    if base.ref is None or base.commit is None or status.archived is not None:
        return None
    if refs.value(repository, base.ref) is not None:
        return None
    return GoneBase(base.ref, ask.renamed_branch(repository.git, base.ref))


def landing_by_others(repository: Repository, status: Status, tip: str | None) -> Landing | None:
    """The landing of a complete plan by somebody else: on its base branch, which is at `tip`, all
    of it, by a merge, a squash or a rebase.
    """
    branch, ref = status.branch, status.base.ref
    if branch is None or ref is None or tip is None:
        return None
    if tip in (branch.base, status.base.commit):
        return None
    place = PlanPlace(repository, status.id)
    commits = landed_commits(place, branch, tip, may_fetch=False)
    claimed = {step.id for step in status.steps if step.commit is not None}
    if not claimed or not claimed <= commits.keys():
        return None
    return Landing("found", ref, last_of(status, commits) or tip, branch.tip, commits)


def last_of(status: Status, commits: Mapping[str, str]) -> str | None:
    """The commit that the last step became."""
    return next((commits[step.id] for step in reversed(status.steps) if step.id in commits), None)


def _part_of(repository: Repository, commits: Sequence[str], target: str) -> frozenset[str]:
    """The commits that are part of `target`'s history."""
    if not commits:
        return frozenset()
    outside = repository.git.run(
        "rev-list", "--stdin", stdin="\n".join([*commits, f"^{target}", ""]).encode()
    )
    return frozenset(commits) - frozenset(outside.decode("ascii").split())


def _commits(repository: Repository, span: Sequence[str]) -> list[Commit]:
    """The commits of a span with the facts in their messages, newest first."""
    listed = repository.git.run("log", "-z", "--topo-order", "--format=%H%n%B", *span, "--")
    entries = [
        entry.partition("\n") for entry in listed.decode("utf-8", "replace").split("\0") if entry
    ]
    return [Commit(oid, "", (), trailers.read(message)) for oid, _, message in entries]


def _newer(repository: Repository, pairs: Mapping[str, str]) -> frozenset[str]:
    """The commits that may be newer than the ones they are paired with: an amended commit, for
    example.
    """
    if not pairs:
        return frozenset()
    both = "".join(f"{oid}\n" for oid in {*pairs, *pairs.values()}).encode()
    listed = repository.git.run(
        "log", "--no-walk=unsorted", "--format=%H %ct", "--stdin", stdin=both
    )
    times = {
        oid: int(seconds)
        for oid, seconds in (line.split() for line in listed.decode("ascii").splitlines())
    }
    return frozenset(one for one, other in pairs.items() if times[one] >= times[other])


class _Patches:
    """Patches by their IDs. Whether somebody has the same patch is a question beside the main one: a
    partial clone that lacks a part of a patch, and may or can not fetch it, leaves it out.
    """

    def __init__(self, repository: Repository, *, may_fetch: bool) -> None:
        self._git = repository.git
        self._may_fetch = may_fetch

    def of_span(
        self, span: Sequence[str], reverted: Collection[str], paths: Sequence[str] = ()
    ) -> dict[str, str]:
        """Commits that were not reverted, by their patch ID; with `paths` only those that touch one
        of them.
        """
        log = ("--literal-pathspecs", "log", "--full-diff", "--no-merges", *span, "--stdin")
        patches = self._patches(log, ("--", *paths), span)
        return {patch: oid for patch, oid in self._ids(patches) if oid not in reverted}

    def same(self, ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
        """For each of our commits, by whatever names it, the one of theirs with the same patch."""
        if not ours or not theirs:
            return {}
        patches = self._patches(_EACH, tuple(ours.values()))
        by_commit = {commit: patch for patch, commit in self._ids(patches)}
        return {
            name: theirs[by_commit[oid]]
            for name, oid in ours.items()
            if by_commit.get(oid) in theirs
        }

    def of_all(self, branch: Branch) -> str | None:
        """The ID of the patch that all commits of a branch are together."""
        base = branch.base or ""
        try:
            if self._may_fetch:
                partial.complete_merge(self._git, base, branch.tip)
            patch = self._git.run("diff", *_PATCH, base, branch.tip, "--")
        except GitFailed:
            self._raise_unless_partial()
            return None
        return next((patch for patch, _ in self._ids(patch)), None)

    def changed_paths(self, branch: Branch) -> list[str]:
        """The paths that the branch changes; none when they are too many, or a line cannot hold
        one.
        """
        try:
            paths = ask.changed_paths(self._git, branch.base or "", branch.tip)
        except GitFailed:
            self._raise_unless_partial()
            return []
        return (
            paths if len(paths) <= _MOST_PATHS and not any("\n" in path for path in paths) else []
        )

    def _patches(self, log: Sequence[str], lines: Sequence[str], span: Sequence[str] = ()) -> bytes:
        """The patches of the commits that a `git log` which reads these lines finds: in a span, or
        those that the lines are.
        """
        try:
            return self._git.run(*log, *_PATCH, stdin=_stdin(lines))
        except GitFailed:
            self._raise_unless_partial()
        try:
            if self._may_fetch:
                partial.complete_trees(self._git, *(span or ("--no-walk", *lines)))
            objects = self._objects(log, lines)
            missing = partial.missing_of(self._git, objects)
            if self._may_fetch and missing:
                partial.fetch(self._git, missing)
                missing = frozenset()
        except GitFailed as failed:
            if self._may_fetch:
                notices.tell(f"the patches of others are unknown: {failed}")
            return b""
        present = [commit for commit, oids in objects.items() if missing.isdisjoint(oids)]
        return self._git.run(*_EACH, *_PATCH, stdin=_stdin(present)) if present else b""

    def _objects(self, log: Sequence[str], lines: Sequence[str]) -> dict[str, list[str]]:
        """The files before and after each of these commits. Raises GitFailed."""
        raw = ("--raw", "--no-abbrev", "--no-renames", "--format=%H")
        listed = self._git.run(*log, *raw, stdin=_stdin(lines)).decode("ascii", "replace")
        objects: dict[str, list[str]] = {}
        patch: list[str] = []
        for line in listed.splitlines():
            if line.startswith(":"):
                sides = line.split(" ")[2:4] if _GITLINK not in line else []
                patch += [oid for oid in sides if oid.strip("0")]
            elif line:
                patch = objects.setdefault(line, [])
        return objects

    def _raise_unless_partial(self) -> None:
        """In the handler of a failure: raise it, where nothing can be missing."""
        if not partial.is_partial(self._git):
            raise  # noqa: PLE0704

    def _ids(self, patches: bytes) -> list[tuple[str, str]]:
        """Patch IDs with the commits they are of."""
        listed = self._git.run("patch-id", "--stable", stdin=patches).decode("ascii", "replace")
        return [(patch, commit) for patch, commit in (line.split() for line in listed.splitlines())]


def _stdin(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
