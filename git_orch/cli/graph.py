"""git orch graph: the order in which steps wait for others."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.views import console


@click.command("graph")
@here.plan_argument
@click.option("--dot", is_flag=True, help="Print the graph in the language of Graphviz.")
@here.json_option
def command(plan: str | None, *, dot: bool, as_json: bool) -> None:
    """Which steps wait for which: levels of steps that wait for nothing of their own level, and the
    longest chain.
    """
    if dot and as_json:
        raise errors.UsageError("--dot cannot be used with --json", "git orch graph --dot")
    from git_orch.views import graph

    repository = here.find_repository()
    with here.open_objects(repository) as database:
        status = here.status_of(repository, database, plan)
    if as_json:
        here.print_json(graph.document(status))
        return
    for line in graph.dot(status.plan) if dot else graph.lines(status):
        console.out(*line)
