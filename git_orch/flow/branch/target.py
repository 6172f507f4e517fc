"""Moving a branch of the user's own, which a plan is landed on or picked onto.

Where it is checked out, the user's own git brings the files there: it refuses to overwrite what is
not committed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from git_orch import errors
from git_orch.flow import move as moves
from git_orch.flow.move import Change
from git_orch.flow.open_plan import OpenPlan
from git_orch.plans import sentences
from git_orch.plans.history.status import Move, MoveKind
from git_orch.repo import ask, refs, sync
from git_orch.repo.git import Git, GitFailed
from git_orch.repo.objects.objects import Written
from git_orch.repo.repository import Repository, leads_to
from git_orch.repo.worktree import half_moved, worktrees

HEADS = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A worktree of the user's: where its files are, and its git directory."""

    path: Path
    git_dir: Path

    def git(self, repository: Repository) -> Git:
        """The user's git there: filters run as in a merge of their own, hooks and editors do not."""
        return Git(self.git_dir, self.path, repository.variables)

    def command(self, words: str) -> str:
        """A git command for there, to be typed."""
        if leads_to(str(self.path), str(self.git_dir)):
            return f"git -C {shlex.quote(str(self.path))} {words}"
        located = [f"--git-dir={self.git_dir}", f"--work-tree={self.path}"]
        return f"git {shlex.join(located)} {words}"


@dataclass(frozen=True, slots=True)
class Target:
    """A branch of the user's: its full name, where it is (None: not born yet), and who has it
    checked out.
    """

    ref: str
    tip: str | None
    checkout: Checkout | None

    @property
    def name(self) -> str:
        """The branch as people type it."""
        return self.ref.removeprefix(HEADS)

    @property
    def typed(self) -> str:
        """The branch's name, quoted for a shell."""
        return shlex.quote(self.name)

    def to(self, new: str, kind: MoveKind, why: str) -> Change:
        """The change that brings the branch from here to a commit."""
        return Change(kind, self.ref, self.tip, new, why)


def find(repository: Repository, name: str) -> Target:
    """A branch by its short or full name.

    Raises NotFound when there is none, Refused for a plan's, Busy when something in its checkout is
    not finished.
    """
    ref = ask.real_name(repository.git, name if name.startswith(HEADS) else HEADS + name)
    if not ref.isprintable():
        cause = (
            f"the name of branch {sentences.quoted(ref.removeprefix(HEADS))} "
            "has characters that cannot be stored"
        )
        raise errors.Refused(
            cause, "git branch --list && git branch -m OLD NEW  # a name of printable characters"
        )
    if not ref.startswith(HEADS):
        raise errors.Refused(
            f"{sentences.quoted(name)} stands for {sentences.quoted(ref)}, which is no branch",
            "git branch --list",
        )
    if ref.startswith(refs.BRANCHES):
        raise errors.Refused(
            f"{sentences.quoted(ref.removeprefix(HEADS))} is the branch of a plan",
            "git branch --list",
        )
    tip = refs.value(repository, ref)
    checkout = _checkout(repository, ref)
    if tip is None and checkout is None:
        raise errors.NotFound(
            f"there is no branch {sentences.quoted(ref.removeprefix(HEADS))}", "git branch --list"
        )
    if checkout is not None:
        refuse_unfinished(checkout)
    return Target(ref, tip, checkout)


def here(repository: Repository) -> str:
    """The full name of the branch that the user is on. Raises UsageError on none."""
    name = ask.head_branch(repository.user_git)
    if name is None or not name.startswith(HEADS):
        raise errors.UsageError(
            "you are on no branch", "git branch --list  # and name one with --onto"
        )
    return name


def refuse_unfinished(checkout: Checkout) -> None:
    """Raises Busy in the middle of a merge, rebase, cherry-pick, revert or bisect."""
    what = ask.unfinished(checkout.git_dir)
    if what is not None:
        raise errors.Busy(
            f"a {what} is not finished in {sentences.quoted(checkout.path)}",
            checkout.command("status"),
        )


def _checkout(repository: Repository, ref: str) -> Checkout | None:
    place = worktrees.checkout_of(repository, ref)
    if place is None:
        return None
    if place == repository.top:
        return Checkout(place, repository.git_dir)
    if ask.rebased_branch(place) is not None:
        raise errors.Busy(
            f"{sentences.quoted(ref.removeprefix(HEADS))} is being rebased", "git worktree list"
        )
    worktrees.require_open(place, ref.removeprefix(HEADS))
    # The git directory lies elsewhere, or its disk is not mounted.
    if not (place / ".git").exists():
        name = ref.removeprefix(HEADS)
        if not place.exists():
            raise errors.Busy(
                f"{sentences.quoted(name)} is checked out in {sentences.quoted(place)}, "
                "which is not there",
                "git worktree prune --dry-run --verbose  # what git would forget",
            )
        raise errors.Busy(
            f"{sentences.quoted(name)} is checked out in "
            "a worktree that git does not name: run this there",
            "git worktree list",
        )
    return Checkout(place, worktrees.git_dir_of(repository, place))


def uncommitted(repository: Repository, checkout: Checkout) -> list[str]:
    """Tracked paths of a checkout that differ from its HEAD, staged or not."""
    listed = checkout.git(repository).run(
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=no",
        "--ignore-submodules=dirty",
    )
    return [entry[3:] for entry in ask.names(listed)]


# -- moving it -------------------------------------------------------------------------------------


class Consequence(NamedTuple):
    """The event that a move brings about: its name and its fields; it counts once the ref has
    moved.
    """

    event: str
    fields: Mapping[str, object]


def advance(
    plan: OpenPlan, target: Target, change: Change, written: Written, consequence: Consequence
) -> None:
    """Move the branch, and have the log say what that means; no ref holds `written` yet.

    Raises Busy when somebody moved the branch, or files that are not committed are in the way; then
    nothing has moved.
    """
    _hold(plan, target, change, written)
    try:
        if target.checkout is not None:
            _refuse_overwriting(plan.repository, target.checkout, change)
            change = replace(change, checkout=True)
        _carry_out(plan, change, consequence)
    except Blocked as refused:
        if target.checkout is not None and plan.status().base.snapshot:
            refused.hint = _commit_first(target.checkout, refused.paths)
        raise
    plan.confirm()
    if target.checkout is not None and target.tip is not None:
        plan.tell_of_submodules(target.checkout.path, target.tip, change.new)


def _carry_out(plan: OpenPlan, change: Change, consequence: Consequence) -> None:
    intent = moves.intend(plan, change, plan.home)
    old = {} if change.old is None else {"from": change.old}
    fields = {"ref": change.ref, **old, "to": change.new, **consequence.fields}
    event = plan.event(consequence.event, **fields, move=intent.event.id)
    moves.carry_out(
        plan, intent, [(plan.home, event)], lambda change: _move(plan.repository, change)
    )


def _commit_first(checkout: Checkout, paths: Sequence[str]) -> str:
    add = checkout.command(f"add -- {' '.join(shlex.quote(path) for path in paths)}")
    commit = checkout.command("commit")
    return f"{add} && {commit}  # if the plan began with them"


def _hold(plan: OpenPlan, target: Target, change: Change, written: Written) -> None:
    """Keep the commit until the branch holds it: `git gc --prune=now` of somebody else must not
    take a part of it.
    """
    plan.keep([change.new], change.why, written)
    tip = plan.tip()
    reached = [oid for oid in (target.tip, tip) if oid is not None]
    look = ("rev-list", "--objects", "--quiet", "--exclude-promisor-objects")
    asked = plan.repository.git.finished(*look, change.new, "--not", *reached, expect=(0, 128))
    if asked.status != 0:
        raise errors.Busy(
            "the commits to land were garbage-collected meanwhile (gc --prune=now?)",
            "git orch status",
        )


def _move(repository: Repository, change: Change) -> None:
    checkout = _checkout(repository, change.ref)
    if checkout is None:
        refs.move(repository, change.ref, old=change.old, new=change.new, reason=change.reason)
        return
    refuse_unfinished(checkout)
    if refs.value(repository, change.ref) != change.old:
        raise refs.RefMoved(change.ref)
    if not change.checkout:  # somebody has just switched to it
        _refuse_overwriting(repository, checkout, change)
    _fast_forward(repository, checkout, change)


def _refuse_overwriting(repository: Repository, checkout: Checkout, change: Change) -> None:
    """Raises Busy where files are that no commit has. git itself would overwrite ignored ones in a
    branch without a commit.
    """
    old = change.old or repository.empty_tree
    paths = half_moved.in_the_way(checkout.git(repository), checkout.path, old, change.new)
    if paths:
        raise Blocked(checkout, paths)


def _fast_forward(repository: Repository, checkout: Checkout, change: Change) -> None:
    """git's own fast forward in the checkout: it overwrites no file that is changed, untracked or
    ignored.
    """
    options = ("--ff-only", "--no-overwrite-ignore", "--no-squash", "--no-autostash", "--quiet")
    variables = {"GIT_REFLOG_ACTION": change.reason}
    name = change.ref.removeprefix(HEADS)
    git = checkout.git(repository)
    drivers = (f"branch.{name}.mergeoptions",)  # "-s ours" outvotes us
    try:
        git._replace(drivers=drivers).run(
            *sync.options(), "merge", *options, change.new, variables=variables
        )
    except GitFailed as failed:
        in_the_way = [line.strip() for line in failed.stderr.splitlines() if line.startswith("\t")]
        if in_the_way:
            raise Blocked(checkout, in_the_way) from failed
        cause = f"git cannot move {sentences.quoted(name)}: {failed.cause}"
        if not failed.locked:
            old = change.old or repository.empty_tree
            half_moved.put_back(repository, git, change.ref, old, change.new)
        if isinstance(failed, errors.DiskFull):
            raise
        raise errors.Busy(cause, checkout.command("status")) from failed
    if refs.value(repository, change.ref) != change.new:
        raise refs.RefMoved(change.ref)


class Blocked(errors.Busy):
    """Files of a checkout that are not committed stand in the way."""

    def __init__(self, checkout: Checkout, paths: Sequence[str]) -> None:
        cause = (
            f"files in {sentences.quoted(checkout.path)} are in the way: "
            f"{sentences.quoted_names(paths)}"
        )
        super().__init__(cause, checkout.command("status --ignored --short"))
        self.paths = paths


# -- what a cut-off command left -------------------------------------------------------------------


def is_done(repository: Repository, move: Move) -> bool:
    """Whether the move of a user's branch was made, wherever the branch is now."""
    if not move.ref.startswith(HEADS):  # a log can say anything, and this goes to git
        return False
    tip = refs.value(repository, move.ref)
    if tip is None:
        return False
    if move.kind is MoveKind.UNDO and move.old is not None:
        git = repository.git
        if ask.is_ancestor(git, move.new, move.old):  # back: the branch was there before
            return tip == move.new or not ask.is_ancestor(git, move.old, tip)
    if moves.has_happened(repository, move):
        return True
    return ask.is_ancestor(repository.git, move.new, tip)


def put_back(repository: Repository, move: Move) -> bool:
    """Bring the checkout of a branch that a cut-off move did not reach back to where it was;
    whether there was anything to do. Raises Busy where a lock is in the way.
    """
    if not move.checkout or refs.value(repository, move.ref) != move.old:
        return False
    place = worktrees.checkout_of(repository, move.ref)
    if place is not None:
        worktrees.require_open(place, move.ref.removeprefix(HEADS))
    if place is None or not (place == repository.top or (place / ".git").exists()):
        return False
    git = Checkout(place, worktrees.git_dir_of(repository, place)).git(repository)
    old = move.old or repository.empty_tree
    return half_moved.put_back(repository, git, move.ref, old, move.new)
