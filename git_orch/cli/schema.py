"""git orch schema: the JSON schemas."""

from __future__ import annotations

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans.history.status import PlanState
from git_orch.views import answer, documents

_NAMES = ("plan", "step", "plan-state", "plan-status", "answer")


@click.command("schema")
@click.argument("name", default="plan")
def command(name: str) -> None:
    """The JSON Schema called NAME: plan (a plan file, the default), step, plan-state, plan-status
    (show --json), answer (all answers with --json).
    """
    if name not in _NAMES:
        raise errors.UsageError(
            f"there is no schema '{name}', only {', '.join(_NAMES)}", "git orch schema plan"
        )
    if name == "plan-state":
        here.print_json(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "the states of a plan",
                "type": "string",
                "enum": [state.value for state in PlanState],
            }
        )
    elif name == "answer":
        here.print_json(answer.schema())
    elif name == "plan-status":
        here.print_json(documents.schema())
    else:
        from git_orch.plans.file import schema

        here.print_json(schema.schema(name))
