"""The exported documents of the user: what an exchange with them needs, and what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_orch import errors
from git_orch.plans import ids
from git_orch.plans.documents import execution_log, names
from git_orch.repo import documents_folder, settings
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.documents.directory import Exchange, Outcome, Side
    from git_orch.plans.document import Document
    from git_orch.plans.documents.execution_log import ExecutionLog
    from git_orch.plans.history.status import Status
    from git_orch.plans.plan import Plan
    from git_orch.repo.documents_folder import DocumentsFolder
    from git_orch.repo.repository import Repository


def terms(repository: Repository, folder: DocumentsFolder, keep: Side | None = None) -> Exchange:
    """What an exchange with the files of a directory needs."""
    from git_orch.flow.documents.directory import Exchange
    from git_orch.plans.documents.markdown import Templates
    from git_orch.repo import template_files
    from git_orch.views.progress import ConsoleReporter

    model = settings.of_user(repository).model

    def estimate(status: Status, new: Plan) -> Document:
        from git_orch.cli import revising  # slow to load, and most exchanges edit no step

        return revising.estimate_of(repository, status, new, model)

    own = (template_files.of_plan(repository), template_files.of_spec(repository))
    templates = Templates(*(one.text if one is not None else None for one in own))
    return Exchange(repository, folder, ConsoleReporter(), estimate, templates, keep)


def in_use(repository: Repository) -> DocumentsFolder | None:
    """The directory that `git orch docs` has written to; None where there is none."""
    folder = _folder(repository)
    return folder if folder is not None and documents_folder.is_in_use(repository, folder) else None


def _folder(repository: Repository) -> DocumentsFolder | None:
    try:
        return documents_folder.of_user(repository, None)
    except (errors.Refused, errors.UnfitRepository):
        return None


def new_log(before: Status, after: Status) -> ExecutionLog | None:
    """The log that a run has begun; None where nothing ran."""
    known = {log.id for log in execution_log.of(before.id, before.log.events)}
    logs = execution_log.of(after.id, after.log.events)
    return logs[-1] if logs and logs[-1].id not in known else None


def write_new_log(
    repository: Repository, status: Status, log: ExecutionLog, *, is_told: bool
) -> None:
    """Write the logs of a plan where its documents are exported, and name the new one; a plan that
    never was an idea and has no documents needs none of that.
    """
    folder = in_use(repository)
    if folder is not None:
        from git_orch.flow.documents import directory, export

        try:
            with directory.alone(repository, folder):
                outcome = export.write_logs(terms(repository, folder), status)
        except errors.OrchError as failed:
            console.err(f"note: {failed.cause}: the execution log waits for git orch docs")
            return
        print_trouble(outcome)
        if is_told and any(file.endswith(f"/{log.file}") for file in outcome.created):
            console.out(f"Execution log created: {folder.name}/{names.LOGS}/{log.file}")
    elif is_told and any(event.name == "spec.written" for event in status.log.events):
        name = ids.short(status.id)
        console.out(f"Execution log created: {log.file}  (git orch show {name} --latest-log)")


def exchange(repository: Repository, status: Status) -> bool:
    """Exchange the files of a plan where its documents are exported; gives whether they are."""
    folder = in_use(repository)
    if folder is None:
        return False
    from git_orch.flow.documents import directory, export

    with directory.alone(repository, folder):
        outcome = export.exchange_one(terms(repository, folder), status)
    print_trouble(outcome)
    return True


def report_line(repository: Repository, status: Status) -> str | None:
    """The path of the checklist that is exported, or would be; None for a plan without steps."""
    if not status.plan.steps:
        return None
    folder = _folder(repository)
    if folder is None:
        return None
    path = f"{folder.name}/{names.REPORTS}/{names.report_file(status.id)}"
    return path if in_use(repository) is not None else f"{path}  (git orch docs writes it)"


def print_trouble(outcome: Outcome) -> None:
    """Print what an exchange could not do, and why."""
    for note in outcome.notes:
        console.err(f"note: {note}")
    for file, line, text in outcome.problems:
        console.err(f"{file}:{line}: {text}")
    for plan, file, fields, is_tracked in outcome.conflicts:
        changed = " and ".join(f"'{field}'" for field in fields)
        cause = "git tracks the file, which changes" if is_tracked else "file and plan both changed"
        console.err(f"{file}: {cause} {changed}; nothing was changed")
        name = ids.short(plan)
        console.err(f"  git orch docs {name} --keep file  # takes the file's; undo takes it back")
