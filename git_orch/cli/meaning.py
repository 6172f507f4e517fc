"""Run a command that git-orch understood from other words, in the same process."""

from __future__ import annotations

from collections.abc import Sequence

import click

from git_orch import errors
from git_orch.cli import here, reading, table
from git_orch.plans import ids
from git_orch.plans.phrases import sentence
from git_orch.plans.phrases.sentence import Understood, Unknown
from git_orch.views import answer, console

_MOST = 3  # candidates


def understood(typed: str) -> Understood | Unknown:
    """What a sentence means: by itself, else with the plans of this repository, whose words it may
    use.
    """
    alone = sentence.understand(typed)
    if isinstance(alone, Understood) and alone.hole is None:
        return alone
    try:
        repository = here.find_repository()
    except errors.UnfitRepository:
        return alone
    with reading.open_objects(repository) as database:
        statuses = reading.statuses(repository, database)
    titles = {ids.short(status.id): status.plan.title for status in statuses}
    named = sentence.understand(typed, titles)
    return named if isinstance(named, Understood) and named.hole is None else alone


def require_command(meaning: Understood | Unknown, cause: str) -> tuple[str, ...]:
    """The command that was understood, with its plan. Raises UsageError, and NotFound where no plan,
    or several, may be meant.
    """
    if isinstance(meaning, Unknown):
        first, *others = meaning.suggestions
        error = errors.UsageError(f"{cause}: {meaning.why}", first)
        error.details = tuple(f"it may mean: {other}" for other in others)
        raise error
    return meaning.argv if meaning.hole is None else _with_plan(meaning, meaning.hole)


def run(context: click.Context, argv: Sequence[str]) -> object:
    """Tell the command on standard error, and run it. Its result and its exit code are the result."""
    name, *rest = argv
    console.err(sentence.shown(argv))
    answering = answer.current()
    if answering is not None:  # the command would speak to a person without the option
        answering.command = name
        rest = ["--json", *rest]
    command = table.load(name)
    with command.make_context(name, rest, parent=context.parent) as made:
        return command.invoke(made)


def _with_plan(meaning: Understood, hole: int) -> tuple[str, ...]:
    """The command for the only plan that it can mean."""
    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        statuses = reading.statuses(repository, database)
    plans = [
        ids.short(status.id)
        for status in statuses
        if status.is_open() and (meaning.argv[0] != "spec" or not status.steps)
    ]
    ways = [(*meaning.argv[:hole], plan, *meaning.argv[hole + 1 :]) for plan in plans]
    if not ways:
        raise errors.NotFound("there is no plan for that", 'git orch plan "TITLE" --ready')
    if meaning.is_sure and len(ways) == 1:
        return ways[0]
    first, *others = [sentence.shown(way) for way in ways[-_MOST:]]
    kind = errors.NotFound if meaning.is_sure else errors.UsageError
    error = kind("it does not say for which plan", first)
    error.details = tuple(f"or: {other}" for other in others)
    raise error
