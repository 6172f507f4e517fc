"""git orch comment: comment on a part of a plan."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.repo import owners
from git_orch.views import comments as view
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.plans.history.status import Status

_HINT = 'git orch comment PLAN STEP[:FIELD] "TEXT"'


@click.command("comment")
@click.argument("typed", nargs=-1, metavar="[PLAN] [STEP[:FIELD] TEXT]")
@click.option("--close", "closed", type=int, multiple=True, metavar="N", help="Close comment N.")
@click.option("--all", "whole", is_flag=True, help="List closed comments, too.")
@here.json_option
def command(typed: tuple[str, ...], closed: tuple[int, ...], *, whole: bool, as_json: bool) -> None:
    """Comment on a step, one of its fields, a criterion or a field of a plan. Without TEXT, list the
    open comments.
    """
    if len(typed) > 3:
        raise errors.UsageError("TEXT must be one word: quote it", _HINT)
    if len(typed) > 1 and (closed or whole):
        raise errors.UsageError("a comment cannot be used with --close and --all", _HINT)
    plan = typed[0] if len(typed) in (1, 3) else None
    comment = typed[-2:] if len(typed) > 1 else ()
    status = _write(plan, comment, closed) if closed or comment else _read(plan)
    if as_json:
        here.print_json(view.documents(status))
        return
    lines = [*view.lines(status, closed=whole)]
    console.out_lines(lines or [("no comment is open",)])


def _read(plan: str | None) -> Status:
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        return reading.status_of(repository, database, plan)


def _write(plan: str | None, comment: tuple[str, ...], closed: tuple[int, ...]) -> Status:
    from git_orch.flow.documents import comments

    with contextlib.ExitStack() as stack:
        opened, _running = here.open_beside_runs(stack, plan, idea=True)
        who = owners.of_user(opened.repository)
        for number in closed:
            comments.close(opened, number, who)
        if comment:
            where, text = comment
            comments.make(opened, where, text, who)
        return opened.status()
