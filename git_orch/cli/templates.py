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

    templates = [render.describe(name) for name in render.names()]
    if as_json:
        here.print_json(
            [
                {
                    "name": template.name,
                    "description": template.description,
                    "variables": {variable.name: {"description": variable.description, "default": variable.default}
                                  for variable in template.variables},
                }
                for template in templates
            ]
        )  # fmt: skip
        return
    for template in templates:
        console.out(console.Styled(template.name, "bold"), f"  {template.description}")
        for variable in template.variables:
            default = f" (default {variable.default})" if variable.default is not None else ""
            console.out(f"  {variable.name}: {variable.description}{default}")
        console.out(f"  {template.example()}")
