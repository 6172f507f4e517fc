"""git orch tools: list the tools a model may use."""

from __future__ import annotations

import click

from git_orch.agents import tool_definitions
from git_orch.cli import here
from git_orch.views import console


@click.command("tools")
@click.option(
    "--tool",
    "allowed",
    default="all",
    metavar="LIST",
    help="As for exec: none, read, write, command, all.",
)
@here.json_option
def command(allowed: str, *, as_json: bool) -> None:
    """List the tools that a model may use in an agent step, with the schemas of their input."""
    offered = tool_definitions.definitions(tool_definitions.permissions(allowed))
    if as_json:
        here.print_json(list(offered))
        return
    for tool in offered:
        console.out(console.Styled(str(tool["name"]), "bold"), f"  {tool['description']}")
