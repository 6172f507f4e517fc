"""git orch check: look for what would make a plan fail."""

from __future__ import annotations

import os

import click

from git_orch.cli import here
from git_orch.views import console


@click.command("check")
@here.plan_argument
@click.option("--deps", is_flag=True, help="Only print the commands that are missing, one a line.")
@here.json_option
def command(plan: str | None, *, deps: bool, as_json: bool) -> int:
    """Findings about a plan: missing commands, code without a check, and what else would make it fail.

    The exit code is 1 when one of them is an error.
    """
    from git_orch.flow import policing, surroundings
    from git_orch.plans import findings
    from git_orch.sandbox import environment

    found = here.repository()
    with here.reading(found) as database:
        status = here.status_of(found, database, plan)
    path = os.pathsep.join(environment.outside(os.environ.get("PATH", ""), found.top))

    def available(name: str) -> bool:
        return environment.program(name, path) is not None

    if deps:
        missing = findings.unavailable_dependencies(status.plan, available)
        if as_json:
            here.print_json(missing)
        for name in missing if not as_json else ():
            console.out(name)
        return 1 if missing else 0
    machine = surroundings.present(found.common_dir, found.top)
    listed = [*findings.check(status.plan, available), *policing.denied(status.plan, machine)]
    if as_json:
        here.print_json([each._asdict() for each in listed])
    else:
        for each in listed:
            style = "red" if each.level == "error" else "yellow"
            console.out(console.Styled(each.level, style), f": {each.text()} [{each.code}]")
            if each.fix:
                console.out(f"  fix: {each.fix}")
        if not listed:
            console.out("no findings")
    return 1 if any(each.level == "error" for each in listed) else 0
