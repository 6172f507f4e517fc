"""The part of git orch docs that makes plans of the files of orchestrator-toolkit."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans import ids, sentences
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.documents.import_otk import Outcome

_MOST_LINES = 12  # of one kind that are printed


def make_plans(typed: str, *, as_json: bool) -> None:
    """Import the directory that was typed. Raises StepFailed for files that cannot be read."""
    from git_orch.flow.documents import import_otk
    from git_orch.views.progress import ConsoleReporter

    repository = here.find_repository()
    folder = import_otk.folder_of(typed)
    shown = typed.rstrip("/") or "/"
    outcome = import_otk.Outcome()
    items = import_otk.read(folder, shown, outcome)
    with import_otk.alone(repository):
        with reading.open_objects(repository) as database:
            everything = reading.Everything(with_archived=True)
            statuses = reading.every_status(repository, database, everything)
        import_otk.store_all(repository, items, statuses, shown, ConsoleReporter(), outcome)
    if as_json:
        here.print_json(_document(shown, outcome))
    else:
        _print(shown, outcome)
    if outcome.problems:
        first = outcome.problems[0]
        count = sentences.count(len(outcome.problems), "file")
        raise errors.StepFailed(
            f"{count} could not be imported", f"$EDITOR +{first.line} {shlex.quote(first.file)}"
        )


def _document(directory: str, outcome: Outcome) -> dict[str, object]:
    return {
        "dir": directory,
        "imported": [imported._asdict() for imported in outcome.imported],
        "present": outcome.present,
        "problems": [problem._asdict() for problem in outcome.problems],
        "notes": outcome.notes,
        "unread": outcome.unread,
    }


def _print(directory: str, outcome: Outcome) -> None:
    for old, plan, _, state in outcome.imported[:_MOST_LINES]:
        console.out(f"imported: {old} is {ids.short(plan)} now ({state})")
    if len(outcome.imported) > _MOST_LINES:
        rest = sentences.count(len(outcome.imported) - _MOST_LINES, "more plan")
        console.out(f"imported: {rest}")
    for note in outcome.notes[:_MOST_LINES]:
        console.err(f"note: {note}")
    if len(outcome.notes) > _MOST_LINES:
        console.err(
            f"note: {sentences.count(len(outcome.notes) - _MOST_LINES, 'more file')} likewise"
        )
    if outcome.unread:
        console.err(f"note: not read: {sentences.names(outcome.unread, _MOST_LINES)}")
    if outcome.ours:
        files = sentences.count(outcome.ours, "file")
        verb = sentences.verb(outcome.ours, "is", "are")
        console.err(
            f"note: {files} of {directory} {verb} git-orch's own: 'git orch docs' reads them"
        )
    for file, line, text in outcome.problems:
        console.err(f"{file}:{line}: {text}")
    if not outcome.imported:
        there = sentences.count(len(outcome.present), "plan")
        verb = sentences.verb(len(outcome.present), "is", "are")
        known = f"; {there} of it {verb} here already" if outcome.present else ""
        console.out(f"{directory}: nothing is new{known}")
        return
    done = any(imported.state == "done" for imported in outcome.imported)
    console.out(f"next: git orch ls{' --all' if done else ''}")
