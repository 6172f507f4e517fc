"""git orch graph: show which steps wait for which."""

from __future__ import annotations

from typing import Literal

import click

from git_orch import errors
from git_orch.cli import here, reading
from git_orch.plans.history.status import Status
from git_orch.views import console

Form = Literal["text", "mermaid", "dot", "svg"]


@click.command("graph")
@here.plan_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot", "svg"]),
    help="Print text (the default), Mermaid, DOT of Graphviz, or an SVG picture.",
)
@click.option("--dot", "form", flag_value="dot", help="Print DOT: --format dot.")
@here.json_option
def command(plan: str | None, *, form: Form | None, as_json: bool) -> None:
    """Show which steps wait for which, level by level, and the longest chain."""
    if form is not None and as_json:
        raise errors.UsageError(f"--format {form} cannot be used with --json", "git orch graph -h")
    from git_orch.views import graph

    repository = here.find_repository()
    with reading.open_objects(repository) as database:
        status = reading.status_of(repository, database, plan)
    if as_json:
        here.print_json(graph.document(status))
    elif form in (None, "text"):
        console.out_lines(graph.lines(status))
    else:
        console.out("\n".join(_drawn(status, form)))


def _drawn(status: Status, form: Form | None) -> list[str]:
    from git_orch.views.pictures import notations, svg

    if form == "svg":
        return [svg.picture(status)]
    return notations.dot(status) if form == "dot" else notations.mermaid(status)
