"""git orch note: write a note into a plan's log."""

from __future__ import annotations

from typing import NamedTuple

import click

from git_orch import errors
from git_orch.cli import here, words
from git_orch.repo import owners
from git_orch.views import console

_HINT = 'git orch note "TEXT"'


class _Typed(NamedTuple):
    plan: str | None
    step: int | None
    text: str


@click.command("note")
@click.argument("typed", nargs=-1, metavar="[PLAN] [STEP] TEXT")
@click.option("--decision", "kind", flag_value="decision", help="It is a decision.")
@click.option("--blocker", "kind", flag_value="blocker", help="It is in the way of the plan.")
@click.option("--progress", "kind", flag_value="progress", help="It tells how far the work is.")
def command(typed: tuple[str, ...], *, kind: str | None) -> None:
    """Write a note into the log of a plan. TEXT - is standard input."""
    from git_orch.flow.documents import notes

    plan, step, text = _parts(typed)
    with here.open_plan(plan, idea=True) as opened:
        who = owners.of_user(opened.repository)
        notes.add(opened, notes.NewNote(kind or "note", text, step), who)
    console.out(f"noted in {opened.name}; read it: git orch log {opened.name}")


def _parts(typed: tuple[str, ...]) -> _Typed:
    """The plan, the step and the text. Raises UsageError where there is no text, or too many words."""
    if not typed:
        raise errors.UsageError("there is no text", _HINT)
    if len(typed) > 3:
        raise errors.UsageError("TEXT must be one word: quote it", _HINT)
    *names, text = typed
    first, second, *_ = (*names, None, None)
    plan, step = words.plan_and_step(first, second)
    text = words.standard_input("there is no text", _HINT) if text == "-" else text
    return _Typed(plan, step, text)
