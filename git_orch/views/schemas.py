"""JSON Schemas of answers that are not about one plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_orch.plans.history.status import PlanState
from git_orch.views import documents

if TYPE_CHECKING:
    from git_orch.plans.document import Document

_TEXT: Document = {"type": "string"}
_MAYBE_TEXT: Document = {"type": ["string", "null"]}
_TRUTH: Document = {"type": "boolean"}
_COUNT: Document = {"type": "integer", "minimum": 0}


def plans() -> Document:
    """JSON Schema of what `git orch ls --json` gives."""
    plan = documents.object_schema(
        {"id": _TEXT, "handle": _TEXT, "title": _TEXT,
         "state": {"enum": [state.value for state in PlanState]}, "word": _TEXT,
         "running": _TRUTH, "steps": _COUNT, "done": _COUNT,
         "usd": {"type": "number", "minimum": 0}, "archived": _TRUTH}
    )  # fmt: skip
    return _titled("a list of plans", {"type": "array", "items": plan})


def caps() -> Document:
    """JSON Schema of what `git orch caps --json` gives, of this machine or of one command."""
    command = documents.object_schema(
        {"name": _TEXT, "available": _TRUTH, "path": _MAYBE_TEXT, "version": _MAYBE_TEXT}
    )
    machine = documents.object_schema(
        {"os": _TEXT, "arch": _TEXT, "pwd": _TEXT, "languages": {"type": "array", "items": _TEXT},
         "commands": {"type": "array", "items": command}}
    )  # fmt: skip
    return _titled("commands and languages of a machine", {"anyOf": [machine, command]})


def _titled(title: str, schema: Document) -> Document:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}
