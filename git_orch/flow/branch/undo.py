"""Taking back the last change of a plan, whatever it was, or bringing it again.

`plans/history/changes.py` knows what the last change was. Taking it back is a change itself, and is
taken back in the same way. All that is moved away from is kept first. A change of several parts
(a landing moves a branch and archives the plan) ends with the part that its event names by
`undoes` or `redoes`: cut off before, the same command goes on with what is left.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from git_orch import errors
from git_orch.flow import move as moves
from git_orch.flow.approval import approve
from git_orch.flow.branch import archive, conflict, opening, rewrite, rollback, unarchive
from git_orch.flow.branch import target as targets
from git_orch.flow.branch.target import Consequence, Target
from git_orch.flow.move import Entry
from git_orch.flow.open_plan import OpenPlan
from git_orch.flow.planning import edit
from git_orch.flow.reports import Note, Reporter
from git_orch.plans import ids, plan_document, sentences
from git_orch.plans.document import BadDocument, Document
from git_orch.plans.history import changes, fold, life
from git_orch.plans.history.changes import Change, ChangeKind, Turn
from git_orch.plans.history.events import Event
from git_orch.plans.history.status import MoveKind, PlanState, Status
from git_orch.plans.plan import Plan
from git_orch.repo import ask, localfiles, refs
from git_orch.repo.git import Git
from git_orch.repo.log import catalog
from git_orch.repo.log import log as store
from git_orch.repo.objects.objects import Written
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.repo.worktree import half_moved

# Beside what else they do, with this reason.
_ARCHIVES = {ChangeKind.LAND: "landed", ChangeKind.REJECT: "rejected"}
# They were taken back by archiving the plan.
_COMES_AGAIN = frozenset({ChangeKind.CREATE, ChangeKind.UNARCHIVE})


@dataclass(frozen=True, slots=True)
class How:
    """The options of an undo: `turn` says which change; `in_checkout` also where the plan's branch
    is checked out; `dry_run` changes nothing. `kinds` are those that may be taken back.
    """

    turn: Turn = "reverse"
    in_checkout: bool = False
    dry_run: bool = False
    kinds: frozenset[ChangeKind] = frozenset(ChangeKind)


@dataclass(frozen=True, slots=True)
class Undone:
    """A change that was taken back, or brought again (`redo`): the tips of the branch that moved,
    the steps that are done since, and those that are not done any more.
    """

    change: Change
    redo: bool
    old: str | None = None
    new: str | None = None
    done: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Act:
    """What to do: the change, and whether to bring it again, in an open plan."""

    change: Change
    redo: bool
    how: How

    @property
    def marks(self) -> dict[str, str]:
        """The fields of the event or intent that ends the act."""
        return {"redoes" if self.redo else "undoes": self.change.id}

    @property
    def part(self) -> dict[str, str]:
        """The fields of its other events."""
        return {"part_of": self.change.id}

    @property
    def start(self) -> str:
        """The tip that the moved branch must have."""
        return (self.change.old if self.redo else self.change.new) or ""

    @property
    def goal(self) -> str | None:
        """The tip that it gets."""
        return self.change.new if self.redo else self.change.old

    @property
    def why(self) -> str:
        """The act in the log and the reflog."""
        return f"{'redo' if self.redo else 'undo'} {self.change.why}"

    @property
    def text(self) -> Event | None:
        """The event with the text, or base, of the plan afterwards."""
        return self.change.after if self.redo else self.change.before


def last_change(repository: Repository, status: Status, how: How) -> tuple[Change, bool]:
    """The change to take back or, where the second value is true, to bring again. Raises Refused
    where there is none.
    """
    name = ids.short(status.id)
    clone = store.clone_id(repository) if how.kinds >= changes.SMALL else ""
    history = changes.read(status.log.events, f"{refs.BRANCHES}{status.id}", clone)
    change, redo = history.next(how.turn)
    if change is None:
        raise errors.Refused(f"nothing is left to take back in '{name}'", f"git orch log {name}")
    if change.kind not in how.kinds:
        raise errors.Refused(
            f"the last change of '{name}' was not a rollback, but '{change.why}'",
            f"git orch undo {name}  # takes that back",
        )
    if redo:
        return change, redo
    ran = bool(status.attempts) or status.state not in life.BEFORE_A_RUN
    if (change.kind is ChangeKind.CREATE and history.begun) or (
        change.kind is ChangeKind.SPEC and ran
    ):
        raise errors.Refused(
            f"nothing is left to take back in '{name}' but the plan itself",
            f"git orch archive {name}",
        )
    return change, redo


def undo(place: PlanPlace, status: Status, reporter: Reporter, how: How) -> Undone:
    """Reverse the last change of a plan, which may be archived. Raises Refused and Busy where what
    came after stands in the way: nothing is moved then.
    """
    try:
        change, redo = last_change(place.repository, status, how)
    except errors.Refused:
        if localfiles.is_held(place):  # a run has begun: what it makes is what they mean
            with localfiles.lock(place):  # raises Busy
                pass
        raise
    act = _Act(change, redo, how)
    if status.archived is not None:
        if change.kind in changes.OF_USERS_BRANCH:  # before anything changes
            _target(place, act)
        whole = change.kind in (_COMES_AGAIN if redo else {ChangeKind.ARCHIVE})
        revives = redo and change.kind is ChangeKind.EDIT and change.outcome is not None
        if not whole and not revives and (redo or change.kind not in _ARCHIVES):
            archive.refuse_archived(status)
        if how.dry_run:
            return Undone(change, redo, change.new, change.old)
        unarchive.unarchive(place, reporter, act.marks if whole else act.part)
        if whole:
            return Undone(change, redo)
    without_branch = change.kind is ChangeKind.SPEC and not redo  # one that was cut off
    with opening.open_for_writing(place, reporter, idea=True, put_away=without_branch) as plan:
        now, again = last_change(plan.repository, plan.status(), how)
        if (now.id, again) != (change.id, redo):
            raise errors.Busy(f"'{plan.name}' was changed meanwhile", f"git orch log {plan.name}")
        _refuse_beside_conflict(plan)
        _note_beside(plan)
        return _ROADS[change.kind](plan, _Act(now, redo, how))


def _refuse_beside_conflict(plan: OpenPlan) -> None:
    """A command that stopped at a conflict has changed nothing yet: whoever wants it undone would
    lose what came before it.
    """
    there = conflict.waiting(plan)
    if there is not None:
        raise errors.Busy(
            f"'git orch {there.operation.command}' has changed nothing yet: its conflict waits in "
            f"{sentences.quoted(there.worktree.path)}",
            f"git orch done --abort {plan.name}  # gives it up; then undo takes back what came before",
        )


def _note_beside(plan: OpenPlan) -> None:
    """Report what came after the change and is none: it stays."""
    status = plan.status()
    for event in changes.read(status.log.events, plan.ref).beside:
        step = event.body.get("step")
        number = status.plan.position(str(step)) if status.plan.step(str(step)) else step
        if event.name == "plan.approved":
            text = "your approval came after that: it holds as long as the text stays"
        elif event.name == "step.answered":
            text = f"your answer to step {number} came after that, and stays"
        else:
            text = f"step {number} was adopted after that as it is, and no branch moved"
            text += f": git orch drop {plan.name} {number}  # takes it off"
        plan.reporter.emit(Note(text))


# -- the plan's branch -----------------------------------------------------------------------------


def _move_branch(plan: OpenPlan, act: _Act) -> Undone:
    status, change = plan.status(), act.change
    goal = act.goal
    if status.branch is None or status.branch.tip != act.start or goal is None:
        raise _moved_by_user(plan, status, act)
    if change.is_own:
        raise errors.Refused(
            f"'{change.why}' committed changes of your own: they are on the branch",
            f"git orch rollback {plan.name} --keep-user-commits",
        )
    if plan.objects.read_many([goal])[0] is None:
        raise errors.NotFound(f"commit '{goal[:12]}' is gone", f"git orch exec {plan.name}")
    then = catalog.status(plan.place, plan.objects, plan.log.log, goal)
    undone = _compared(act, status, then)
    if act.how.dry_run:
        return undone
    plan.keep([act.start], f"the branch before '{act.why}'")
    if not act.how.in_checkout:
        plan.refuse_checked_out()
    entries = _base_entries(plan, act)
    if change.kind is ChangeKind.REORDER:
        _restore_order(plan, status, act)
    fields: Document = {"from": act.start, "to": goal}
    if not then.satisfied_steps():
        fields["full"] = True
    entries.append((plan.home, plan.event("plan.restored", **fields)))
    moved = moves.Change(MoveKind.UNDO, plan.ref, act.start, goal, act.why, marks=act.marks)
    try:
        rollback.move_to(
            plan, moved, entries, Written(plan.objects), in_checkout=act.how.in_checkout
        )
    except errors.Busy:
        if change.kind is ChangeKind.REBASE:  # the log may name the other base already
            _record_base(plan, change.before if act.redo else change.after)
        raise
    plan.home_at_cover(plan.status())
    return undone


def _moved_by_user(plan: OpenPlan, status: Status, act: _Act) -> errors.Refused:
    """The error for a branch that its user has moved since the change, with the command that goes
    back to the change: git-orch keeps the tip that this leaves.
    """
    cause = f"you have moved the branch since '{act.change.why}'"
    tip = status.branch.tip if status.branch is not None else ""
    if plan.objects.read_many([act.start])[0] is None:
        return errors.Refused(cause, f"git orch log {plan.name}")
    return errors.Refused(
        f"{cause}: it was at {act.start[:10]} then",
        f"git branch -f orch/{plan.id} {act.start[:12]}  # back to that; {tip[:10]} is kept",
    )


def _compared(act: _Act, before: Status, after: Status) -> Undone:
    was, is_now = before.satisfied_steps(), after.satisfied_steps()
    done = tuple(step.number for step in after.steps if step.id in is_now - was)
    gone = tuple(step.number for step in before.steps if step.id in was - is_now)
    return Undone(act.change, act.redo, act.start, act.goal, done, gone)


def _base_entries(plan: OpenPlan, act: _Act) -> list[Entry]:
    """The log entry that names the base from before a rebase, or from after it."""
    if act.change.kind is not ChangeKind.REBASE or act.text is None:
        return []
    return [(plan.home, plan.event("plan.rebased", base=act.text.body.get("base")))]


def _record_base(plan: OpenPlan, event: Event | None) -> None:
    if event is not None:
        plan.record((plan.home, plan.event("plan.rebased", base=event.body.get("base"))))


def _restore_order(plan: OpenPlan, status: Status, act: _Act) -> None:
    """The text with its steps where they stood, unless others have come or gone since."""
    text = _text_of(act.text)
    if text is None:
        return
    order = [step.id for step in text.steps]
    now = {step.id: step for step in status.plan.steps}
    if sorted(order) == sorted(now):
        new = status.plan._replace(steps=tuple(now[step] for step in order))
        edit.revise(plan, status.plan, new, rewrite.estimate(status), edit.Undo(act.part))


def _text_of(event: Event | None) -> Plan | None:
    """The text of the plan in an event; None where it is damaged."""
    try:
        return plan_document.from_document(event.body.get("plan")) if event is not None else None
    except BadDocument:
        return None


# -- the plan's text, and where it is --------------------------------------------------------------


def _edit(plan: OpenPlan, act: _Act) -> Undone:
    status, text = plan.status(), _text_of(act.text)
    if text is None or act.text is None:
        raise errors.NotFound("the text before is damaged in the log", f"git orch show {plan.name}")
    if act.how.dry_run:
        return Undone(act.change, act.redo)
    text = _text_at(status, act.text) or text
    rejected = act.change.outcome if not act.redo else None
    estimate = act.text.body.get("estimate")
    amounts = {**estimate} if isinstance(estimate, Mapping) else rewrite.estimate(status)
    marks = act.marks if rejected is None else act.part
    edit.revise(plan, status.plan, text, amounts, edit.Undo(marks, act.goal, is_logged=True))
    if rejected is not None:
        _reject_again(plan, act, rejected)
    return Undone(act.change, act.redo)


def _text_at(status: Status, event: Event) -> Plan | None:
    """The text that the plan had at an event, with what others edited at the same time."""
    until = tuple(other for other in status.log.events if other.id <= event.id)
    then = fold.fold(status.id, status.log._replace(events=until), None)
    return then.plan if then is not None else None


def _reject_again(plan: OpenPlan, act: _Act, rejected: Event) -> None:
    why = rejected.body.get("why")
    approve.reject(plan, why if isinstance(why, str) else "", act.marks)
    if act.change.archives:
        archive.archive(plan, _ARCHIVES[ChangeKind.REJECT], act.part)


def _put_away(plan: OpenPlan, act: _Act) -> Undone:
    """Archive a plan: its creation or an unarchiving is taken back, or an archiving comes again."""
    if not act.how.dry_run:
        given = act.change.after.body.get("why") if act.change.after is not None else None
        why = given if act.redo and isinstance(given, str) else act.why
        archive.archive(plan, why, act.marks)
    return Undone(act.change, act.redo)


def _reject(plan: OpenPlan, act: _Act) -> Undone:
    status = plan.status()
    if act.how.dry_run:
        return Undone(act.change, act.redo)
    if not act.redo:
        if status.recorded_state is PlanState.REJECTED:
            estimate = rewrite.estimate(status)
            edit.revise(plan, status.plan, status.plan, estimate, edit.Undo(act.marks))
        return Undone(act.change, act.redo)
    if act.change.after is not None:
        _reject_again(plan, act, act.change.after)
    return Undone(act.change, act.redo)


# -- what people write beside the steps ------------------------------------------------------------


def _turn_small(plan: OpenPlan, act: _Act) -> Undone:
    if not act.how.dry_run:
        name = "change.redone" if act.redo else "change.undone"
        plan.record((plan.home, plan.event(name, why=act.change.why, **act.marks)))
    return Undone(act.change, act.redo)


def _turn_spec(plan: OpenPlan, act: _Act) -> Undone:
    """Make an idea of the plan again, or bring its spec and its branch. The branch goes first: cut
    off then, the same command goes on.
    """
    tip, cover = plan.tip(), act.change.new
    if act.redo:
        return _specify_again(plan, act)
    if tip is not None and tip != cover:
        raise _moved_by_user(plan, plan.status(), act)
    if act.how.dry_run:
        return Undone(act.change, redo=False)
    if tip is not None:
        plan.refuse_checked_out()
        plan.keep([tip], f"the branch before '{act.why}'")
        refs.delete(plan.repository, plan.ref, old=tip, reason=f"orch: {act.why}")
    plan.home = None
    plan.record((None, plan.event("spec.withdrawn", **act.marks)))
    return Undone(act.change, redo=False)


def _specify_again(plan: OpenPlan, act: _Act) -> Undone:
    cover, written = act.change.new, act.change.after
    if cover is None or written is None or plan.objects.read_many([cover])[0] is None:
        raise errors.NotFound(
            "the first commit of the branch is gone", f"git orch spec {plan.name}"
        )
    if act.how.dry_run:
        return Undone(act.change, redo=True)
    own = ("actor", "undoes", "redoes", "part_of")
    fields = {name: value for name, value in written.body.items() if name not in own}
    event = plan.event("spec.written", **fields, **act.marks)
    plan.move(None, cover, act.why, [(cover, event)], kind=MoveKind.CREATE)
    plan.home = cover
    return Undone(act.change, redo=True)


# -- a branch of the user's ------------------------------------------------------------------------


def _target(place: PlanPlace, act: _Act) -> Target:
    """The branch of the user's that a landing or a pick has moved, where nothing came after.

    Raises Refused where something did, with the command that reverts it.
    """
    change, repository = act.change, place.repository
    name = ids.short(place.id)
    if change.clone != store.clone_id(repository) or change.ref is None:
        raise errors.Refused(
            f"'{change.why}' was not done in this clone", f"git orch log {name} --all"
        )
    if act.goal is None:
        raise errors.Refused(
            f"'{change.why}' began the branch: no commit is below it", f"git orch log {name}"
        )
    target = targets.find(repository, change.ref)
    if target.tip != act.start:
        cause = f"{sentences.quoted(target.name)} has moved on since '{change.why}'"
        if act.redo or target.tip is None:
            raise errors.Refused(cause, f"git orch land {name}")
        if not ask.is_ancestor(repository.git, act.start, target.tip):
            raise errors.Refused(cause, f"git reflog {target.typed}")
        raise errors.Refused(cause, _revert(place, act, target))
    _refuse_never_moved(target, act, repository)
    if not act.redo:
        published = _published(place, act.start)
        if published is not None:
            cause = f"'{change.why}' was pushed: {sentences.quoted(published)} has it"
            raise errors.Refused(cause, _revert(place, act, target))
        _refuse_in_the_way(place, act, target)
    return target


def _refuse_never_moved(target: Target, act: _Act, repository: Repository) -> None:
    """Raises Refused where the branch has not made the move: a log that came from elsewhere may name
    any, and the reflog is of this clone.
    """
    old, new = act.change.old or "", act.change.new or ""
    been = refs.reflog(repository, target.ref)
    if (new, old) in itertools.pairwise(been):
        return
    # With a reflog that begins with the move, as in a bare repository, or without one.
    untold = been[-1] == new if been else not act.redo
    if untold and ask.is_ancestor(repository.git, old, new):
        return
    raise errors.Refused(
        f"the reflog of {sentences.quoted(target.name)} has no such move as '{act.change.why}'",
        f"git reflog {target.typed}",
    )


def _refuse_in_the_way(place: PlanPlace, act: _Act, target: Target) -> None:
    """Raises Busy where files that no commit has would be overwritten."""
    checkout = target.checkout
    if checkout is not None:
        git = Git(checkout.git_dir, checkout.path, place.repository.variables)
        paths = half_moved.in_the_way(git, checkout.path, act.start, act.goal or "")
        if paths:
            raise targets.Blocked(checkout, paths)


def _revert(place: PlanPlace, act: _Act, target: Target) -> str:
    """The git command that reverts what a landing or a pick has brought."""
    git = place.repository.git
    parents = git.run("rev-parse", f"{act.start}^@").split()
    what = f"{(act.goal or '')[:12]}..{act.start[:12]}"
    if len(parents) > 1:
        what = f"-m 1 {act.start[:12]}"
    elif parents and parents[0].decode("ascii") == act.goal:
        what = act.start[:12]
    here = ask.head_branch(place.repository.user_git)
    switch = "" if here == target.ref else f"git switch {target.typed} && "
    return f"{switch}git revert {what}"


def _published(place: PlanPlace, commit: str) -> str | None:
    """A branch of a remote that has the commit, as this repository knows."""
    look = ("for-each-ref", "--count=1", "--format=%(refname:short)", f"--contains={commit}")
    shown = place.repository.git.run(*look, "refs/remotes").decode("utf-8", "surrogateescape")
    return shown.strip() or None


def _move_users_branch(plan: OpenPlan, act: _Act) -> Undone:
    target, change, goal = _target(plan.place, act), act.change, act.goal or ""
    undone = Undone(change, act.redo, act.start, goal)
    if act.how.dry_run:
        return undone
    if act.redo:
        _advance_again(plan, act, target)
        if change.archives:
            archive.archive(plan, _ARCHIVES[change.kind], act.part)
        return undone
    plan.keep([act.start], f"{sentences.quoted(target.name)} before '{act.why}'")
    moved = replace(target.to(goal, MoveKind.UNDO, act.why), marks=act.marks)
    road = _road_back(plan, target)
    if target.checkout is not None:
        moved = replace(moved, checkout=True)
    intent = moves.intend(plan, moved, plan.home)
    fields = {"ref": target.ref, "from": act.start, "to": goal, "move": intent.event.id}
    entries = []
    if change.kind is ChangeKind.LAND:
        entries.append((plan.home, plan.event("plan.unlanded", **fields)))
    moves.carry_out(plan, intent, entries, road)
    plan.confirm()
    return undone


def _road_back(plan: OpenPlan, target: Target) -> Callable[[moves.Change], None]:
    """How the branch goes back, with the files where it is checked out."""
    repository, checkout = plan.repository, target.checkout
    if checkout is None:
        return lambda change: refs.move(
            repository, change.ref, old=change.old, new=change.new, reason=change.reason
        )
    git = Git(checkout.git_dir, checkout.path, repository.variables)
    look = checkout.command("status")

    def road(change: moves.Change) -> None:
        if refs.value(repository, change.ref) != change.old:
            raise refs.RefMoved(change.ref)
        moves.reset_checkout(repository, git, change, look)

    return road


def _advance_again(plan: OpenPlan, act: _Act, target: Target) -> None:
    outcome = act.change.outcome
    event = "plan.landed" if act.change.kind is ChangeKind.LAND else "steps.picked"
    own = ("ref", "from", "to", "move")
    body = {} if outcome is None else outcome.body
    fields = {name: value for name, value in body.items() if name not in own}
    moved = replace(target.to(act.goal or "", MoveKind.UNDO, act.why), marks=act.marks)
    targets.advance(plan, target, moved, Written(plan.objects), Consequence(event, fields))


_ROADS: Mapping[ChangeKind, Callable[[OpenPlan, _Act], Undone]] = {
    **dict.fromkeys(changes.BRANCH, _move_branch),
    **dict.fromkeys(changes.OF_USERS_BRANCH, _move_users_branch),
    **dict.fromkeys((ChangeKind.CREATE, ChangeKind.ARCHIVE, ChangeKind.UNARCHIVE), _put_away),
    **dict.fromkeys(changes.SMALL, _turn_small),
    ChangeKind.SPEC: _turn_spec,
    ChangeKind.EDIT: _edit,
    ChangeKind.REJECT: _reject,
}


def latest(statuses: Sequence[Status]) -> Status | None:
    """The plan that this machine's user changed last: whose log has the newest event."""
    return max(
        (status for status in statuses if status.log.events),
        key=lambda status: status.log.events[-1].id,
        default=None,
    )
