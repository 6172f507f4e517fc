"""git orch answer: answer the question of a step's model."""

from __future__ import annotations

import contextlib
import sys
from typing import NamedTuple

import click

from git_orch import errors
from git_orch.cli import here, reading, words
from git_orch.plans import ids
from git_orch.repo.log import catalog
from git_orch.views import console, report

_HINT = 'git orch answer "ANSWER"'


class _Typed(NamedTuple):
    """What was typed; `text` is None for standard input."""

    plan: str | None = None
    step: int | None = None
    text: str | None = None


@click.command("answer")
@click.argument("typed", nargs=-1, metavar="[PLAN] [STEP] [ANSWER]")
@here.json_option
def command(typed: tuple[str, ...], *, as_json: bool) -> None:
    """Answer the question of a step; the next exec goes on with it. Without ANSWER, or with -, git-
    orch reads standard input.
    """
    from git_orch.flow.run import answer

    handle, step, given = _parts(typed)
    text = given if given is not None else words.standard_input("there is no answer", _HINT)
    with contextlib.ExitStack() as stack:
        opened, running = here.open_beside_runs(stack, handle)
        number = answer.answer(opened, step, text)
        after = opened.status()
    if as_json:
        here.print_plan(opened.repository, after, running=running)
        return
    goes_on = "; the run goes on with it" if running else ""
    console.out(f"step {number} of {ids.short(after.id)} is answered{goes_on}")
    console.out(*report.next_command(after, running=running))


def _parts(typed: tuple[str, ...]) -> _Typed:
    """Raises UsageError for more words than there are arguments."""
    if len(typed) == 1 and typed[0] != "-":
        return _Typed(typed[0]) if _names_plan(typed[0]) else _Typed(text=typed[0])
    if len(typed) > 3:
        raise errors.UsageError("the answer must be one word: quote it", _HINT)
    text = None if not typed or typed[-1] == "-" else typed[-1]
    first, second, *_ = (*typed[:-1], None, None)
    return _Typed(*words.plan_and_step(first, second), text)


def _names_plan(word: str) -> bool:
    """Whether a lone word is the ID of a plan, or the beginning of one, and standard input may hold
    the answer. Words of a title are an answer.
    """
    if sys.stdin is None or sys.stdin.isatty() or len(word) < 4 or not word.isascii():
        return False
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        try:
            plan = catalog.resolve(repository, database, word)
        except errors.NotFound:
            return False
    parts = plan.split("-")
    return any(name.startswith(word.upper()) for name in (plan.upper(), parts[2]))
