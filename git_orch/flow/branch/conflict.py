"""Conflicts of commands that move a branch, resolved by a person in a worktree of their own.

A resolution is a commit: the files that a person made of a conflict, on the commit that it came up
on. It is kept, and remembered by what conflicted. The command that stopped then runs again from its
beginning and meets the resolution there: a kill leaves nothing half done, and where a branch has
moved meanwhile, the resolution is picked onto what it is now.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from git_orch import checkpoints, errors
from git_orch.flow.attempt import by_hand, prepare, verify
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import document, sentences
from git_orch.plans.document import BadDocument
from git_orch.repo import localfiles, own_files
from git_orch.repo.chain import Chain
from git_orch.repo.objects import merges, partial
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.merges import Picked
from git_orch.repo.objects.objects import Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import conflict_record, worktrees
from git_orch.repo.worktree.conflict_record import PURPOSE, Operation, Stop
from git_orch.repo.worktree.worktrees import Worktree

_STATES = ("MERGE_HEAD", "CHERRY_PICK_HEAD")
_MOST = 100  # resolutions of a plan that are remembered
# The checks of a step say nothing about another branch, and `adopt` runs them itself.
_UNCHECKED = frozenset({"pick", "adopt"})


class Stopped(errors.Conflict):
    """A conflict, and where it came up; `written` has the commits that no ref holds."""

    def __init__(self, cause: str, hint: str, stop: Stop, written: Written) -> None:
        super().__init__(cause, hint)
        self.stop = stop
        self.written = written


class CheckFailed(errors.StepFailed):
    """A check fails on a commit of a new branch; `stop` says where that can be mended."""

    def __init__(self, cause: str, hint: str, stop: Stop, written: Written) -> None:
        super().__init__(cause, hint)
        self.stop = stop
        self.written = written


class Waiting(NamedTuple):
    """A worktree in which a person resolves a conflict; it `is_ready` when git has shown it there."""

    worktree: Worktree
    operation: Operation
    stop: Stop
    is_ready: bool


# -- resolutions -----------------------------------------------------------------------------------


class Resolution(NamedTuple):
    """The files that a person made of what conflicted: a commit on the one that it came up on."""

    how: str
    of: str
    onto: str
    commit: str


class Resolutions:
    """The resolutions of a plan that this clone remembers."""

    def __init__(self, plan: OpenPlan) -> None:
        self._plan = plan
        self._every = _read(plan.place)

    def last(self, of: str) -> Resolution | None:
        """The last resolution of a commit that could not be picked, or be left as it is."""
        return self._newest(lambda one: one.of == of and one.how != "merge")

    def last_merge(self) -> Resolution | None:
        """The last resolution of a merge of the plan, whatever its tip was then."""
        return self._newest(lambda one: one.how == "merge")

    def last_at(self, stop: Stop) -> Resolution | None:
        """The last resolution of what stopped an operation there."""
        return self.last_merge() if stop.how == "merge" else self.last(stop.what)

    def _newest(self, fits: Callable[[Resolution], bool]) -> Resolution | None:
        """The newest that fits, if its commits are there."""
        earlier = next((one for one in reversed(self._every) if fits(one)), None)
        if earlier is None:
            return None
        commits = [earlier.of, earlier.onto, earlier.commit]
        return None if None in self._plan.objects.read_many(commits) else earlier

    @checkpoints.around("remember resolution")
    def add(self, made: Resolution) -> None:
        """Remember a resolution."""
        self._every = [*self._every, made][-_MOST:]
        data = json.dumps([one._asdict() for one in self._every]).encode("ascii")
        localfiles.write(_path(self._plan.place), data)

    def pick(self, chain: Chain, commit: str, *, keep_empty: bool = True) -> Picked:
        """Pick a commit onto the chain as `Chain.pick` does; where it conflicted before, as it was
        resolved then.
        """
        plan, earlier = self._plan, self.last(commit)
        if earlier is None:
            return chain.pick(commit, keep_empty=keep_empty)
        if _tree(chain.written, earlier.onto) == _tree(chain.written, chain.tip):
            resolved = Picked(_tree(chain.written, earlier.commit))
        else:
            picked = chain.pick(commit, keep_empty=keep_empty)
            if not picked.conflicts:
                return picked
            resolved = merges.picked(plan.repository, chain.written, earlier.commit, chain.tip)
            if resolved.conflicts:
                return picked
        note = f"{commit[:10]} is as you resolved it, in {earlier.commit[:10]}"
        self._plan.reporter.emit(Note(note))
        if keep_empty or resolved.tree != _tree(chain.written, chain.tip):
            chain.take(commit, resolved.tree)
        return resolved

    def merged(self, written: Written, onto: str, tip: str) -> str | None:
        """The tree of the merge of `tip` into `onto`, as it was resolved before; None where it was
        not, or where what has changed on either side since does not fit what was resolved.
        """
        earlier = self.last_merge()
        resolved = earlier and self.on_tip(written, earlier, tip)
        if resolved is None:
            return None
        picked = merges.picked(self._plan.repository, written, resolved, onto)
        return None if picked.conflicts else picked.tree

    def on_tip(self, written: Written, earlier: Resolution, tip: str) -> str | None:
        """A resolved merge as a commit, with what the plan has got since; None where that does not
        fit.
        """
        if earlier.of == tip or _tree(written, earlier.of) == _tree(written, tip):
            return earlier.commit
        person = self._plan.identity
        grown = person.commit(written, _tree(written, tip), [earlier.of], "what came since\n")
        picked = merges.picked(self._plan.repository, written, grown, earlier.commit)
        if picked.conflicts:
            return None
        return person.commit(written, picked.tree, [earlier.onto], "a resolved conflict\n")


def _path(place: PlanPlace) -> Path:
    return place.repository.state_dir / "resolutions" / f"{place.id}.json"


def _read(place: PlanPlace) -> list[Resolution]:
    try:
        listed = document.decode(own_files.read_bytes(_path(place)))
        items = listed if isinstance(listed, list) else []
        fields = [document.mapping(item, "resolution") for item in items]
        return [
            Resolution(*(document.text(one, name) for name in Resolution._fields)) for one in fields
        ]
    except (FileNotFoundError, BadDocument, ValueError):
        return []


def _tree(objects: odb.Objects, commit: str) -> str:
    return odb.commit(objects, commit).tree


# -- offering the worktree -------------------------------------------------------------------------


@contextlib.contextmanager
def offering(plan: OpenPlan, operation: Operation) -> Iterator[None]:
    """Offer a worktree for each conflict, and each failed check, that stops the operation."""
    try:
        yield
    except Stopped as stopped:
        stopped.stop = _with_earlier_work(plan, stopped.stop, stopped.written)
        stopped.hint = offer(plan, operation, stopped)
        raise
    except CheckFailed as failed:
        failed.hint = offer(plan, operation, failed)
        raise


def offer(plan: OpenPlan, operation: Operation, stopped: Stopped | CheckFailed) -> str:
    """Give a person a worktree in which they may resolve what stopped the operation; the hint that
    names it. Raises Busy where a conflict of another command waits.
    """
    there = waiting(plan)
    if there is not None and there.operation.command != operation.command:
        command = there.operation.command
        raise errors.Busy(
            f"{stopped.cause}; a conflict of '{command}' waits in "
            f"{sentences.quoted(there.worktree.path)} already",
            f"git orch done {plan.name}  # or give it up: git orch done --abort {plan.name}",
        )
    if there is not None and _is_same(plan, there, stopped):
        conflict_record.write(there.worktree.git.git_dir, operation, there.stop, is_ready=True)
    else:
        work = _keep_work(plan, there) if there is not None else None
        if work is not None:
            text = f"the conflict begins anew; {work[:10]} keeps what was in its worktree"
            plan.reporter.emit(Note(text))
        there = _begin(plan, operation, stopped)
    path = shlex.quote(str(there.worktree.path))
    return f"cd {path} && git status  # resolve it there, then: git orch done {plan.name}"


def _with_earlier_work(plan: OpenPlan, stop: Stop, written: Written) -> Stop:
    """The stop where the worktree begins with what a person resolved before, so that only what has
    changed since conflicts.
    """
    resolutions = Resolutions(plan)
    if stop.how == "merge":
        merge = resolutions.last_merge()
        earlier = merge and resolutions.on_tip(written, merge, stop.what)
    else:
        pick = resolutions.last(stop.what)
        earlier = pick and pick.commit
    if earlier is None:
        return stop
    plan.reporter.emit(Note(f"it conflicts with what you resolved before, {earlier[:10]}"))
    return stop._replace(shown=earlier)


def _is_same(plan: OpenPlan, there: Waiting, stopped: Stopped | CheckFailed) -> bool:
    """Whether a person works on this very conflict already."""
    stop, objects = stopped.stop, stopped.written
    same = (there.stop.how, there.stop.what) == (stop.how, stop.what)
    if not same or not there.is_ready or _is_given_up(plan, there):
        return False
    return _tree(objects, there.stop.onto) == _tree(objects, stop.onto)


def _keep_work(plan: OpenPlan, there: Waiting) -> str | None:
    """Keep a person's work in the worktree of a conflict as a commit; None where there is none."""
    if not _has_work(plan, there):
        return None
    return by_hand.keep(plan, there.worktree, there.stop.onto, "work on a conflict")


def _has_work(plan: OpenPlan, there: Waiting) -> bool:
    """Whether somebody has heard of the conflict, and its worktree has files that neither its
    branch nor the last resolution has. Raises Refused as `by_hand.tree_of` does.
    """
    stop = there.stop
    if not there.is_ready:
        return False
    resolution = Resolutions(plan).last_at(stop)
    commits = [stop.onto] if resolution is None else [stop.onto, resolution.commit]
    tree = by_hand.tree_of(plan, there.worktree, stop.onto)
    return tree not in [_tree(plan.objects, commit) for commit in commits]


def _begin(plan: OpenPlan, operation: Operation, stopped: Stopped | CheckFailed) -> Waiting:
    stop = stopped.stop
    plan.keep([stop.onto, stop.what, stop.shown], "a conflict", stopped.written)
    stopped.written.flush()
    _remove(plan)
    worktree = prepare.person_worktree(prepare.means(plan), plan.id, stop.onto, PURPOSE)
    conflict_record.write(worktree.git.git_dir, operation, stop, is_ready=False)
    git = worktree.git
    if stop.how == "merge" and stop.shown == stop.what:
        base = git.line("merge-base", stop.onto, stop.what)
        partial.complete_merge(git, base, stop.onto, stop.what)
        options = ("--no-commit", "--no-ff", "--no-verify-signatures", "--no-autostash", "--quiet")
        git.finished("merge", *options, stop.what, expect=(0, 1))
    else:
        partial.complete_merge(git, f"{stop.shown}^", stop.shown, stop.onto)
        option = "--no-commit" if stop.how == "mend" else "--allow-empty"
        git.finished("cherry-pick", option, stop.shown, expect=(0, 1))
    conflict_record.write(git.git_dir, operation, stop, is_ready=True)
    return Waiting(worktree, operation, stop, is_ready=True)


def waiting(plan: OpenPlan) -> Waiting | None:
    """The conflict that a person resolves, if one of this plan was offered."""
    if PURPOSE not in worktrees.purposes(plan.repository, plan.id):
        return None
    worktree = prepare.existing_person_worktree(prepare.means(plan), plan.id, PURPOSE)
    record = conflict_record.read(plan.repository, plan.id)
    if worktree is None or record is None:
        return None
    return Waiting(worktree, record.operation, record.stop, record.is_ready)


def _is_left(there: Waiting) -> bool:
    """Whether a person has ended what git showed them without a commit: by an abort, or a reset."""
    states = [(there.worktree.git.git_dir / name).exists() for name in _STATES]
    if there.stop.how == "mend" or any(states):
        return False
    return worktrees.head(there.worktree) == there.stop.onto


def _is_given_up(plan: OpenPlan, there: Waiting) -> bool:
    """Whether a person has ended what git showed them, and has no work in the worktree."""
    if not _is_left(there):
        return False
    onto = there.stop.onto
    return by_hand.tree_of(plan, there.worktree, onto) == _tree(plan.objects, onto)


# -- its end ---------------------------------------------------------------------------------------


def settle(plan: OpenPlan, command: str | None = None) -> Operation:
    """Take what a person made of the conflict that waits, when the checks pass on it; gives the
    operation to run again. The worktree stays until that has moved its branch.

    Raises Refused when none of this command (None: of any) waits, Conflict where something is not
    resolved, StepFailed where a check fails; then the worktree stays.
    """
    there = require_waiting(plan, command)
    worktree, operation, stop, is_ready = there
    listed = numbers(plan, operation)
    is_given_up = is_ready and _is_given_up(plan, there)
    if not is_ready or (is_given_up and operation.outcome is not None):
        return operation  # it shows the conflict anew; nobody pays for a step again
    if is_given_up:
        raise errors.Refused(
            f"there is nothing left to resolve in {sentences.quoted(worktree.path)}",
            f"{operation.typed(plan.name, listed)}  # begins anew",
        )
    if _is_left(there):
        raise errors.Conflict(
            f"git shows no conflict in {sentences.quoted(worktree.path)} any more, "
            "and no commit has the changes there",
            f"git -C {shlex.quote(str(worktree.path))} commit -a  # if they resolve it, and then: "
            f"git orch done {plan.name}; else: git orch done --abort {plan.name}",
        )
    by_hand.refuse_unresolved(worktree)
    made = by_hand.keep(plan, worktree, stop.onto, "a resolved conflict")
    if "unverified" not in operation.flags and operation.command not in _UNCHECKED:
        _check(plan, there, made)
    Resolutions(plan).add(Resolution(stop.how, stop.what, stop.onto, made))
    return operation


def forget_settled(plan: OpenPlan) -> None:
    """Remove the worktree of a conflict after a branch has moved, unless it has work of a person
    that no resolution has, or knows what a step has made.
    """
    with contextlib.suppress(errors.OrchError):  # what cannot be looked at stays
        there = waiting(plan)
        if there is None or _has_result(plan, there.operation) or _has_work(plan, there):
            return
        _remove(plan)


def _has_result(plan: OpenPlan, operation: Operation) -> bool:
    """Whether a step has made a commit for the operation that the branch does not have."""
    if operation.outcome is None:
        return False
    tip = plan.tip()
    return tip is None or not plan.is_ancestor(str(operation.outcome["commit"]), tip)


def _remove(plan: OpenPlan) -> None:
    worktrees.remove(plan.repository, plan.id, PURPOSE)


def numbers(plan: OpenPlan, operation: Operation) -> list[int]:
    """The numbers of the steps that an operation is about. Raises Refused where one has gone."""
    status = plan.status()
    gone = [step for step in operation.steps if status.plan.step(step) is None]
    if gone:
        raise errors.Refused(
            f"'{operation.command}' was about step '{gone[0]}', which the plan lacks now",
            f"git orch done --abort {plan.name}",
        )
    return [status.plan.position(step) for step in operation.steps]


def _check(plan: OpenPlan, there: Waiting, commit: str) -> None:
    """Run the checks on a resolution: all of them on a merge, those of its step on a pick."""
    stop = there.stop
    only = None if stop.how == "merge" else stop.what
    failed = verify.failed_on(plan, commit, only)
    if failed is not None:
        raise errors.StepFailed(
            f"check {sentences.command(failed.command)} {failed.reason} on what you resolved",
            f"git orch done {plan.name}  # once it is mended in {there.worktree.path}",
        )


def give_up(plan: OpenPlan, command: str | None) -> tuple[Path, str | None]:
    """Remove the worktree of a conflict; gives its path and the commit that keeps what was in it.
    Raises Refused when none of this command (None: of any) waits, or the gate lets a part of the
    work not in.
    """
    there = require_waiting(plan, command)
    work = _keep_work(plan, there)
    _remove(plan)
    return there.worktree.path, work


def require_waiting(plan: OpenPlan, command: str | None) -> Waiting:
    """The conflict that waits. Raises Refused where there is none, or it is of another command."""
    there = waiting(plan)
    if there is None:
        what = f"no conflict of 'git orch {command}' waits" if command else "no conflict waits"
        raise errors.Refused(what, f"git orch status {plan.name}")
    other = there.operation.command
    if command is not None and other != command:
        raise errors.Refused(
            f"no conflict of 'git orch {command}' waits, but one of 'git orch {other}'",
            f"git orch done {plan.name}  # or give it up: git orch done --abort {plan.name}",
        )
    return there
