"""Taking commits that a person made on the plan branch, or elsewhere, as a step of the plan.

A step is done when a commit claims it and the log says so. A commit without a claim is written anew
with one: its tree, author and words stay. Several commits become one, because a step is one commit.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from git_orch import errors
from git_orch.flow.approval import ground, required
from git_orch.flow.attempt import checks, prepare, verify
from git_orch.flow.attempt.verify import Terms
from git_orch.flow.branch import conflict, rewrite
from git_orch.flow.branch.conflict import Stopped
from git_orch.flow.move import Entry
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import CheckEnded
from git_orch.flow.run import fix, log_entries
from git_orch.plans import ids, messages, sentences, trailers
from git_orch.plans.history import life
from git_orch.plans.history.status import (
    SATISFIED,
    CheckResult,
    Commit,
    MoveKind,
    Status,
    StepState,
    StepStatus,
)
from git_orch.plans.trailers import Claim
from git_orch.repo import ask
from git_orch.repo.chain import Chain
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects import raw
from git_orch.repo.objects.objects import Written
from git_orch.repo.worktree.conflict_record import Operation, Stop

_TRAILERS = re.compile(rb"(?:[A-Za-z0-9-]+: .*\n?)+")


class Adopted(NamedTuple):
    """A step that a person's commits became: these commits, and the one that is the step now."""

    step: StepStatus
    commits: tuple[str, ...]
    new: str


class _Taken(NamedTuple):
    """The commits to take as a step: in one piece, on the branch or (`elsewhere`) on top of it."""

    commits: tuple[Commit, ...]
    elsewhere: bool = False

    @property
    def last(self) -> Commit:
        """The newest of them."""
        return self.commits[-1]


def adopt(plan: OpenPlan, number: int, name: str | None, terms: Terms) -> Adopted:
    """Run the checks of a step on a commit, and take that as the step. `name` is a commit, or
    several as A..B; None means the one that a person made on the branch. By `terms` it is reviewed.

    Raises Refused where there is no such commit, or the step cannot be done yet; StepFailed where a
    check fails on it; Conflict where a commit from elsewhere does not fit the branch. Then nothing
    has changed.
    """
    status = plan.status()
    step = life.numbered_step(status, number)
    if step.state in (StepState.CLAIMED, StepState.UNVERIFIED) and step.commit is not None:
        return _take_claimed(plan, status, step, step.commit, terms)
    _refuse_unfit(status, step)
    plan.refuse_checked_out()
    written, attempt = Written(plan.objects), plan.new_id()
    taken = _taken(plan, status, step, name)
    chain = _rewritten(plan, status, written, taken, Claim(plan.id, step.id, attempt))
    new = chain.start
    if taken.elsewhere:
        plan.keep([new], "a commit that was adopted", written)
    written.flush()
    ended = _check(plan, status, step, new if taken.elsewhere else taken.last.oid)
    ended = _review(plan, step, new, ended, terms, name)
    landed = _Landed(step, attempt, new, ended, taken.commits)
    why = f"adopt {taken.last.oid[:10]} as step {number}"

    def move(entry: Entry) -> None:
        rewrite.move_branch(plan, status, chain, MoveKind.ADOPT, why, [entry])

    return _record(plan, status, landed, move)


class _Ended(NamedTuple):
    """The checks of a step, all passed, on a tree."""

    tree: str
    results: tuple[CheckResult, ...]
    seconds: float


class _Landed(NamedTuple):
    """A step as it lands: the commit that it is, and those of a person that this was made of."""

    step: StepStatus
    attempt: str
    commit: str
    ended: _Ended
    made_of: tuple[Commit, ...]


def _record(
    plan: OpenPlan, status: Status, landed: _Landed, move: Callable[[Entry], None]
) -> Adopted:
    """Write a run of one step into the log, whose commit is a person's."""
    step, ended = landed.step, landed.ended
    fix.note_abandoned(plan, status, frozenset([step.id]))
    run = log_entries.begin(plan, status, frozenset([step.id]), "adopt")
    log_entries.record_verified(plan.place, step.step, ended.tree)
    first, last = landed.made_of[0], landed.made_of[-1].oid
    below = first.parents[0] if first.parents else plan.repository.empty_tree
    changed = ask.changed_paths(plan.repository.git, below, last)
    made_of = tuple(commit.oid for commit in landed.made_of)
    work = log_entries.Work(step.id, landed.attempt, run, landed.commit, ended.tree, ended.seconds)
    event = log_entries.adoption_event(plan, work, ended.results, changed, made_of)
    move((landed.commit, event))
    now = plan.status()
    whole = len(now.satisfied_steps()) == len(now.steps)
    log_entries.end(plan, run, "complete" if whole else "waiting", ended.seconds)
    return Adopted(step, made_of, landed.commit)


def _take_claimed(
    plan: OpenPlan, status: Status, step: StepStatus, commit: Commit, terms: Terms
) -> Adopted:
    """Take a commit that claims the step already: it stays what it is."""
    attempt = next(
        claim.attempt
        for claim in reversed(commit.message.claims)
        if claim.plan == plan.id and claim.step == step.id
    )
    ended = _check(plan, status, step, commit.oid)
    ended = _review(plan, step, commit.oid, ended, terms)
    landed = _Landed(step, attempt, commit.oid, ended, (commit,))
    return _record(plan, status, landed, plan.record)


def _refuse_unfit(status: Status, step: StepStatus) -> None:
    """Raises Refused for a step that is done, or needs others first."""
    name, number = ids.short(status.id), step.number
    if step.state in SATISFIED:
        raise errors.Refused(f"step {number} is done", f"git orch show {name}")
    fix.refuse_early(status, step)


# -- which commits ---------------------------------------------------------------------------------


def _taken(plan: OpenPlan, status: Status, step: StepStatus, name: str | None) -> _Taken:
    """The commits to adopt."""
    own = status.own_commits()
    handle = ids.short(status.id)
    if name is None and len(own) == 1:
        return _Taken(own)
    if name is None and not own:
        raise errors.Refused(
            f"no commit of yours is on 'orch/{status.id}'",
            f"git orch fix {handle} {step.number}  # or name a commit",
        )
    if name is None:
        listed = ", ".join(commit.oid[:10] for commit in own)
        several = f"git orch adopt {handle} {step.number} {own[0].oid[:10]}^..{own[-1].oid[:10]}"
        raise errors.Refused(
            f"{len(own)} commits of yours are on the branch: {listed}",
            f"{several}  # all as one, or name one",
        )
    return _named(plan, status, name)


def _named(plan: OpenPlan, status: Status, name: str) -> _Taken:
    first, dots, last = name.partition("..")
    git = plan.repository.user_git
    tip = ask.commit(git, last or "HEAD" if dots else name)
    start = ask.commit(git, first) if dots else None
    if tip is None or (dots and start is None):
        raise errors.NotFound(
            f"{sentences.quoted(name)} names no commit", f"git log --oneline orch/{status.id}"
        )
    listed = status.branch.commits if status.branch is not None else ()
    on_branch = [commit.oid for commit in listed]
    if tip not in on_branch:
        return _from_elsewhere(plan, tip, name, several=bool(dots))
    end = on_branch.index(tip)
    begin = on_branch.index(start) + 1 if start in on_branch else end
    taken = listed[begin : end + 1] if dots else (listed[end],)
    own = status.own_commits()
    for commit in taken:
        if commit not in own:
            raise errors.Refused(
                f"commit {commit.oid[:10]} is no commit of yours for a step",
                f"git log --oneline orch/{status.id}",
            )
    if not taken or (dots and start not in on_branch):
        raise errors.NotFound(
            f"{sentences.quoted(name)} is no part of the branch",
            f"git log --oneline orch/{status.id}",
        )
    return _Taken(tuple(taken))


def _from_elsewhere(plan: OpenPlan, oid: str, name: str, *, several: bool) -> _Taken:
    """A commit that is not on the plan branch: it is picked onto it."""
    fields = odb.commit(plan.objects, oid)
    if several or len(fields.parents) != 1:
        raise errors.Refused(
            f"{sentences.quoted(name)} is not on the branch, and is more than one commit",
            f"git log --oneline orch/{plan.id}",
        )
    return _Taken(
        (Commit(oid, fields.tree, fields.parents, trailers.read(fields.message)),), elsewhere=True
    )


# -- what it becomes -------------------------------------------------------------------------------


def _rewritten(
    plan: OpenPlan, status: Status, written: Written, taken: _Taken, claim: Claim
) -> Chain:
    """The branch from the commit that claims the step on; later commits keep their trees."""
    listed = status.branch.commits if status.branch is not None else ()
    tip = status.branch.tip if status.branch is not None else ""
    if taken.elsewhere:
        chain = Chain(plan.repository, plan.identity, written, tip)
        oid = taken.last.oid
        with conflict.offering(plan, Operation("adopt", oid, steps=(claim.step,))):
            picked = conflict.Resolutions(plan).pick(chain, oid)
            if picked.conflicts:
                paths = sentences.paths([one.path for one in picked.conflicts])
                hint = f"git orch fix {ids.short(plan.id)} {status.plan.position(claim.step)}"
                cause = f"{oid[:10]} conflicts with the branch in {paths}"
                raise Stopped(cause, hint, Stop("pick", tip, oid, oid), written)
        new = _with_claim(plan, written, taken, claim, picked.tree, tip)
        return Chain(plan.repository, plan.identity, written, new)
    below = taken.commits[0].parents[0]
    new = _with_claim(plan, written, taken, claim, taken.last.tree, below)
    later = listed[listed.index(taken.last) + 1 :]
    return rewrite.pick_onto(plan, status, later, new, written)


def _with_claim(
    plan: OpenPlan, written: Written, taken: _Taken, claim: Claim, tree: str, parent: str
) -> str:
    """The commits as one, with the author of the last of them and the words of all."""
    kept = raw.original(odb.read(plan.objects, taken.last.oid, "commit"))
    texts, people = [kept.message], list[bytes]()
    for commit in reversed(taken.commits[:-1]):
        other = raw.original(odb.read(plan.objects, commit.oid, "commit"))
        texts.insert(0, other.message)
        people.append(other.author.rsplit(b" ", 2)[0])
    author = kept.author.rsplit(b" ", 2)[0]
    lines = [b"Co-authored-by: " + one for one in dict.fromkeys(people) if one != author]
    trailer = claim.trailer()
    step = plan.status().plan.step(claim.step)
    served = messages.requirement_trailers(step) if step is not None else []
    lines += [f"{line.name}: {line.value}".encode() for line in (trailer, *served)]
    message = b"\n\n".join(text.strip(b"\n") for text in texts)
    joint = b"\n" if _ends_with_trailers(message) else b"\n\n"
    message += joint + b"\n".join(lines) + b"\n"
    again = kept._replace(message=message.lstrip(b"\n"))
    return written.write("commit", again.bytes_of(tree, (parent,), plan.identity.now().committer))


def _ends_with_trailers(message: bytes) -> bool:
    _, gap, last = message.rpartition(b"\n\n")
    return bool(gap) and _TRAILERS.fullmatch(last) is not None


# -- its checks ------------------------------------------------------------------------------------


def _check(plan: OpenPlan, status: Status, step: StepStatus, oid: str) -> _Ended:
    """Run the checks of a step on a commit. Raises StepFailed where one fails."""
    began, tree = time.monotonic(), odb.commit(plan.objects, oid).tree
    grant = required.require_approval(plan, status)
    results: list[CheckResult] = []
    if step.step.verification:
        ground.require_ground_for_checks(plan, status, grant, tree)
        with prepare.bench(plan) as bench:
            stage = bench.stage(oid, tree)
            for result in checks.sequence(step.step.verification, stage, plan.new_id()):
                plan.reporter.emit(CheckEnded(step.number, result))
                results.append(result)
    _refuse_failed(plan, step, results, oid)
    return _Ended(tree, tuple(results), time.monotonic() - began)


def _review(
    plan: OpenPlan,
    step: StepStatus,
    oid: str,
    ended: _Ended,
    terms: Terms,
    typed: str | None = None,
) -> _Ended:
    """Let models judge the commit that the step becomes; `typed` is how the user named it. Raises
    StepFailed where one says no.
    """
    began, again = time.monotonic(), f"git orch adopt {plan.name} {step.number}"
    if typed is not None:
        again += f" {shlex.quote(typed)}"
    results = verify.review(plan, step, step.step, oid, terms, again)
    for result in results:
        plan.reporter.emit(CheckEnded(step.number, result))
    _refuse_failed(plan, step, results, oid)
    seconds = ended.seconds + time.monotonic() - began
    return ended._replace(results=(*ended.results, *results), seconds=seconds)


def _refuse_failed(
    plan: OpenPlan, step: StepStatus, results: Sequence[CheckResult], oid: str
) -> None:
    failed = next((result for result in results if not result.passed), None)
    if failed is None:
        return
    what = "review" if failed.is_review else "check"
    raise errors.StepFailed(
        f"{what} {sentences.command(failed.command)} of step {step.number} {failed.reason} "
        f"on {oid[:10]}: nothing was adopted",
        f"git orch fix {plan.name} {step.number}  # or mend the commit",
    )
