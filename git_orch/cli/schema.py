"""git orch schema: print the JSON schemas of plan files and output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans.history.status import PlanState
from git_orch.views import answer, costs, documents, events, schemas

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_orch.plans.document import Document

_OF_FILES = ("plan", "step")


def _template() -> Document:
    from git_orch.templates import template

    return template.json_schema()


def _plan_state() -> Document:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "the states of a plan",
        "type": "string",
        "enum": [state.value for state in PlanState],
    }


_OF_ANSWERS: dict[str, Callable[[], Document]] = {
    "template": _template,
    "plan-state": _plan_state,
    "plan-status": documents.schema,
    "plans": schemas.plans,
    "cost": costs.schema,
    "caps": schemas.caps,
    "answer": answer.schema,
    "event": events.schema,
}

_NAMES = (*_OF_FILES, *_OF_ANSWERS)


@click.command("schema")
@click.argument("name", default="plan")
def command(name: str) -> None:
    """Print the JSON Schema NAME: plan (a plan file, the default), step, template, plan-state,
    plan-status (show --json), plans (ls --json), cost, caps, answer (all answers with --json), event
    (a line of exec --stream).
    """
    if name in _OF_FILES:
        from git_orch.plans.file import schema

        here.print_json(schema.schema(name))
        return
    if name not in _OF_ANSWERS:
        raise errors.UsageError(
            f"there is no schema '{name}', only {', '.join(_NAMES)}", "git orch schema plan"
        )
    here.print_json(_OF_ANSWERS[name]())
