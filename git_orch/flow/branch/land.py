"""Landing: a finished plan goes to a branch of the user's, and then to the archive.

Everything is built and every conflict is known before a ref moves; the branch moves once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

from git_orch import errors
from git_orch.flow.approval import grant
from git_orch.flow.attempt import verify
from git_orch.flow.branch import archive, conflict
from git_orch.flow.branch import target as targets
from git_orch.flow.branch.conflict import Stopped
from git_orch.flow.branch.target import Consequence, Target
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import base as basing
from git_orch.flow.reports import Note
from git_orch.plans import ids, messages, sentences
from git_orch.plans.document import Document
from git_orch.plans.history.status import (
    SATISFIED,
    Branch,
    Commit,
    MoveKind,
    PlanState,
    Status,
    StepState,
    StepStatus,
)
from git_orch.repo import refs, settings
from git_orch.repo.chain import Chain
from git_orch.repo.log import upstream
from git_orch.repo.objects import merges, signed_commits
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.objects import Written
from git_orch.repo.worktree import gate, ingest
from git_orch.repo.worktree.conflict_record import Operation, Stop

Mode = Literal["merge", "rebase", "squash", "ff-only"]  # as settings.WAYS_TO_LAND


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a plan went, or would go: `old` is where the branch was, `new` where it is now.

    `mode` is `found` where all of it was in the branch already. `commits` has the commit that each
    step became. What is not `archived` stays open: a part of a plan, or a plan whose branch
    somebody has checked out. `code` are the changed files that run code where somebody uses the
    tree.
    """

    mode: str
    ref: str
    old: str | None
    new: str
    commits: Mapping[str, str]
    archived: bool = False
    code: tuple[str, ...] = ()


class Terms(NamedTuple):
    """The options of a landing: with `partial` also a plan that is not done, with `unverified` also
    what this machine has not verified; with `dry_run` nothing moves.
    """

    mode: Mode = "merge"
    partial: bool = False
    unverified: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """The new tip for a branch, the objects that no ref holds yet, and the commit that each step
    became.
    """

    tip: str
    written: Written
    commits: Mapping[str, str]
    new: tuple[str, ...] = ()  # the commits that were written, parents first


@dataclass(frozen=True, slots=True)
class _Work:
    """A plan about to land: its status, its branch, and where it goes."""

    plan: OpenPlan
    status: Status
    branch: Branch
    target: Target
    written: Written

    @property
    def name(self) -> str:
        return ids.short(self.plan.id)


def land(plan: OpenPlan, onto: str | None, terms: Terms) -> Landing:
    """Bring the plan branch to the branch `onto`, or to the one that the plan started from, and
    archive the plan. What this machine has not verified is verified first.

    Raises Refused for a plan that is not done, or whose checks may not run here, StepFailed when
    they fail, Conflict when it does not merge, Busy when files or an unfinished operation are in
    the way.
    """
    status, mode = plan.status(), terms.mode
    branch = _branch_to_land(status, partial=terms.partial)
    target = _target(plan, status, onto)
    work = _Work(plan, status, branch, target, Written(plan.objects))
    operation = Operation("land", target.ref, _flags(terms))
    with contextlib.nullcontext() if terms.dry_run else conflict.offering(plan, operation):
        built = _build(work, mode)
    work.written.flush()
    if built is None:
        return _record_landing(work, dry_run=terms.dry_run)
    code = _code_files(work, built)
    if terms.dry_run or terms.unverified:
        _warn_of_unverified(work, terms)
    else:
        work = _verify(work)
    _warn_of_untested(work, built)
    if terms.dry_run:
        return Landing(mode, target.ref, target.tip, built.tip, built.commits, code=code)
    again = f"land --{mode} {_onto(work)}"
    built = sign(plan, built, again)
    body: Document = {"mode": mode, "tip": branch.tip, "commits": dict(built.commits)}
    if not work.status.is_verified_here():
        body["unverified"] = True
    change = target.to(built.tip, MoveKind.LAND, f"land on {target.name}")
    try:
        targets.advance(plan, target, change, built.written, Consequence("plan.landed", body))
    except refs.RefMoved as lost:
        raise errors.Busy(lost.cause, f"git orch {again}") from lost
    landing = Landing(mode, target.ref, target.tip, built.tip, built.commits, code=code)
    return _put_away(work, landing)


def _flags(terms: Terms) -> tuple[str, ...]:
    given = {"partial": terms.partial, "unverified": terms.unverified}
    return (terms.mode, *(flag for flag, is_given in given.items() if is_given))


def terms_of(operation: Operation) -> Terms:
    """The terms of a landing that a conflict has stopped."""
    mode = next(mode for mode in get_args(Mode) if mode in operation.flags)
    return Terms(mode, "partial" in operation.flags, "unverified" in operation.flags)


# -- what nobody here has verified -----------------------------------------------------------------


def warn_of_unverified_steps(plan: OpenPlan, status: Status, steps: Sequence[StepStatus]) -> None:
    """Report which of these steps this machine has not verified."""
    numbers = [step.number for step in steps if step.id in status.unverified_here]
    if numbers:
        plan.reporter.emit(Note(_not_verified(sentences.steps(numbers), len(numbers))))


def _not_verified(what: str, count: int) -> str:
    return f"{what} {sentences.verb(count, 'was', 'were')} not verified on this machine"


def _unverified_text(status: Status) -> str:
    """What this machine has not verified, in words."""
    numbers = [step.number for step in status.steps if step.id in status.unverified_here]
    what = sentences.steps(numbers) if numbers else "the tip, which has other commits,"
    return _not_verified(what, len(numbers) or 1)


def _warn_of_unverified(work: _Work, terms: Terms) -> None:
    if work.status.is_verified_here():
        return
    then = "" if terms.unverified else "; landing runs all checks on the tip first"
    work.plan.reporter.emit(Note(f"{_unverified_text(work.status)}{then}"))


def _verify(work: _Work) -> _Work:
    """Run all checks on the tip, unless this machine has seen them pass; gives the work as it
    stands then. Raises Refused where they may not run here, StepFailed when one fails.
    """
    status, name = work.status, work.name
    if status.is_verified_here():
        return work
    insist = f"or land it unverified: git orch land --unverified {name}"
    work.plan.reporter.emit(
        Note(f"{_unverified_text(status)}: running all checks on the tip first")
    )
    try:
        tip = verify.verify_tip(work.plan, verify.Terms(record=True, announce=True))
    except errors.Refused as refused:
        cause = f"{_unverified_text(status)}, and its checks may not run here: {refused.cause}"
        again = errors.Refused(cause, f"{refused.hint}  # {insist}")
        again.details = refused.details
        raise again from refused
    if not tip.checked.passed:
        first = tip.checked.failed[0]
        number = status.plan.position(first.step)
        failing = sentences.command(first.command)
        raise errors.StepFailed(
            f"check {failing} of step {number} fails on the tip: nothing was landed",
            f"git orch verify --tip {name}  # {insist}",
        )
    now = work.plan.status()
    _refuse_unreviewed(now, insist)
    return replace(work, status=now)


def _refuse_unreviewed(status: Status, insist: str) -> None:
    """Raises Refused where a step has a review whose verdict on its present change is not known
    here: no check on the tip takes its place.
    """
    for step in status.steps:
        if step.id in status.unverified_here and step.step.reviews:
            again = f"git orch verify {ids.short(status.id)} {step.number} --record"
            cause = f"step {step.number} was not reviewed as it is now"
            raise errors.Refused(cause, f"{again}  # {insist}")


def _code_files(work: _Work, built: Built) -> tuple[str, ...]:
    """The files that run code where somebody uses the tree, and that the landing changes."""
    repository, objects = work.plan.repository, built.written
    old = work.target.tip or repository.empty_tree

    def read(oids: Sequence[str]) -> dict[str, bytes]:
        stored = zip(oids, objects.read_many(list(oids)), strict=True)
        return {oid: blob.data for oid, blob in stored if blob is not None}

    changes = ingest.changes(repository.git, old, built.tip)
    return gate.code_files(changes, read, existing=True)


def _target(plan: OpenPlan, status: Status, onto: str | None) -> Target:
    home = onto or _home_of(status)
    try:
        return targets.find(plan.repository, home)
    except errors.NotFound as gone:
        if onto is not None:
            raise
        hint = f"git branch --list; git orch land {plan.name} --onto BRANCH  # its new name, say"
        raise basing.gone(plan, home, f"git orch land {plan.name}", hint) from gone


def _home_of(status: Status) -> str:
    if status.base.ref is None:
        name = ids.short(status.id)
        raise errors.UsageError(
            "the plan was made on a detached HEAD", f"git orch land {name} --onto main"
        )
    return status.base.ref


def _branch_to_land(status: Status, *, partial: bool) -> Branch:
    """The branch of a plan that can land. Raises Refused."""
    grant.refuse_rejected(status)
    name = ids.short(status.id)
    left = [step for step in status.steps if step.state not in SATISFIED]
    if status.branch is None or not status.satisfied_steps():
        raise errors.Refused(f"no step of '{name}' is done", f"git orch exec {name}")
    if left and not partial:
        claimed = next((step.number for step in left if step.state is StepState.CLAIMED), None)
        raise errors.Refused(
            f"not done in '{name}': {sentences.steps(step.number for step in left)}",
            f"git orch adopt {name} {claimed}"
            if claimed is not None
            else f"git orch exec {name}  # or land what is done: git orch land --partial {name}",
        )
    if not left and status.state is not PlanState.COMPLETE:
        raise errors.Refused(f"checks fail on the tip of '{name}'", f"git orch verify --tip {name}")
    return status.branch


def _record_landing(work: _Work, *, dry_run: bool) -> Landing:
    """Record that somebody else brought the whole plan to the branch, and archive the plan."""
    ref, tip = work.target.ref, work.target.tip or ""
    commits = upstream.landed_commits(work.plan.place, work.branch, tip)
    new = upstream.last_of(work.status, commits) or tip
    landing = Landing("found", ref, tip, new, commits)
    if dry_run:
        return landing
    before = work.status.landed
    # The log has the landing already: only the archive lacks the plan.
    if before is not None and (before.ref, before.tip) == (ref, work.branch.tip):
        return _put_away(work, landing)
    body = {"mode": "found", "ref": ref, "to": new, "tip": work.branch.tip, "commits": commits}
    work.plan.record((work.plan.home, work.plan.event("plan.landed", **body)))
    return _put_away(work, landing)


def _put_away(work: _Work, landing: Landing) -> Landing:
    """Archive the plan, if nothing of it is left to do; whoever has its branch checked out keeps
    it.
    """
    conflict.forget_settled(work.plan)
    if len(work.status.satisfied_steps()) < len(work.status.steps):
        return landing
    try:
        archive.archive(work.plan, "landed")
    except (errors.Busy, errors.DiskFull) as busy:
        work.plan.reporter.emit(
            Note(f"not archived: {busy.cause}; then: git orch archive {work.name}")
        )
        return landing
    return replace(landing, archived=True)


def _warn_of_untested(work: _Work, built: Built) -> None:
    status = work.status
    loose = [step.number for step in status.steps if step.state is StepState.UNVERIFIED]
    if loose and not status.is_verified_here():
        work.plan.reporter.emit(
            Note(f"changed since their checks passed: {sentences.steps(loose)}")
        )
    if status.failed_on_earlier_tip():
        work.plan.reporter.emit(
            Note("checks failed on an earlier tip of the plan, and did not run on this one")
        )
    tree = odb.commit(built.written, built.tip).tree
    tested = [odb.commit(work.plan.objects, work.branch.tip).tree]
    resolved = conflict.Resolutions(work.plan).last_merge()
    if resolved is not None:
        tested.append(odb.commit(work.plan.objects, resolved.commit).tree)
    if tree not in tested:
        warning = (
            f"{sentences.quoted(work.target.name)} has commits that the plan lacks: its checks "
            "never ran on both together"
        )
        work.plan.reporter.emit(Note(warning))


# -- what it becomes -------------------------------------------------------------------------------


def _build(work: _Work, mode: Mode) -> Built | None:
    """Build the commits to land; None when all of it is in the branch already. Raises Conflict,
    Refused.
    """
    old, tip = work.target.tip, work.branch.tip
    if old is None:  # a branch without a commit yet becomes the plan branch
        return Built(tip, work.written, _own_commits(work.status))
    if work.plan.is_ancestor(tip, old) or _is_there(work, old):
        return None
    if mode == "ff-only":
        if work.plan.is_ancestor(old, tip):
            return Built(tip, work.written, _own_commits(work.status))
        hint = f"git orch rebase {_onto(work)}  # or another way to land it: --merge"
        raise errors.Refused(
            f"{sentences.quoted(work.target.name)} has moved on: it cannot be fast-forwarded", hint
        )
    if mode == "rebase":
        return _rebase(work, old)
    tree = _merged_tree(work, old)
    if tree == odb.commit(work.plan.objects, old).tree:
        return None
    return _merge(work, old, tree) if mode == "merge" else _squash(work, old, tree)


def _is_there(work: _Work, old: str) -> bool:
    """Whether somebody has brought every step already, in whatever form, and nothing of the user's
    own is left.
    """
    others = [
        commit for commit in work.branch.commits if not messages.is_bare_cover(work.status, commit)
    ]
    claimed = [_claims(work, commit) for commit in others]
    if not all(claimed):
        return False
    return (
        frozenset[str]().union(*claimed)
        <= upstream.landed_commits(work.plan.place, work.branch, old).keys()
    )


def _own_commits(status: Status) -> dict[str, str]:
    return {step.id: step.commit.oid for step in status.steps if step.commit is not None}


def _merged_tree(work: _Work, old: str) -> str:
    repository = work.plan.repository
    merged = merges.merged(repository, work.written, old, work.branch.tip)
    if merged is None:
        hint = f"git orch land --rebase {_onto(work)}"
        raise errors.Refused(
            f"{sentences.quoted(work.target.name)} and the plan have no common history", hint
        )
    if merged.conflicts:
        tip = work.branch.tip
        resolved = conflict.Resolutions(work.plan).merged(work.written, old, tip)
        if resolved is not None:
            return resolved
        at_fault = merges.touching(repository, work.branch.base, tip, merged.conflicts)
        raise _conflict(work, merged.conflicts, at_fault, Stop("merge", old, tip, tip))
    return merged.tree


def _onto(work: _Work) -> str:
    """The plan as a command takes it that has to do with the branch: with its name, if it is not
    the plan's base.
    """
    if work.target.ref == work.status.base.ref:
        return work.name
    return f"{work.name} --onto {work.target.typed}"


def _conflict(work: _Work, paths: Sequence[str], commits: frozenset[str], stop: Stop) -> Stopped:
    steps = [
        step.number
        for step in work.status.steps
        if step.commit is not None and step.commit.oid in commits
    ]
    shown = ", ".join(map(sentences.quoted, paths))
    of_steps = f" ({sentences.steps(steps)})" if steps else ""
    message = (
        f"the plan does not merge into {sentences.quoted(work.target.name)}: {shown}{of_steps}"
    )
    return Stopped(message, f"git orch land {_onto(work)}  # to resolve it", stop, work.written)


def _merge(work: _Work, old: str, tree: str) -> Built:
    message = messages.merge_message(work.status, work.target.name)
    commit = work.plan.identity.commit(work.written, tree, [old, work.branch.tip], message)
    return Built(commit, work.written, _own_commits(work.status), (commit,))


def _squash(work: _Work, old: str, tree: str) -> Built:
    own, coauthors = [], []
    for commit in work.branch.commits:
        if messages.is_bare_cover(work.status, commit):
            continue
        fields = odb.commit(work.plan.objects, commit.oid)
        person = fields.author.rsplit(" ", 2)[0]
        if person != work.plan.identity.author:
            coauthors.append(person)
        if not _claims(work, commit):
            own.append(messages.OwnCommit(commit.oid[:10], fields.message.partition("\n")[0]))
    wanted = settings.of_user(work.plan.repository)
    signoff = tuple(work.plan.identity.signoff(wanted=wanted.signoff))
    credit = messages.Credit(tuple(coauthors), wanted.attribution, signoff)
    message = messages.squash_message(work.status, own, _empty_steps(work), credit)
    new = work.plan.identity.commit(work.written, tree, [old], message)
    return Built(new, work.written, dict.fromkeys(_own_commits(work.status), new), (new,))


def _empty_steps(work: _Work) -> frozenset[str]:
    """The steps whose commits change nothing."""
    empty = [commit for commit in work.branch.commits if _is_empty(work, commit)]
    return frozenset[str]().union(*(_claims(work, commit) for commit in empty))


def _is_empty(work: _Work, commit: Commit) -> bool:
    first = commit.parents[:1]
    return bool(first) and odb.commit(work.plan.objects, first[0]).tree == commit.tree


def _claims(work: _Work, commit: Commit) -> frozenset[str]:
    return frozenset(claim.step for claim in commit.message.claims if claim.plan == work.plan.id)


def _rebase(work: _Work, old: str) -> Built | None:
    """The commits without the cover, picked onto the branch one by one; those that change nothing
    there are left out.
    """
    plan = work.plan
    there = upstream.landed_commits(plan.place, work.branch, old)
    chain = Chain(plan.repository, plan.identity, work.written, old)
    commits, resolutions = dict(there), conflict.Resolutions(plan)
    for commit in work.branch.commits:
        claims = _claims(work, commit)
        if messages.is_bare_cover(work.status, commit) or (claims and claims <= set(there)):
            continue
        if len(commit.parents) > 1:
            message = f"'{commit.oid[:10]}' is a merge commit of yours: it cannot be rebased"
            raise errors.Refused(message, f"git orch land --merge {_onto(work)}")
        picked = resolutions.pick(chain, commit.oid, keep_empty=False)
        if picked.conflicts:
            paths = [one.path for one in picked.conflicts]
            stop = Stop("pick", chain.tip, commit.oid, commit.oid)
            raise _conflict(work, paths, frozenset({commit.oid}), stop)
        if commit.oid in chain.became:
            commits |= dict.fromkeys(claims, chain.tip)
    new = tuple(chain.became.values())
    return Built(chain.tip, work.written, commits, new) if new else None


def sign(plan: OpenPlan, built: Built, again: str) -> Built:
    """Sign the new commits, if the user's configuration asks for signatures. Raises
    UnfitRepository.

    `again` are the words of the command, for the hint.
    """
    if not built.new or not signed_commits.wanted(plan.repository):
        return built
    try:
        twins = signed_commits.signed(plan.repository, built.written, built.new)
    except signed_commits.NotSigned as failed:
        raise errors.UnfitRepository(
            failed.cause, f"git -c commit.gpgSign=false orch {again}  # without a signature"
        ) from failed
    commits = {step: twins.get(commit, commit) for step, commit in built.commits.items()}
    return Built(twins[built.tip], built.written, commits, tuple(twins.values()))
