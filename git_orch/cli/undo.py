"""git orch undo: take back the last change of a plan, or bring it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans import ids, sentences
from git_orch.plans.history import changes
from git_orch.plans.history.changes import ChangeKind, Turn
from git_orch.views import console, report

if TYPE_CHECKING:
    from git_orch.flow.branch.undo import Undone
    from git_orch.plans.history.status import Status
    from git_orch.repo.repository import Repository


class Typed(NamedTuple):
    """The request: `turn` says which change, `kinds` what it may be."""

    turn: Turn
    checkout: bool
    dry_run: bool
    kinds: frozenset[ChangeKind] = frozenset(ChangeKind)


@click.command("undo")
@here.plan_argument
@click.option(
    "--again",
    is_flag=True,
    help="Go one more change in the same direction, instead of undoing the undo.",
)
@click.option(
    "--checkout",
    is_flag=True,
    help="Also move the plan's branch where it is checked out; local changes stay.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the change that the command would take back; change nothing.",
)
def command(plan: str | None, *, again: bool, checkout: bool, dry_run: bool) -> None:
    """Take back the last change of a plan; run again, bring it again. Without PLAN it is the plan
    that you changed last, archived ones included.
    """
    turn: Turn = "onward" if again else "reverse"
    run(plan, Typed(turn, checkout, dry_run))


def run(handle: str | None, typed: Typed) -> None:
    """Take back a change of the plan that `handle` names."""
    from git_orch.flow.branch import undo
    from git_orch.repo.plan_place import PlanPlace
    from git_orch.views.progress import ConsoleReporter

    repository = here.find_repository()
    if handle is None and typed.kinds == frozenset(ChangeKind):
        handle = _changed_last(repository)
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, handle)
    how = undo.How(typed.turn, typed.checkout, typed.dry_run, typed.kinds)
    undone = undo.undo(PlanPlace(repository, status.id), status, ConsoleReporter(), how)
    with reading.open_objects(repository) as database:
        after = reading.status_of(repository, database, status.id)
    here.give(_document(after, undone, dry_run=typed.dry_run))
    _print(after, undone, dry_run=typed.dry_run)


def _changed_last(repository: Repository) -> str | None:
    """The plan of the branch that is checked out here, else the one whose log has the newest event."""
    from git_orch.flow.branch import undo
    from git_orch.repo import ask, refs

    head = ask.head_branch(repository.user_git) or ""
    if head.startswith(refs.BRANCHES):
        return head.removeprefix(refs.BRANCHES)
    with reading.open_objects(repository) as database:
        everything = reading.Everything(with_archived=True)
        latest = undo.latest(reading.every_status(repository, database, everything))
    if latest is None:
        raise errors.NotFound("there is no plan", "git orch plan TASK")
    return latest.id


def _print(after: Status, undone: Undone, *, dry_run: bool) -> None:
    name, change = ids.short(after.id), undone.change
    would = "would take" if dry_run else "took"
    text = f"{would} back '{change.why}'"
    if undone.redo:
        text = f"{'would do' if dry_run else 'did'} '{change.why}' again"
    be = "would be" if dry_run else ""
    for numbers, what in ((undone.done, "done again"), (undone.gone, "not done any more")):
        if numbers:
            is_or_are = be or sentences.verb(len(numbers), "is", "are")
            text += f"; {sentences.steps(numbers)} {is_or_are} {what}"
    console.out(f"{name}: {text}")
    if undone.old is not None and undone.new is not None:
        branch = (change.ref or "").removeprefix("refs/heads/")
        moves = "would move" if dry_run else "moved"
        console.out(f"{branch} {moves} from {undone.old[:10]} to {undone.new[:10]}")
    if dry_run:
        return
    console.out(*report.next_command(after, running=False))
    again = "takes that back again" if undone.redo else "brings it again"
    console.out(f"or:   git orch undo {name}  # {again}")


def _document(after: Status, undone: Undone, *, dry_run: bool) -> dict[str, object]:
    change = undone.change
    return {
        "plan": after.id,
        "change": {"id": change.id, "kind": change.kind.value, "why": change.why},
        "act": "redo" if undone.redo else "undo",
        "ref": change.ref if change.kind in changes.BRANCH | changes.OF_USERS_BRANCH else None,
        "from": undone.old,
        "to": undone.new,
        "done": list(undone.done),
        "gone": list(undone.gone),
        "state": after.state.value,
        "dry_run": dry_run,
    }
