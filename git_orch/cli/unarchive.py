"""git orch unarchive: bring an archived plan back."""

from __future__ import annotations

import dataclasses

import click

from git_orch import notices
from git_orch.cli import here, reading
from git_orch.flow.branch import unarchive
from git_orch.plans import ids
from git_orch.repo.log import catalog
from git_orch.repo.plan_place import PlanPlace
from git_orch.repo.repository import Repository
from git_orch.views import console


@click.command("unarchive")
@click.argument("plan", metavar="PLAN")
def command(plan: str) -> None:
    """The old name of git orch archive --undo."""
    notices.tell("'git orch unarchive' is 'git orch archive --undo' now")
    bring_back(plan)


def bring_back(plan: str) -> None:
    """Bring a plan back from the archive: its log and, where its commits are still here, its
    branch.
    """
    from git_orch.views.progress import ConsoleReporter

    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        plan_id = catalog.resolve_archived(repository, database, plan)
    back = unarchive.unarchive(PlanPlace(repository, plan_id), ConsoleReporter())
    here.give(dataclasses.asdict(back))
    name = ids.short(back.plan)
    if back.tip is None and _is_idea(repository, plan_id):
        console.out(f"{name} is back")
    elif back.tip is None:
        console.out(
            f"the log of {name} is back; the commits of its branch are not in this repository"
        )
    else:
        console.out(f"{name} is back; branch orch/{back.plan} is at {back.tip[:10]}")
    console.out(f"next: git orch show {name}")


def _is_idea(repository: Repository, plan_id: str) -> bool:
    """Whether the plan has never had a branch."""
    with reading.open_objects(repository) as database:
        return reading.status_of(repository, database, plan_id).is_idea
