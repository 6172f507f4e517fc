"""git orch docs: plans and their documents as Markdown files, and the edits of people back."""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING, cast

import click

from git_orch import errors
from git_orch.cli import exported, here, reading
from git_orch.plans import ids, sentences
from git_orch.repo import documents_folder
from git_orch.repo.objects import objects
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.documents.directory import Outcome, Side

_MOST_LINES = 12  # of one kind that are printed


@click.command("docs")
@here.plan_argument
@click.option("--out", metavar="DIR", help="The directory, below the worktree's top (ai_docs).")
@click.option(
    "--keep",
    type=click.Choice(["file", "plan"]),
    help="Where both changed the same, take it from the file, or from the plan.",
)
@click.option(
    "--import",
    "source",
    metavar="DIR",
    help="Make plans of the files of orchestrator-toolkit in DIR.",
)
@here.json_option
def command(
    plan: str | None, *, out: str | None, keep: str | None, source: str | None, as_json: bool
) -> None:
    """Write plans, specs, checklists and execution logs as Markdown files that git leaves out, and
    read back what you changed in them. Without PLAN that is all plans.
    """
    if source is not None:
        if plan is not None or out is not None or keep is not None:
            raise errors.UsageError("--import stands alone", "git orch docs -h")
        from git_orch.cli import importing

        importing.make_plans(source, as_json=as_json)
        return
    from git_orch.flow.documents import directory, export

    repository = here.find_repository()
    folder = documents_folder.of_user(repository, out)
    documents_folder.exclude(repository, folder)
    work = exported.terms(repository, folder, cast("Side | None", keep))
    with (
        directory.alone(repository, folder),
        contextlib.closing(objects.opened(repository)) as database,
    ):
        outcome = export.exchange(
            work,
            [reading.status_of(repository, database, plan)]
            if plan is not None
            else reading.whole_statuses(repository, database),
        )
    if as_json:
        here.print_json(_document(folder.name, outcome))
    else:
        _print(folder.name, outcome)
    _raise(outcome)


def _document(directory: str, outcome: Outcome) -> dict[str, object]:
    return {
        "dir": directory,
        "created": outcome.created,
        "updated": outcome.updated,
        "edited": [edited._asdict() for edited in outcome.edited],
        "archived": outcome.archived,
        "conflicts": [conflict._asdict() for conflict in outcome.conflicts],
        "problems": [problem._asdict() for problem in outcome.problems],
        "notes": outcome.notes,
    }


def _print(directory: str, outcome: Outcome) -> None:
    _list("Created", outcome.created)
    _list("Updated", outcome.updated)
    for plan, fields in outcome.edited:
        console.out(f"read: {ids.short(plan)}: {', '.join(fields)}")
    for plan in outcome.archived:
        name = ids.short(plan)
        console.out(f"{name} is archived: its file was deleted")
        console.out(f"next: git orch archive --undo {name}  # brings it back")
    exported.print_trouble(outcome)
    if not (outcome.created or outcome.updated or outcome.edited or outcome.archived):
        left = bool(outcome.problems or outcome.conflicts or outcome.notes)
        console.out(f"{directory}: {'the rest is' if left else 'all files are'} up to date")


def _list(verb: str, files: list[str]) -> None:
    for file in files[:_MOST_LINES]:
        console.out(f"{verb}: {file}")
    if len(files) > _MOST_LINES:
        rest = sentences.count(len(files) - _MOST_LINES, "more file")
        console.out(f"{verb}: {rest}")


def _raise(outcome: Outcome) -> None:
    """Raises Conflict, or StepFailed for files that could not be read."""
    if outcome.conflicts:
        name = ids.short(outcome.conflicts[0].plan)
        count = sentences.count(len(outcome.conflicts), "plan")
        cause = f"{count} changed here and in a file"
        if all(conflict.is_tracked for conflict in outcome.conflicts):
            cause = f"files that git tracks would change {count}"
        raise errors.Conflict(cause, f"git orch show {name}")
    if outcome.problems:
        count = sentences.count(len(outcome.problems), "file")
        first = outcome.problems[0]
        raise errors.StepFailed(
            f"{count} could not be read", f"$EDITOR +{first.line} {shlex.quote(first.file)}"
        )
