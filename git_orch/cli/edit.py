"""git orch edit: change a plan's text."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import click

from git_orch import errors
from git_orch.cli import here, planning, reading
from git_orch.flow.branch import opening, unarchive
from git_orch.plans import ids, revision
from git_orch.plans.file import emitter, planfile
from git_orch.plans.history.status import PlanState, Status
from git_orch.plans.plan import Plan
from git_orch.repo import localfiles, settings
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.sandbox.process import programs
from git_orch.views import console, plan_diff, report


@click.command("edit")
@here.plan_argument
@click.option(
    "--from",
    "source",
    metavar="FILE",
    help="The new text, as `show --yaml` prints it; - for standard input.",
)
def command(plan: str | None, source: str | None) -> None:
    """Change a plan's text. Steps keep their IDs; a landed step may only change its prompt. Without
    --from your editor opens, on a terminal only.
    """
    from git_orch.cli import revising
    from git_orch.flow.branch import archive
    from git_orch.flow.planning import edit
    from git_orch.views.progress import ConsoleReporter

    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    if status.recorded_state is not PlanState.REJECTED:  # an edit is what brings that back
        archive.refuse_archived(status)
    draft = _edit_draft(repository, status) if source is None else None
    name, text = (
        (str(draft), draft.read_text(encoding="utf-8"))
        if draft is not None
        else _typed_text(source or "-")
    )
    try:
        new = _read(status, text, name)
        model = settings.of_user(repository).model
        estimate = revising.estimate_of(repository, status, new, model)
        place = PlanPlace(repository, status.id)
        if status.archived is not None:
            unarchive.unarchive(place, ConsoleReporter())
        with opening.open_for_writing(place, ConsoleReporter(), idea=True) as opened:
            changed = edit.revise(opened, status.plan, new, estimate)
            after = opened.status()
    except errors.OrchError as refused:
        if draft is None:
            raise
        refused.hint = f"git orch edit {ids.short(status.id)} --from {shlex.quote(str(draft))}  # your text is there"
        raise
    if draft is not None:
        localfiles.remove(draft)
    here.give(here.plan_document(repository, after, running=False))
    what = revision.differences(status.plan, new) if changed else "nothing changed"
    same = "the conflicts are settled" if status.clashes else "the same text, not rejected any more"
    console.out(f"{ids.short(status.id)}: {what or same}")
    if changed:
        for step in (step for step in after.steps if step.changed_since):
            again = f"git orch redo {ids.short(after.id)} {step.number}"
            console.out(f"step {step.number} landed with another prompt; run: {again}")
        console.out(*report.next_command(after, running=False))


def _read(status: Status, text: str, name: str) -> Plan:
    """The new text; that of an idea has a title and a body."""
    if not status.plan.steps:
        return planfile.read_idea(text, name, ids.short(status.id))
    return planfile.read(text, name, status.step_ids, status.plan)


def _typed_text(source: str) -> tuple[str, str]:
    return "standard input" if source == "-" else source, planning.input_text(source)


def _through_shell(editor: str) -> str:
    """The command line that opens an editor as git does: what its users write is for a shell."""
    return shlex.join(["sh", "-c", f'{editor} "$@"', editor])


def _edit_draft(repository: Repository, status: Status) -> Path:
    """The file that holds what the user made of the plan's text in their editor. Raises UsageError."""
    name = ids.short(status.id)
    if sys.stdin is None or sys.stdout is None or not sys.stdin.isatty() or not sys.stdout.isatty():
        raise errors.UsageError(
            "there is no terminal for an editor",
            f"git orch edit {name} --from FILE  # begin with what this shows: git orch show {name} --yaml",
        )
    path = repository.state_dir / "edit" / f"{name}.yaml"
    text = plan_diff.clash_comments(status) + emitter.to_yaml(status.plan)
    localfiles.write(path, text.encode("utf-8"))
    try:
        variables = {"PATH": programs.host_path(os.environ.get("PATH", os.defpath))}
        click.edit(
            filename=str(path), editor=_through_shell(settings.editor(repository)), env=variables
        )
    except click.ClickException as failed:
        raise errors.UsageError(
            f"the editor failed: {failed.format_message()}",
            f"git orch edit {name} --from {shlex.quote(str(path))}",
        ) from failed
    return path
