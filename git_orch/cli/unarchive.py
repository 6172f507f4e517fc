"""git orch unarchive: bring a plan back that was put away."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import ids
from git_orch.repo import archive as archives
from git_orch.views import console


@click.command("unarchive")
@click.argument("plan", metavar="PLAN")
def command(plan: str) -> None:
    """Bring a plan back from the archive: its log and, where its commits are still here, its branch."""
    from git_orch.flow import archiving

    found = here.repository()
    with here.reading(found) as database:
        kept = archives.plans(found, database)
    meant = ids.matching(plan, [each.plan for each in kept])
    if len(meant) != 1:
        named = ", ".join(ids.short(each) for each in meant[:5])
        cause = f"'{plan}' may mean {named}" if meant else f"no archived plan is called '{plan}'"
        raise errors.NotFound(cause, "git orch ls --all")
    back = archiving.unarchive(found, next(each for each in kept if each.plan == meant[0]))
    name = ids.short(back.plan)
    if back.tip is None:
        console.out(f"the log of {name} is back; the commits of its branch are not in this repository")
    else:
        console.out(f"{name} is back; branch orch/{back.plan} is at {back.tip[:10]}")
    console.out(f"next: git orch show {name}")
