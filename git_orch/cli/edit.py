"""git orch edit: change a plan's text."""

from __future__ import annotations

import sys

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.cli import plan as plan_command
from git_orch.plans import ids, planfile
from git_orch.plans.status import Status
from git_orch.repo import settings
from git_orch.repo.repository import Repository
from git_orch.views import console


@click.command("edit")
@here.plan_argument
@click.option("--from", "source", metavar="FILE", help="The new text, as `show --yaml` prints it; - for stdin.")
def command(plan: str | None, source: str | None) -> None:
    """Change a plan. Landed steps stay as they are; steps keep their IDs.

    Without --from your editor opens; on a terminal only.
    """
    from git_orch.flow import editing, models, openplan, planning
    from git_orch.views.progress import ConsoleReporter

    found = here.repository()
    with here.reading(found) as database:
        status = here.status_of(found, database, plan)
    name, text = _text(found, status, source)
    new = planfile.read(text, name, status.step_ids)
    chosen = settings.of_user(found)
    estimate = planning.estimated(new, chosen.model, models.price_table(chosen.prices))
    with openplan.opened(found, status.id, ConsoleReporter()) as opened:
        changed = editing.revise(opened, new, estimate)
    console.out(f"{ids.short(status.id)}: {'changed' if changed else 'nothing changed'}")


def _text(found: Repository, status: Status, source: str | None) -> tuple[str, str]:
    if source is not None:
        return source, plan_command.input_text(source)
    if sys.stdin is None or not sys.stdin.isatty() or not sys.stdout.isatty():
        name = ids.short(status.id)
        raise errors.UsageError(
            "there is no terminal for an editor",
            f"git orch show {name} --yaml > plan.yaml; git orch edit {name} --from plan.yaml",
        )
    editor = found.user_git.line("var", "GIT_EDITOR")
    edited = click.edit(planfile.to_yaml(status.plan), editor=editor, extension=".yaml")
    if edited is None:
        raise errors.UsageError("the text was not saved", f"git orch edit {ids.short(status.id)}")
    return "the edited text", edited
