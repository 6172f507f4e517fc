"""Commands that a conflict has stopped: going on with them, and giving them up."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeVar

import click
from click.core import ParameterSource

from git_orch import errors
from git_orch.cli import here, reading, words
from git_orch.views import console

if TYPE_CHECKING:
    from pathlib import Path

    from git_orch.flow.open_plan import OpenPlan
    from git_orch.repo.repository import Repository

# The commands that a conflict may stop; the module of each has a function `go_on`.
CONTINUED = ("land", "rebase", "drop", "reorder", "rollback", "redo", "pick", "adopt")

F = TypeVar("F", bound=Callable[..., object])
Turn = Literal["continue", "abort"]


def options(function: F) -> F:
    """The options --continue and --abort, to be read as `unfinished`."""
    add = click.option(
        "--continue",
        "unfinished",
        flag_value="continue",
        help="Go on, once the conflict that stopped it is resolved: the same as git orch done.",
    )
    abort = click.option(
        "--abort",
        "unfinished",
        flag_value="abort",
        help="Give it up where a conflict has stopped it; keep the work on that.",
    )
    return add(abort(function))


def give_up(plan: str | None, number: int | None) -> None:
    """Give up what `done` would take: the command that a conflict has stopped, or else the step
    that a person mends, with this number or the only one.
    """
    from git_orch.flow.run import fix, hand_in

    with here.open_plan(plan or meant(here.find_repository())) as opened:
        if number is None and hand_in.is_conflict_meant(opened):
            _give_up(opened, None)
            return
        _tell(opened, *fix.give_up(opened, number))


def meant(repository: Repository) -> str | None:
    """The plan whose worktree the user stands in; else the open one, which goes without a handle;
    else the one that has a conflict.
    """
    there, conflict = words.plan_here(repository), words.plan_in_conflict(repository)
    if there is not None or conflict is None:
        return there
    try:
        reading.plan_id(repository, None)
    except errors.NotFound:
        return conflict
    return None


def settle(plan: str | None, command: str, turn: Turn) -> None:
    """Go on with a command that a conflict has stopped, or give it up. Raises UsageError beside
    other options.
    """
    refuse_others(turn)
    repository = here.find_repository()
    handle = plan or words.plan_here(repository) or words.plan_in_conflict(repository)
    with here.open_plan(handle) as opened:
        if turn == "continue":
            go_on(opened, command)
        else:
            _give_up(opened, command)


def refuse_others(turn: Turn) -> None:
    """Raises UsageError where something is typed beside --continue or --abort but a plan."""
    context = click.get_current_context()
    alone = {"plan", "unfinished", "as_json"}
    for name in context.params.keys() - alone:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            again = f"git orch {context.info_name} --{turn}"
            raise errors.UsageError(f"--{turn} stands alone", again)


def _give_up(opened: OpenPlan, command: str | None) -> None:
    from git_orch.flow.branch import conflict

    _tell(opened, *conflict.give_up(opened, command))


def _tell(opened: OpenPlan, path: Path, work: str | None) -> None:
    here.give({"plan": opened.id, "path": str(path), "kept": work})
    kept = f" The work in {path} is kept as {work[:10]}" if work is not None else ""
    console.out(f"given up; nothing has moved.{kept}")


def go_on(opened: OpenPlan, command: str | None = None) -> None:
    """Take what somebody made of a conflict, and run the command again that it stopped."""
    from git_orch.flow.branch import conflict

    operation = conflict.settle(opened, command)
    if operation.command in CONTINUED:  # which are imported by name, because they import this
        importlib.import_module(f"git_orch.cli.{operation.command}").go_on(opened, operation)
        conflict.forget_settled(opened)  # where the command had moved its branch before a kill
