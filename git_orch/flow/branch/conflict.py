"""Conflicts of a landing or a rebase, resolved by a person in a worktree of their own.

A resolution is a commit: the files that a person made of a conflict, on the commit that it came up
on. It is kept, and remembered by what conflicted. The command that stopped then runs again from its
beginning and meets the resolution there: a kill leaves nothing half done, and where a branch has
moved meanwhile, the resolution is picked onto what it is now.
"""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path
from typing import Literal, NamedTuple

from git_orch import checkpoints, errors
from git_orch.flow.attempt import by_hand, prepare, verify
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.reports import Note
from git_orch.plans import document, sentences
from git_orch.plans.document import BadDocument, Document
from git_orch.repo import localfiles, own_files
from git_orch.repo.chain import Chain
from git_orch.repo.objects import merges, partial
from git_orch.repo.objects import objects as odb
from git_orch.repo.objects.merges import Picked
from git_orch.repo.objects.objects import Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.worktree import worktrees
from git_orch.repo.worktree.worktrees import Worktree

_PURPOSE = "conflict"
_RECORD = "orch-conflict"  # in the worktree's git directory
_STATES = ("MERGE_HEAD", "CHERRY_PICK_HEAD")
_MOST = 100  # resolutions of a plan that are remembered

How = Literal["merge", "pick", "mend"]


class Operation(NamedTuple):
    """The command that a conflict stopped, and its options. `onto` is a branch or a commit."""

    command: str
    onto: str
    mode: str = ""
    partial: bool = False
    unverified: bool = False

    def typed(self, plan: str) -> str:
        """The command as people type it."""
        words = [f"--{self.mode}"] if self.mode else []
        words += ["--partial"] if self.partial else []
        words += ["--unverified"] if self.unverified else []
        onto = shlex.quote(self.onto.removeprefix("refs/heads/"))
        return " ".join(["git orch", self.command, *words, "--onto", onto, plan])


class Stop(NamedTuple):
    """Where an operation stopped: `what` does not merge into `onto`, cannot be picked onto it, or is
    to be mended there because a check fails. `shown` is the commit whose changes the worktree gets.
    """

    how: How
    onto: str
    what: str
    shown: str


class Stopped(errors.Conflict):
    """A conflict, and where it came up; `written` has the commits that no ref holds."""

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

    of: str
    onto: str
    commit: str


class Resolutions:
    """The resolutions of a plan that this clone remembers."""

    def __init__(self, plan: OpenPlan) -> None:
        self._plan = plan
        self._every = _read(plan.place)

    def last(self, of: str) -> Resolution | None:
        """The last resolution of what conflicted, if its commits are there."""
        earlier = next((one for one in reversed(self._every) if one.of == of), None)
        if earlier is None or None in self._plan.objects.read_many([earlier.onto, earlier.commit]):
            return None
        return earlier

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
        if keep_empty or resolved.tree != _tree(chain.written, chain.tip):
            chain.take(commit, resolved.tree)
        return resolved

    def merged(self, written: Written, onto: str, tip: str) -> str | None:
        """The tree of the merge of `tip` into `onto`, as it was resolved before; None where it was
        not, or both have changed too much since.
        """
        earlier = self.last(tip)
        if earlier is None:
            return None
        picked = merges.picked(self._plan.repository, written, earlier.commit, onto)
        return None if picked.conflicts else picked.tree


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


def offer(plan: OpenPlan, operation: Operation, stopped: Stopped) -> errors.Conflict:
    """The error for a conflict that a person may resolve now, in the worktree that it names."""
    stopped.stop = _with_earlier_work(plan, stopped.stop)
    there = waiting(plan)
    if there is not None and not _is_same(stopped.written, there, operation, stopped.stop):
        _clear(plan, there, operation)
        there = None
    worktree = there.worktree if there is not None else _begin(plan, operation, stopped)
    path = shlex.quote(str(worktree.path))
    return errors.Conflict(
        stopped.cause,
        f"cd {path} && git status  # resolve it there, then: git orch done {plan.name}",
    )


def _with_earlier_work(plan: OpenPlan, stop: Stop) -> Stop:
    """The stop where the worktree begins with what a person resolved before, so that only what has
    changed since conflicts.
    """
    earlier = Resolutions(plan).last(stop.what) if stop.how != "mend" else None
    if earlier is None:
        return stop
    plan.reporter.emit(Note(f"it conflicts with what you resolved before, {earlier.commit[:10]}"))
    return stop._replace(shown=earlier.commit)


def _is_same(objects: odb.Objects, there: Waiting, operation: Operation, stop: Stop) -> bool:
    """Whether a person works on this very conflict already."""
    same = (there.operation, there.stop.how, there.stop.what) == (operation, stop.how, stop.what)
    if not same or not there.is_ready or _is_given_up(there):
        return False
    return _tree(objects, there.stop.onto) == _tree(objects, stop.onto)


def _clear(plan: OpenPlan, there: Waiting, operation: Operation) -> None:
    """Make room for another conflict; what a person has done in the worktree is kept. Raises Busy
    where it is of another command.
    """
    if there.operation != operation:
        raise errors.Busy(
            f"a conflict of '{there.operation.command}' waits in "
            f"{sentences.quoted(there.worktree.path)}",
            f"git orch done {plan.name}  # or: git orch {there.operation.command} --abort",
        )
    if there.is_ready and not _is_given_up(there):
        work = by_hand.keep(plan, there.worktree, there.stop.onto, "work on a conflict")
        plan.reporter.emit(
            Note(
                f"the branch has moved on: the conflict begins anew; {work[:10]} is your work so far"
            )
        )


def _begin(plan: OpenPlan, operation: Operation, stopped: Stopped) -> Worktree:
    stop = stopped.stop
    plan.keep([stop.onto, stop.shown], "a conflict", stopped.written)
    stopped.written.flush()
    worktrees.remove(plan.repository, plan.id, _PURPOSE)
    worktree = prepare.person_worktree(prepare.means(plan), plan.id, stop.onto, _PURPOSE)
    _write_down(worktree, operation, stop, is_ready=False)
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
    _write_down(worktree, operation, stop, is_ready=True)
    return worktree


@checkpoints.around("begin conflict")
def _write_down(worktree: Worktree, operation: Operation, stop: Stop, *, is_ready: bool) -> None:
    body: Document = {
        "operation": operation._asdict(),
        "stop": stop._asdict(),
        "is_ready": is_ready,
    }
    source = io.BytesIO(json.dumps(body).encode("ascii"))
    localfiles.copy(source, worktree.git.git_dir / _RECORD, synced=False)


def waiting(plan: OpenPlan) -> Waiting | None:
    """The conflict that a person resolves, if one of this plan was offered."""
    if _PURPOSE not in worktrees.purposes(plan.repository, plan.id):
        return None
    worktree = prepare.existing_person_worktree(prepare.means(plan), plan.id, _PURPOSE)
    if worktree is None:
        return None
    try:
        fields = document.parse((worktree.git.git_dir / _RECORD).read_bytes(), "conflict")
        typed = document.mapping(fields.get("operation"), "operation")
        at = document.mapping(fields.get("stop"), "stop")
        operation = Operation(
            document.text(typed, "command"),
            document.text(typed, "onto"),
            document.optional_text(typed, "mode") or "",
            document.flag(typed, "partial"),
            document.flag(typed, "unverified"),
        )
        onto, what, shown = (document.text(at, name) for name in ("onto", "what", "shown"))
        return Waiting(
            worktree,
            operation,
            Stop(_how(document.text(at, "how")), onto, what, shown),
            document.flag(fields, "is_ready"),
        )
    except (FileNotFoundError, BadDocument):
        return None


def _how(word: str) -> How:
    if word == "merge":
        return "merge"
    return "mend" if word == "mend" else "pick"


def _is_given_up(there: Waiting) -> bool:
    """Whether the person has had git abort what it showed them."""
    states = [(there.worktree.git.git_dir / name).exists() for name in _STATES]
    if there.stop.how == "mend" or any(states):
        return False
    return worktrees.head(there.worktree) == there.stop.onto


# -- its end ---------------------------------------------------------------------------------------


def settle(plan: OpenPlan) -> Operation:
    """Take what a person made of the conflict that waits, when the checks pass on it; gives the
    command to run again.

    Raises Refused when none waits, Conflict where something is not resolved, StepFailed where a
    check fails; then the worktree stays.
    """
    there = waiting(plan)
    if there is None:
        raise errors.Refused("no conflict waits", f"git orch status {plan.name}")
    worktree, operation, stop, is_ready = there
    if not is_ready or _is_given_up(there):
        raise errors.Refused(
            f"nothing is left to resolve in {sentences.quoted(worktree.path)}",
            f"{operation.typed(plan.name)}  # begins anew",
        )
    by_hand.refuse_unresolved(worktree)
    made = by_hand.keep(plan, worktree, stop.onto, "a resolved conflict")
    if not operation.unverified:
        _check(plan, there, made)
    Resolutions(plan).add(Resolution(stop.what, stop.onto, made))
    worktrees.remove(plan.repository, plan.id, _PURPOSE)
    return operation


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


def give_up(plan: OpenPlan, command: str) -> tuple[Path, str]:
    """Remove the worktree of a conflict; gives its path and the commit that keeps what was in it.
    Raises Refused when none of this command waits.
    """
    there = waiting(plan)
    if there is None or there.operation.command != command:
        raise errors.Refused(
            f"no conflict of 'git orch {command}' waits", f"git orch status {plan.name}"
        )
    work = by_hand.keep(plan, there.worktree, there.stop.onto, "work on a conflict")
    worktrees.remove(plan.repository, plan.id, _PURPOSE)
    return there.worktree.path, work
