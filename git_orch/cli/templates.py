"""git orch templates: the built-in plan templates."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.views import console


@click.command("templates")
@here.json_option
def command(*, as_json: bool) -> None:
    """The built-in templates, with their variables and a command to try."""
    from git_orch.templates import render

    found = [render.describe(name) for name in render.names()]
    if as_json:
        here.print_json(
            [
                {
                    "name": each.name,
                    "description": each.description,
                    "variables": {one.name: {"description": one.description, "default": one.default}
                                  for one in each.variables},
                }
                for each in found
            ]
        )  # fmt: skip
        return
    for each in found:
        console.out(console.Styled(each.name, "bold"), f"  {each.description}")
        for one in each.variables:
            default = f" (default {one.default})" if one.default is not None else ""
            console.out(f"  {one.name}: {one.description}{default}")
        console.out(f"  {each.example()}")
