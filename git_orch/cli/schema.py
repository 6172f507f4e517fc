"""git orch schema: the JSON schemas."""

from __future__ import annotations

import click

from git_orch.cli import here
from git_orch.plans import schema


@click.command("schema")
@click.argument("name", default="plan")
def command(name: str) -> None:
    """The JSON Schema called NAME: plan (a plan file), step, plan-state."""
    here.print_json(schema.schema(name))
