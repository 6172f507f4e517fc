"""What became of the requirements of plans, by what logs and this machine know of their checks, and
by the trees that are there.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from git_orch.plans import approval, drift, ids, requirements
from git_orch.plans.drift import Facts, Verdict
from git_orch.plans.history.status import Status, StepStatus
from git_orch.plans.plan import Check
from git_orch.repo import ask, localfiles, own_files, refs, tree_records
from git_orch.repo.local import receipts
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import tree_changes
from git_orch.repo.objects.objects import MissingObject, Objects
from git_orch.repo.objects.tree_changes import Incomplete
from git_orch.repo.plan_place import PlanPlace

if TYPE_CHECKING:
    from git_orch.repo.repository import Repository

_NAMES = 40  # changed paths that the event of a landing has at most
_MOST_COMPARED = 200  # trees on which checks of a plan passed; a log may name any number
_DIRECTORY = "requirements"


class Now(NamedTuple):
    """What is there now of the work of a plan: a commit and its tree."""

    commit: str
    tree: str


class Sight:
    """A look at a repository, for several plans: what is asked of git is asked once."""

    def __init__(self, repository: Repository, objects: Objects) -> None:
        self.repository = repository
        self.objects = objects
        self._tips: dict[str, str | None] = {}

    def tip(self, ref: str) -> str | None:
        """The commit that a branch is at."""
        if ref not in self._tips:
            self._tips[ref] = refs.value(self.repository, ref)
        return self._tips[ref]

    @functools.cached_property
    def branch(self) -> str | None:
        """The branch that is checked out where the user stands."""
        return ask.head_branch(self.repository.user_git) if self.repository.top else None

    @functools.cached_property
    def uncommitted(self) -> list[str]:
        """The tracked files there that have uncommitted changes."""
        options = ("--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
        look = ("diff", "--name-only", "-z", *options, "HEAD", "--")
        return ask.names(self.repository.user_git.finished(*look, expect=(0, 128)).stdout)


def now(sight: Sight, status: Status) -> Now | None:
    """The tip of the branch that the plan has landed on, else that of its own branch; None where it
    has neither.
    """
    landed = status.landed
    if landed is not None:
        for oid in (sight.tip(landed.ref), landed.new):
            if oid is None:
                continue
            try:
                return Now(oid, odb.commit(sight.objects, oid).tree)
            except MissingObject:
                continue
    commits = status.branch.commits if status.branch is not None else ()
    return Now(commits[-1].oid, commits[-1].tree) if commits else None


def verdicts(sight: Sight, status: Status) -> list[Verdict]:
    """What became of every requirement of a plan; nothing without requirements."""
    if not status.plan.requirements:
        return []
    repository, objects = sight.repository, sight.objects
    there = now(sight, status)
    if there is None:
        return [Verdict(requirement, "open") for requirement in status.plan.requirements]
    changed = {step.id: _changed(objects, step) for step in status.steps}
    watched = {
        requirement.id: drift.watched(status.plan, requirement, changed)
        for requirement in status.plan.requirements
    }
    differing = _Differing(objects, there.tree, sorted({*_every(watched.values())}))
    checks = drift.checks_of(status.plan)
    proofs = tree_records.read(PlanPlace(repository, status.id)).proofs
    passed = {
        check: [*_proved(check, proofs), *drift.passed_trees(status, check)] for check in checks
    }
    facts = Facts(passed, watched, differing.paths)
    judged = drift.verdicts(status, facts)
    if drift.drifted(judged):
        # Somebody may have run the same check for another plan.
        others = receipts.trees_of(repository, checks)
        more = {check: [*others.get(check, ()), *trees] for check, trees in passed.items()}
        judged = drift.verdicts(status, facts._replace(passed=more)) if others else judged
    if status.landed is None or sight.branch != status.landed.ref:
        return judged
    return drift.with_uncommitted(judged, watched, sight.uncommitted)


def _every(lists: Iterable[Sequence[str]]) -> Iterable[str]:
    for listed in lists:
        yield from listed


def _proved(check: Check, proofs: Sequence[tuple[str, str]]) -> list[str]:
    name = approval.checks_digest((check,))
    return [tree for digest, tree in reversed(proofs) if digest == name]


def _changed(objects: Objects, step: StepStatus) -> Sequence[str]:
    """The paths that a step changed, by the log or, where that does not name all, by its commit."""
    named = step.attempt.changed if step.attempt is not None else ()
    if step.commit is None or (step.attempt is not None and len(named) < _NAMES):
        return named
    try:
        parents = step.commit.parents
        before = odb.commit(objects, parents[0]).tree if parents else None
        if before is None:
            return named
        return tree_changes.changed_paths(objects, before, step.commit.tree, lambda _: True)
    except (MissingObject, Incomplete):
        return named


class _Differing:
    """How trees differ from what is there now, in what somebody watches."""

    def __init__(self, objects: Objects, tree: str, patterns: Sequence[str]) -> None:
        self._objects = objects
        self._tree = tree
        self._patterns = patterns
        self._compared: dict[str, list[str] | None] = {}

    def paths(self, tree: str, patterns: Sequence[str]) -> list[str] | None:
        """The watched paths that differ; None where the trees cannot be compared."""
        if tree not in self._compared and len(self._compared) < _MOST_COMPARED:
            self._compared[tree] = self._compare(tree)
        differing = self._compared.get(tree)
        if differing is None:
            return None
        return [path for path in differing if requirements.is_watched(path, patterns)]

    def _compare(self, tree: str) -> list[str] | None:
        def is_asked(directory: str) -> bool:
            return requirements.may_be_below(directory, self._patterns)

        try:
            return tree_changes.changed_paths(self._objects, tree, self._tree, is_asked)
        except Incomplete:
            return None


# -- plans that were put away ----------------------------------------------------------------------


def remember(place: PlanPlace, status: Status, home: str | None) -> None:
    """Let `git orch status` look at the requirements of a landed plan that is put away; its note in
    the archive hangs on `home`, as far as somebody can say.
    """
    if status.plan.requirements and status.landed is not None:
        path = place.repository.state_dir / _DIRECTORY / place.id
        localfiles.write(path, (home or "").encode("ascii"), synced=False)


def remember_fetched(place: PlanPlace, status: Status) -> None:
    """Remember a plan that another machine has put away, unless it is remembered."""
    commits = status.branch.commits if status.branch is not None else ()
    home = commits[0].oid if commits and commits[0].message.cover_of == status.id else None
    if not os.path.lexists(os.path.join(place.repository.state_path, _DIRECTORY, place.id)):
        remember(place, status, home)


def remembered(repository: Repository) -> dict[str, str]:
    """The plans that were put away, and whose requirements count, with the objects that their notes
    hang on.
    """
    directory = os.path.join(repository.state_path, _DIRECTORY)
    homes: dict[str, str] = {}
    try:
        for name in sorted(os.listdir(directory)):
            if ids.PLAN_ID.fullmatch(name):
                path = os.path.join(directory, name)
                homes[name] = own_files.read_bytes(path).decode("ascii", "replace")
    except (OSError, own_files.NotOurs):
        return {}
    return homes
